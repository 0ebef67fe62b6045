import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createFileStore } from '../../src/adapters/files/file-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'vigia-killed-writers-'))
const store = join(folder, 'mlruns')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const ROUNDS = 2
const WRITERS = 3

/**
 * Writers are killed at a moment of chance, in the middle of whatever they write; nobody cleans up after
 * them.
 */
test('processes that write to one store and are killed leave it readable, with all that they were told was written', async () => {
  const finished: { run: string; name: string; version: number }[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const writers = Array.from({ length: WRITERS }, (_, i) => startWriter(`writer ${round}.${i}`))
    // Each has come far enough to be in the middle of something; one has just begun its next round.
    const mostLines = 1 + Math.floor(3 * Math.random())
    await Promise.all(writers.map(({ told }) => told(1)))
    await Promise.race(writers.map(({ told }) => told(mostLines)))
    for (const { child } of writers) child.kill('SIGKILL')
    await Promise.all(writers.map(({ closed }) => closed))
    finished.push(...writers.flatMap(({ lines }) => lines().map((line) => JSON.parse(line))))
  }
  expect(finished.length).toBeGreaterThanOrEqual(ROUNDS * WRITERS)

  const { tracker, registry } = createFileStore({
    folder: store,
    now: () => Date.now(),
    owner: { processId: process.pid, host: 'another', isAlive: () => true },
  })
  for (const { run, name, version } of finished) {
    const read = await tracker.getRun(run)
    expect(read).toMatchObject({ name, status: 'FINISHED', params: { a: name } })
    expect(await tracker.metricHistory(run, 'm')).toHaveLength(50)
    expect((await registry.findVersion('model', version))?.runId).toBe(run)
  }
  const versions = finished.map(({ version }) => version)
  expect(new Set(versions).size).toBe(versions.length)

  // What they did not finish is whole as far as it goes, and nobody is in the way of the next.
  const experiment = await tracker.findExperiment('shared')
  let page: string | undefined
  let runs = 0
  do {
    const found = await tracker.searchRuns({
      experimentIds: [experiment?.id ?? ''],
      ...(page !== undefined && { page }),
    })
    for (const run of found.items) {
      runs++
      for (const [key, value] of Object.entries(run.params))
        expect(value).toHaveLength(key === 'a' ? run.name.length : 3000)
      const steps = (await tracker.metricHistory(run.id, 'm')).map(({ step }) => step)
      expect(steps).toEqual(steps.map((_, i) => i))
    }
    page = found.nextPage
  } while (page !== undefined)
  expect(runs).toBeGreaterThanOrEqual(finished.length)
  const { items } = await registry.listVersions('model')
  expect(items.length).toBeGreaterThanOrEqual(finished.length)
  expect((await registry.findModel('model'))?.aliases['production']).toBeGreaterThan(0)
})

const startWriter = (name: string) => {
  const child: ChildProcess = spawn(
    process.execPath,
    ['--import', 'tsx', 'test/tracking/write-forever.ts', store, name],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let text = ''
  const lines = () =>
    text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .filter(Boolean)
  child.stdout?.on('data', (chunk: Buffer) => {
    text += String(chunk)
  })
  /** Resolves when the writer has finished so many rounds. */
  const told = async (rounds: number): Promise<void> => {
    while (lines().length < rounds) await once(child.stdout!, 'data')
  }
  return { child, told, lines, closed: once(child, 'close') }
}
