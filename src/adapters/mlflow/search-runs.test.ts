import { expect, test } from 'vitest'
import type { RunQuery } from '../../ports/experiment-tracker.ts'
import type { MlflowClient } from './mlflow-client.ts'
import { searchRuns } from './search-runs.ts'

test('a run that starts between two pages moves no other', async () => {
  const server = serverWith([50, 40, 40, 40, 30, 20])
  const first = await searchRuns(server.client, query({ pageSize: 2 }))
  server.start(60)
  const second = await searchRuns(server.client, query({ pageSize: 2, page: first.nextPage! }))
  const third = await searchRuns(server.client, query({ pageSize: 2, page: second.nextPage! }))
  expect([first, second, third].map(({ items }) => items.map(({ id }) => id))).toEqual([
    ['run 0', 'run 1'],
    ['run 2', 'run 3'],
    ['run 4', 'run 5'],
  ])
  expect(third.nextPage).toBeUndefined()
})

test('a value that the filter language cannot quote is compared here, over as many answers as needed', async () => {
  const server = serverWith([60, 50, 40, 30, 20, 10], (i) => (i % 2 === 0 ? `it's "even"` : 'odd'))
  const found = query({ pageSize: 2, tags: { parity: `it's "even"` } })
  const first = await searchRuns(server.client, found)
  const second = await searchRuns(server.client, { ...found, page: first.nextPage! })
  expect([first, second].map(({ items }) => items.map(({ id }) => id))).toEqual([
    ['run 0', 'run 2'],
    ['run 4'],
  ])
  expect(second.nextPage).toBeUndefined()
  expect(server.filters[0]).toBe('')
})

test('what it can quote is asked of the server', async () => {
  const server = serverWith([])
  const conditions = { tags: { 'a.b/c d': 'x-1' }, params: { depth: '6' }, status: 'FINISHED' } as const
  await searchRuns(server.client, query(conditions))
  expect(server.filters).toEqual([
    "tags.`a.b/c d` = 'x-1' AND params.`depth` = '6' AND attributes.status = 'FINISHED'",
  ])
})

const query = (conditions: Omit<RunQuery, 'experimentIds'>): RunQuery => ({
  experimentIds: ['1'],
  ...conditions,
})

/** Answers `runs/search` as MLflow does, as far as start times go; `run i` started at `startTimes[i]`. */
function serverWith(startTimes: readonly number[], parityOf = (_: number): string => '') {
  const runs = startTimes.map((startTime, i) => wireRun(`run ${i}`, startTime, parityOf(i)))
  const filters: string[] = []
  const ask = async ({ body }: { body: { filter: string; max_results: number } }): Promise<unknown> => {
    filters.push(body.filter)
    const latest = Number(/start_time <= (\d+)/.exec(body.filter)?.[1] ?? Number.MAX_SAFE_INTEGER)
    const found = runs.filter(({ info }) => info.start_time <= latest)
    return { runs: found.sort((a, b) => b.info.start_time - a.info.start_time).slice(0, body.max_results) }
  }
  return {
    client: { ask } as unknown as MlflowClient,
    filters,
    start: (startTime: number) => runs.push(wireRun('new', startTime, '')),
  }
}

const wireRun = (id: string, startTime: number, parity: string) => ({
  info: { run_id: id, experiment_id: '1', start_time: startTime },
  data: { tags: [{ key: 'parity', value: parity }] },
})
