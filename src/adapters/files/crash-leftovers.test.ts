import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createFileStore } from './file-store.ts'

const root = mkdtempSync(join(tmpdir(), 'vigia-leftovers-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const { tracker } = createFileStore({
  folder: root,
  now: () => Date.now(),
  owner: { processId: process.pid, host: 'here', isAlive: () => true },
})

test('half a line at the end of a metric is not read, and gone after the next value', async () => {
  const { id, folder } = await startRun('half a line')
  await tracker.logEntries(id, { metrics: [loss(0.5, 1)] })
  appendFileSync(join(folder, 'metrics', 'loss'), '2 0.2')
  expect(await tracker.metricHistory(id, 'loss')).toEqual([loss(0.5, 1)])
  await tracker.logEntries(id, { metrics: [loss(0.25, 2)] })
  expect(readFileSync(join(folder, 'metrics', 'loss'), 'utf8')).toBe('1 0.5 1\n2 0.25 2\n')
})

test('values are never added to the file of a metric in place: it is replaced whole', async () => {
  const { id, folder } = await startRun('whole')
  const file = join(folder, 'metrics', 'loss')
  await tracker.logEntries(id, { metrics: [loss(0.5, 1)] })
  const before = statSync(file).ino
  await tracker.logEntries(id, { metrics: [loss(0.25, 2)] })
  expect(statSync(file).ino).not.toBe(before)
})

test('zero and minus zero are one value of a metric', async () => {
  const { id } = await startRun('zeros')
  await tracker.logEntries(id, { metrics: [loss(0, 1), loss(-0, 1)] })
  expect(await tracker.metricHistory(id, 'loss')).toHaveLength(1)
})

test('the empty folder of an input that was never finished is filled by the next', async () => {
  const input = { name: 'bank', digest: 'abc', sourceType: 'local', source: '{}', context: 'training' }
  const first = await startRun('input')
  await tracker.logInputs(first.id, [input])
  const inputs = join(first.folder, 'inputs')
  const [name = ''] = readdirSync(inputs)
  rmSync(join(inputs, name, 'meta.yaml'))
  await tracker.logInputs(first.id, [input])
  expect(await tracker.listInputs(first.id)).toEqual([input])
})

const startRun = async (name: string): Promise<{ id: string; folder: string }> => {
  const experiment = await tracker.createExperiment(name)
  const { id } = await tracker.createRun({ experimentId: experiment.id, name, startTimeMs: 1 })
  return { id, folder: join(root, experiment.id, id) }
}

const loss = (value: number, step: number) => ({ key: 'loss', value, step, timestampMs: step })
