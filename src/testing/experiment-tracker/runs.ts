import { match, ok } from 'node:assert/strict'
import { has, refuses, same } from '../assertions.ts'
import type { Law } from '../law.ts'
import { type ExperimentTrackerSubject, law, START, unique } from './tracker-law.ts'

/** Of runs, and how they are found. */
export const runLaws: readonly Law<ExperimentTrackerSubject>[] = [
  law(
    1,
    'runs begin as RUNNING, and everybody reads what was written',
    async ({ tracker, other, experiment }) => {
      const run = await tracker.createRun({
        experimentId: experiment.id,
        name: 'forêt 🌲',
        startTimeMs: START,
        tags: { 'vigia.kind': 'training' },
      })
      match(run.id, /^[0-9a-f]{32}$/)
      const read = await other.getRun(run.id)
      has(read, {
        id: run.id,
        experimentId: experiment.id,
        name: 'forêt 🌲',
        status: 'RUNNING',
        startTimeMs: START,
        params: {},
        metrics: {},
      })
      same(read.endTimeMs, undefined)
      same(read.tags['vigia.kind'], 'training')
      same(read.tags['mlflow.runName'], 'forêt 🌲')
    },
  ),
  law(5, 'runs end, and go on', async ({ tracker, other, startRun }) => {
    const { id } = await startRun()
    await tracker.setRunStatus(id, 'FAILED', START + 5000)
    has(await other.getRun(id), { status: 'FAILED', endTimeMs: START + 5000 })
    await tracker.setRunStatus(id, 'RUNNING')
    const again = await other.getRun(id)
    same([again.status, again.endTimeMs], ['RUNNING', undefined])
    await tracker.setRunStatus(id, 'FINISHED', START + 9000)
    has(await other.getRun(id), { status: 'FINISHED', endTimeMs: START + 9000 })
  }),
  law(1, 'a part of another run names it', async ({ tracker, other, experiment, startRun }) => {
    const parent = await startRun()
    const child = await tracker.createRun({
      experimentId: experiment.id,
      name: 'a part',
      startTimeMs: START,
      parentRunId: parent.id,
    })
    const found = await other.searchRuns({
      experimentIds: [experiment.id],
      tags: { 'mlflow.parentRunId': parent.id },
    })
    same(
      found.items.map(({ id }) => id),
      [child.id],
    )
  }),
  law(9, 'a run that is not there is said so', async ({ tracker }) => {
    await refuses(tracker.getRun('0'.repeat(32)), 'TRACKING_NOT_FOUND')
  }),
  law(
    6,
    'runs are found by tags, parameters and status, from the latest to the earliest, page by page',
    async ({ tracker, other }) => {
      const { id: experimentId } = await tracker.createExperiment(unique('search'))
      for (let i = 0; i < 7; i++) {
        const { id } = await tracker.createRun({
          experimentId,
          name: `run ${i}`,
          startTimeMs: START + i,
          tags: { parity: i % 2 === 0 ? 'even' : 'odd' },
        })
        await tracker.logEntries(id, { params: { 'models.depth': String(i % 3) } })
        if (i < 4) await tracker.setRunStatus(id, 'FINISHED', START + 100)
      }
      const names = async (query: object): Promise<string[]> => {
        const found: string[] = []
        let page: string | undefined
        do {
          const answer = await other.searchRuns({
            experimentIds: [experimentId],
            pageSize: 2,
            ...query,
            ...(page === undefined ? {} : { page }),
          })
          ok(answer.items.length <= 2)
          found.push(...answer.items.map((run) => run.name))
          page = answer.nextPage
          ok(found.length <= 7, 'pages repeat runs')
        } while (page !== undefined)
        return found
      }
      same(
        await names({}),
        [6, 5, 4, 3, 2, 1, 0].map((i) => `run ${i}`),
      )
      same(await names({ tags: { parity: 'odd' } }), ['run 5', 'run 3', 'run 1'])
      same(await names({ status: 'FINISHED' }), ['run 3', 'run 2', 'run 1', 'run 0'])
      same(await names({ tags: { parity: 'even' }, params: { 'models.depth': '0' } }), ['run 6', 'run 0'])
      same(await names({ tags: { parity: `it's "neither"` } }), [])
    },
  ),
  law(6, 'a run that begins while pages are read moves none of the others', async ({ tracker, other }) => {
    const { id: experimentId } = await tracker.createExperiment(unique('pages'))
    const start = (i: number) => tracker.createRun({ experimentId, name: `run ${i}`, startTimeMs: START + i })
    for (let i = 0; i < 4; i++) await start(i)
    const first = await other.searchRuns({ experimentIds: [experimentId], pageSize: 2 })
    await start(10)
    const second = await other.searchRuns({
      experimentIds: [experimentId],
      pageSize: 2,
      ...(first.nextPage === undefined ? {} : { page: first.nextPage }),
    })
    const names = [...first.items, ...second.items].map(({ name }) => name)
    same(names, ['run 3', 'run 2', 'run 1', 'run 0'])
  }),
]
