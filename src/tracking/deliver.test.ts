import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { unwatched } from '../disk/work.ts'
import { VigiaError } from '../errors.ts'
import type { ExperimentTracker } from '../ports/experiment-tracker.ts'
import type { TrackingStore } from '../ports/tracking-store.ts'
import { deliverJournal } from './deliver.ts'
import { openJournal } from './journal.ts'
import type { JournalEntry } from './journal-entry.ts'
import { createMemoryTrackingStore, type Trouble } from './memory-tracking-store.test-kit.ts'

describe('what a delivery leaves', () => {
  test('the run with its child, parameters, metrics, artifacts and version', async () => {
    const store = createMemoryTrackingStore()
    await recordExample()
    const { state, waiting } = await deliver(store)
    expect([waiting, state.refused, state.version]).toEqual([0, [], { model: 'detector', version: 1 }])
    expect(await store.content()).toMatchObject({
      experiments: ['bank'],
      runs: [
        {
          name: 'first',
          status: 'FINISHED',
          params: { a: '1', b: '2' },
          artifacts: { 'model/MLmodel': 'flavors', 'reports/page.html': 'new' },
          metrics: ['loss 0.5 1000 1', 'loss NaN 1000 2'],
          inputs: ['data abc training'],
        },
        { name: 'forest', parent: KEY, status: 'FINISHED', params: { trees: '20' } },
      ],
      models: [{ name: 'detector', versions: [{ version: 1, source: 'first/model' }] }],
    })
  })

  test('law: fails or is killed at any call, any number of times, and in the end everything is there once', async () => {
    const undisturbed = createMemoryTrackingStore()
    await recordExample()
    await deliver(undisturbed)
    const expected = await undisturbed.content()
    const troubles = fc.array(
      fc.constantFrom<Trouble>(
        'none',
        'none',
        'none',
        'before',
        'half',
        'after',
        'killed-before',
        'killed-after',
      ),
      { maxLength: 60 },
    )
    await fc.assert(
      fc.asyncProperty(troubles, async (planned) => {
        await rm(folder, { recursive: true, force: true })
        await recordExample()
        let kill: () => void = () => undefined
        const store = createMemoryTrackingStore((_, number) => {
          const trouble = planned[number] ?? 'none'
          if (/^killed/.test(trouble)) kill()
          return trouble
        })
        for (let isDone = false; !isDone; ) {
          const killed = new Promise<undefined>((resolve) => {
            kill = () => resolve(undefined)
          })
          // An attempt that is killed is left behind with its lock: its call never comes back.
          isDone = (await Promise.race([deliver(store), killed]))?.waiting === 0
        }
        expect(await store.content()).toEqual(expected)
      }),
      { numRuns: 60 },
    )
  })

  test('law: what is delivered bit by bit while it is written is what is delivered at the end', async () => {
    const whole = createMemoryTrackingStore()
    await recordExample()
    await deliver(whole)
    await rm(folder, { recursive: true, force: true })
    const store = createMemoryTrackingStore()
    await recordExample(async () => {
      await deliver(store)
    })
    await deliver(store)
    expect(await store.content()).toEqual(await whole.content())
  })

  test('nothing is sent twice to a tracker that has everything', async () => {
    const store = createMemoryTrackingStore()
    await recordExample()
    await deliver(store)
    const before = store.calls.length
    expect((await deliver(store)).waiting).toBe(0)
    expect(store.calls.length).toBe(before)
  })

  test('a note of the delivery that is lost makes nothing twice', async () => {
    const store = createMemoryTrackingStore()
    await recordExample()
    await deliver(store)
    const before = await store.content()
    await rm(join(folder, 'delivered.json'))
    await recordCopies()
    await deliver(store)
    expect(await store.content()).toEqual(before)
  })
})

describe('a tracker that does not answer or does not agree', () => {
  test('stops a delivery without an error, and what waits is counted', async () => {
    await recordExample()
    const store = createMemoryTrackingStore((call) => (call === 'logInputs' ? 'before' : 'none'))
    const { stoppedBy, waiting } = await deliver(store)
    expect(stoppedBy?.code).toBe('TRACKING_UNREACHABLE')
    expect(waiting).toBe(10)
  })

  test('a parameter that is refused is told with its reason and the others arrive', async () => {
    const journal = await openJournal(folder)
    await journal.append(
      BEGIN,
      { op: 'run', run: 'run', name: 'first', startTimeMs: 0, tags: {} },
      { op: 'entries', run: 'run', params: { a: '1', 'b?': '2', c: '3' }, tags: { d: '4' } },
    )
    const store = createMemoryTrackingStore()
    const { state, waiting } = await deliver(store)
    expect(waiting).toBe(0)
    expect(state.refused).toEqual([
      { what: 'parameter b? of run', reason: expect.stringContaining('"b?" is no name that is allowed') },
    ])
    expect(await store.content()).toMatchObject({
      runs: [{ params: { a: '1', c: '3' }, tags: { d: '4' } }],
    })
  })

  test('an artifact whose copy was altered is refused, and so is a version of it', async () => {
    await recordExample()
    const journal = await openJournal(folder)
    const model = journal.before.find((entry) => entry.op === 'artifact' && entry.path === 'model')
    if (model?.op !== 'artifact') throw new Error('no model')
    await rm(join(folder, model.copy, 'MLmodel'))
    await writeFile(join(folder, model.copy, 'MLmodel'), 'another')
    const { state } = await deliver(createMemoryTrackingStore())
    expect(state.refused).toEqual([
      { what: 'artifact model', reason: 'its copy is missing or was altered' },
      { what: 'version of detector', reason: 'a file of model was refused' },
    ])
  })

  test('what was refused is tried again when that is asked for, and everything is there once', async () => {
    const undisturbed = createMemoryTrackingStore()
    await recordExample()
    await deliver(undisturbed)
    await rm(folder, { recursive: true })
    await recordExample()
    const store = createMemoryTrackingStore()
    let isFull = true
    const full = {
      ...store,
      tracker: {
        ...store.tracker,
        logArtifact: async (...words: Parameters<ExperimentTracker['logArtifact']>) => {
          if (isFull)
            throw new VigiaError('TRACKING_REFUSED', { location: 'it', request: 'PUT', reason: 'no space' })
          return store.tracker.logArtifact(...words)
        },
      },
    }
    expect((await deliver(full)).state.refused).toHaveLength(4)
    isFull = false
    expect((await deliver(full)).state.refused).toHaveLength(4)
    const { state } = await deliverJournal(folder, full, { ...OPTIONS, retryRefused: true })
    expect(state.refused).toEqual([])
    expect(await store.content()).toEqual(await undisturbed.content())
  })

  test('a tracked run that is refused stops the delivery: nothing could follow', async () => {
    const journal = await openJournal(folder)
    await journal.append(BEGIN, {
      op: 'run',
      run: 'run',
      name: 'first',
      startTimeMs: 0,
      tags: { '?': 'x' },
    } as JournalEntry)
    const { stoppedBy, state } = await deliver(createMemoryTrackingStore())
    expect([stoppedBy?.code, state.entries]).toEqual(['TRACKING_NAME_INVALID', 1])
  })

  test('a journal begun with another tracker is sent anew, unless that one has all of it', async () => {
    await recordExample(undefined, 4)
    await deliver(createMemoryTrackingStore((call) => (call === 'logEntries' ? 'before' : 'none'), 'first'))
    const second = createMemoryTrackingStore(undefined, 'second')
    expect((await deliver(second)).state).toMatchObject({ location: 'second', entries: 4 })
    const third = createMemoryTrackingStore(undefined, 'third')
    await deliver(third)
    expect(third.calls).toEqual([])
  })

  test('a tracker of the same name that does not know the run gets it from its beginning', async () => {
    await recordExample(undefined, 4)
    await deliver(createMemoryTrackingStore((call) => (call === 'logInputs' ? 'before' : 'none')))
    const other = createMemoryTrackingStore()
    await other.tracker.createExperiment('bank')
    expect((await deliver(other)).state).toMatchObject({ entries: 4, refused: [] })
    expect(await other.content()).toMatchObject({ runs: [{ name: 'first', params: { a: '1', b: '2' } }] })
  })

  test('an experiment that another run makes at the same moment is used by both', async () => {
    await recordExample()
    const store = createMemoryTrackingStore()
    await store.tracker.createExperiment('bank')
    const find = store.tracker.findExperiment
    let asked = 0
    const blind = {
      ...store,
      tracker: {
        ...store.tracker,
        findExperiment: async (name: string) => (asked++ === 0 ? undefined : find(name)),
      },
    }
    expect((await deliverJournal(folder, blind, OPTIONS)).waiting).toBe(0)
    expect(await store.content()).toMatchObject({ experiments: ['bank'] })
  })
})

describe('two deliverers', () => {
  test('the second is told that the first is at work', async () => {
    await recordExample()
    const store = createMemoryTrackingStore((call) => (call === 'createRun' ? 'killed-before' : 'none'))
    void deliver(store)
    while (!store.calls.includes('createRun')) await nextTurn()
    const others = { ...OPTIONS, owner: { ...OPTIONS.owner, isAlive: () => true } }
    await expect(deliverJournal(folder, store, others)).rejects.toThrow(VigiaError)
  })
})

let root: string
let folder: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'vigia-deliver-'))
  folder = join(root, 'tracking', KEY)
})
afterEach(() => rm(root, { recursive: true, force: true }))

const KEY = '7b1c'
const BEGIN: JournalEntry = { op: 'begin', schema: 1, runKey: KEY, experiment: 'bank', settings: '' }
const OPTIONS = {
  owner: { processId: 1, host: 'here', processSpace: 'test', isAlive: () => false },
  world: { now: () => 0 },
  work: unwatched(),
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

let nextProcess = 1000

/** As a new process; whoever had the journal before is dead. */
const deliver = (store: TrackingStore) =>
  deliverJournal(folder, store, { ...OPTIONS, owner: { ...OPTIONS.owner, processId: nextProcess++ } })

/** Two runs, all kinds of operations. `between` is called after each. */
const recordExample = async (
  between: () => Promise<void> = async () => undefined,
  most = 99,
): Promise<void> => {
  const journal = await openJournal(folder)
  await recordCopies()
  const at = (name: string): string => join(root, name)
  const steps: (() => Promise<void>)[] = [
    () => journal.append(BEGIN),
    () => journal.append({ op: 'run', run: 'run', name: 'first', startTimeMs: 1, tags: { x: 'y' } }),
    () => journal.append({ op: 'entries', run: 'run', params: { a: '1', b: '2' } }),
    () => journal.append({ op: 'inputs', run: 'run', inputs: [INPUT] }),
    () =>
      journal.append({ op: 'run', run: 'forest', parent: 'run', name: 'forest', startTimeMs: 2, tags: {} }),
    () => journal.append({ op: 'entries', run: 'forest', params: { trees: '20' } }),
    () =>
      journal.append({
        op: 'entries',
        run: 'run',
        metrics: [
          { key: 'loss', value: 0.5, timestampMs: 1000, step: 1 },
          { key: 'loss', value: Number.NaN, timestampMs: 1000, step: 2 },
        ],
      } as JournalEntry),
    async () => journal.append(await journal.keep('run', at('old.html'), 'reports/page.html')),
    async () => journal.append(await journal.keep('run', at('new.html'), 'reports/page.html')),
    async () => journal.append(await journal.keep('run', at('model'), 'model')),
    () => journal.append({ op: 'status', run: 'forest', status: 'FINISHED', endTimeMs: 5 }),
    () =>
      journal.append({
        op: 'version',
        run: 'run',
        model: 'detector',
        description: 'ours',
        artifactPath: 'model',
        tags: { threshold: '0.5' },
      } as JournalEntry),
    () => journal.append({ op: 'status', run: 'run', status: 'FINISHED', endTimeMs: 6 }),
  ]
  for (const step of steps.slice(0, most)) {
    await step()
    await between()
  }
}

const recordCopies = async (): Promise<void> => {
  await mkdir(join(root, 'model'), { recursive: true })
  for (const [name, text] of [
    ['old.html', 'old'],
    ['new.html', 'new'],
    ['model/MLmodel', 'flavors'],
  ] as const)
    await writeFile(join(root, name), text)
}

const INPUT = {
  name: 'data',
  digest: 'abc',
  sourceType: 'local',
  source: '{}',
  context: 'training',
} as const
