import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createBackgroundDelivery } from './background-delivery.ts'
import { openJournal } from './journal.ts'
import { createMemoryTrackingStore } from './memory-tracking-store.test-kit.ts'
import { createResourceLog } from './resource-log.ts'
import { beginRun } from './run-writer.ts'
import { createResourceSampler } from './track-this-process.ts'

describe('a delivery in the background', () => {
  test('brings what is written, and at the end what is left', async () => {
    const store = createMemoryTrackingStore()
    const delivery = createBackgroundDelivery(store, 60_000, OPTIONS)
    const journal = await openJournal(folder)
    await journal.append({ op: 'begin', schema: 1, runKey: 'key', experiment: 'bank', settings: '' })
    delivery.wake(folder)
    await journal.append({ op: 'run', run: 'run', name: 'first', startTimeMs: 0, tags: {} })
    delivery.wake(folder)
    await journal.append({ op: 'entries', run: 'run', params: { a: '1' } })
    expect((await delivery.finish(folder))?.waiting).toBe(0)
    expect(await store.content()).toMatchObject({ runs: [{ params: { a: '1' } }] })
  })

  test('does not wait for ever for a tracker that never answers', async () => {
    await beginExample()
    const store = createMemoryTrackingStore(() => 'killed-before')
    const delivery = createBackgroundDelivery(store, 1, OPTIONS)
    delivery.wake(folder)
    while (store.calls.length < 1) await nextTurn()
    expect(await delivery.finish(folder)).toBeUndefined()
  })

  test('leaves a tracker in peace that did not answer, until half a minute later', async () => {
    await beginExample()
    let nowMs = 0
    const store = createMemoryTrackingStore(() => 'before')
    const delivery = createBackgroundDelivery(store, 60_000, { ...OPTIONS, world: { now: () => nowMs } })
    delivery.wake(folder)
    while (store.calls.length < 1) await nextTurn()
    // The attempt has ended when the next one asks again, which it does at the end in any case.
    nowMs = 29_999
    delivery.wake(folder)
    await delivery.finish(folder)
    expect(store.calls).toEqual(['findExperiment', 'findExperiment'])
    nowMs = 60_000
    delivery.wake(folder)
    while (store.calls.length < 3) await nextTurn()
    expect((await delivery.finish(folder))?.stoppedBy?.code).toBe('TRACKING_UNREACHABLE')
  })

  test('what is wrong in the background is told at the end', async () => {
    await beginExample()
    const store = createMemoryTrackingStore(() => {
      throw new Error('the disk is full')
    })
    const delivery = createBackgroundDelivery(store, 60_000, OPTIONS)
    delivery.wake(folder)
    await expect(delivery.finish(folder)).rejects.toThrow('the disk is full')
  })
})

describe('the use of the machine', () => {
  test('is recorded by the number of the sample, and a resumed run continues the counter', async () => {
    const writer = await beginExample()
    const first = createResourceLog(
      () => ({ 'system/x': 1 }),
      () => 7,
    )
    first.start(writer)
    await first.write()
    first.stop()
    const again = createResourceLog(
      () => ({ 'system/x': 2 }),
      () => 8,
    )
    again.start({ ...writer, lastStepOf: () => 1 })
    await again.write()
    again.stop()
    const metrics = (await openJournal(folder)).before.flatMap((entry) =>
      entry.op === 'entries' ? (entry.metrics ?? []) : [],
    )
    expect(metrics.map(({ step, value }) => [step, value])).toEqual([
      [0, 1],
      [1, 1],
      [2, 2],
      [3, 2],
    ])
  })

  test('has the names of MLflow', () => {
    const sample = createResourceSampler()
    const figures = { ...sample(), ...sample() }
    expect(Object.keys(figures)).toEqual([
      'system/cpu_utilization_percentage',
      'system/system_memory_usage_megabytes',
      'system/system_memory_usage_percentage',
      'system/process_memory_megabytes',
      'system/process_cpu_percentage',
    ])
    expect(Object.values(figures).every((figure) => Number.isFinite(figure) && figure >= 0)).toBe(true)
  })
})

let root: string
let folder: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'vigia-background-'))
  folder = join(root, 'tracking', 'key')
})
afterEach(() => rm(root, { recursive: true, force: true }))

const OPTIONS = { owner: { processId: 1, host: 'here', isAlive: () => false }, world: { now: () => 0 } }

const beginExample = () =>
  beginRun(folder, {
    runKey: 'key',
    experiment: 'bank',
    settings: '',
    name: 'first',
    startTimeMs: 0,
    tags: {},
  })

const nextTurn = () => new Promise((resolve) => setImmediate(resolve))
