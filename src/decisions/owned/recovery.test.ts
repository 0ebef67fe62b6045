import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { LogEntry as HistoryEntry } from '../../../test/oracle/naive-features.ts'
import { randomLog } from '../../../test/oracle/random-histories.ts'
import { createMemoryStateStore } from '../../adapters/memory/memory-state-store.ts'
import { VigiaError } from '../../errors.ts'
import type { PredictionLog } from '../../ports/prediction-log.ts'
import type { StateStore } from '../../ports/state-store.ts'
import type { EntityKind } from '../../transaction/entity-kind.ts'
import { createDecider } from '../decider.ts'
import {
  openTestLog,
  silentObserver,
  TEST_SETTINGS,
  TEST_WORLD,
  testFolder,
  testModel,
} from '../inference.test-kit.ts'
import type { InferenceObserver } from '../inference-pipeline.ts'
import { encodeLabel } from '../log/log-record.ts'
import { predictionNames } from '../prediction-names.ts'
import { stateOf } from '../states/stored-state.ts'
import { DueLabels } from './due-labels.ts'
import { Frontier, frontierReceipts } from './frontier.ts'
import type { LogReplayParts } from './log-replay.ts'
import { openOwnedDecisions } from './owned-decisions.ts'
import { Receipts } from './receipts.ts'
import { Recovery } from './recovery.ts'
import { StateCache } from './state-cache.ts'
import { UnsavedStates } from './unsaved-states.ts'
import { WaitingLabels } from './waiting-labels.ts'

const MODEL = testModel()

describe('recovery', () => {
  let folder: string
  let remove: () => void
  beforeEach(() => {
    ;({ folder, remove } = testFolder())
  })
  afterEach(() => {
    vi.useRealTimers()
    remove()
  })

  test('applies each record exactly once to each state, whichever records each stored state has', async () => {
    let round = 0
    await fc.assert(
      fc.asyncProperty(
        randomLog(20),
        fc.nat(),
        fc.array(fc.nat(), { minLength: 8, maxLength: 8 }),
        async (events, through, ages) => {
          const log = await openTestLog(`${folder}/${round++}`)
          const history = await decideAll(log, events)
          // The store says that nothing up to here is lacking; each state is as it was then, or at some later
          // time.
          const savedThrough = through % history.length
          const store = createMemoryStateStore()
          const final = history.at(-1)!
          for (const [i, key] of [...final.keys()].entries()) {
            const age = savedThrough + (ages[i % ages.length]! % (history.length - savedThrough))
            const bytes = history[age]!.get(key)
            if (bytes !== undefined) await store.save([{ key: keyOf(key), bytes, expected: 0 }])
          }
          await store.save([], frontierReceipts({ savedThrough, storedUpTo: log.lastSequence }))
          const { recovery, parts } = createRecovery(store, log)
          await recovery.open()
          expect(parts.receipts.waiting).toBeLessThanOrEqual(log.lastSequence - savedThrough)
          await saveAll(parts)
          expect(withoutNumbers(await statesIn(store))).toEqual(withoutNumbers(final))
          await log.close()
        },
      ),
      { numRuns: 20 },
    )
  })

  test('warns of every value that does not come out again', async () => {
    const log = await openTestLog(folder)
    await decideAll(log, [{ transaction: payment('t1') }, { transaction: payment('t2') }])
    const warnings: unknown[] = []
    // A state that has a payment which the log has not: a counter is one too high from the second record on.
    const foreign = await openTestLog(`${folder}/foreign`)
    const [, once] = await decideAll(foreign, [{ transaction: payment('t0') }])
    const store = createMemoryStateStore()
    for (const [key, bytes] of once!) {
      const unnumbered = new Uint8Array(bytes)
      new DataView(unnumbered.buffer).setFloat64(0, 0, true)
      await store.save([{ key: keyOf(key), bytes: unnumbered, expected: 0 }])
    }
    const { recovery } = createRecovery(store, log, {
      warned: (code, { sequence, feature }) => void warnings.push([code, sequence, feature]),
    })
    await recovery.open()
    expect(warnings).toContainEqual(['SERVING_REPLAY_DIFFERS', 1, 'user_tx_count_60s'])
    expect(warnings).toContainEqual(['SERVING_REPLAY_DIFFERS', 2, 'user_tx_count_60s'])
    await Promise.all([log.close(), foreign.close()])
  })

  test('refuses a log with a record of a kind that it does not know', async () => {
    const log = await openTestLog(folder)
    const payload = encodeLabel(1, {
      transactionId: 't1',
      isFraud: true,
      userId: 'ada',
      eventTimeMs: 1e12,
      receivedAtMs: 1e12,
      isApplied: true,
    })
    const KIND_AT = 0
    payload[KIND_AT] = 9
    await log.append(1, payload)
    const { recovery } = createRecovery(createMemoryStateStore(), log)
    await expect(recovery.open()).rejects.toMatchObject({ code: 'SERVING_STORE_FAILED' })
    await log.close()
  })

  test('tries until the log can be written again', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    const warnings: string[] = []
    const disk = { isFull: true }
    const log = await openTestLog(folder)
    const { recovery, saver } = createRecovery(
      createMemoryStateStore(),
      resumingUnless(log, () => disk.isFull),
      { warned: (code) => void warnings.push(code) },
    )
    recovery.begin(NO_SPACE)
    recovery.begin(new Error('a failure while it is recovering changes nothing'))
    expect(recovery.failure).toBe(NO_SPACE)
    await vi.advanceTimersByTimeAsync(2000)
    expect(warnings).toEqual(Array(4).fill('SERVING_LOG_FAILED'))
    expect([recovery.failure, saver.isHalted]).toEqual([NO_SPACE, true])
    disk.isFull = false
    await vi.advanceTimersByTimeAsync(1000)
    await vi.waitFor(() => expect(recovery.failure).toBeUndefined())
    expect(saver.isHalted).toBe(false)
    await log.close()
  })

  test('forgets what the log does not have', async () => {
    const log = await openTestLog(folder)
    await decideAll(log, [{ transaction: payment('t1') }])
    const { recovery, parts } = createRecovery(createMemoryStateStore(), log, { warned: () => undefined })
    await recovery.open()
    const { items, states } = await parts.cache.bring(parts.decider().keysOf(payment('t2')))
    parts.decider().decide(payment('t2'), states, 0, false)
    for (const item of items) parts.unsaved.advanced(item, parts.frontier.next())
    recovery.begin(NO_SPACE)
    await vi.waitFor(() => expect(recovery.failure).toBeUndefined())
    expect(parts.frontier.given).toBe(1)
    const again = await parts.cache.bring(parts.decider().keysOf(payment('t2')))
    expect(again.items.map(({ applied }) => applied)).toEqual([1, 1, 1])
    await log.close()
  })

  test('gives up when it is closed', async () => {
    const log = await openTestLog(folder)
    const full = resumingUnless(log, () => true)
    const { recovery } = createRecovery(createMemoryStateStore(), full, { warned: () => undefined })
    recovery.begin(NO_SPACE)
    await recovery.close()
    expect(recovery.failure).toBe(NO_SPACE)
    await log.close()
  })

  test('tries a last time when it is closed between two tries, and no more afterwards', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    const disk = { isFull: true }
    let tries = 0
    const log = await openTestLog(folder)
    const counted = resumingUnless(log, () => {
      tries++
      return disk.isFull
    })
    const { recovery } = createRecovery(createMemoryStateStore(), counted, { warned: () => undefined })
    recovery.begin(NO_SPACE)
    await vi.advanceTimersByTimeAsync(500)
    expect(tries).toBe(1)
    disk.isFull = false
    await recovery.close()
    expect([tries, recovery.failure]).toEqual([2, undefined])
    recovery.begin(NO_SPACE)
    await vi.advanceTimersByTimeAsync(5000)
    expect([tries, recovery.failure]).toEqual([2, NO_SPACE])
    await log.close()
  })
})

const NO_SPACE = new VigiaError('SERVING_LOG_FAILED', { folder: 'here', reason: 'no space' })

const payment = (transactionId: string) => ({
  transactionId,
  userId: 'ada',
  merchantId: 'shop',
  deviceId: 'phone',
  eventTimeMs: 1e12,
  amountMinor: 100,
})

/** Stored states by kind and token. */
type States = ReadonlyMap<string, Uint8Array>

/**
 * Lets a process decide and label. @returns the stored states after each record, those before the first at 0
 */
const decideAll = async (log: PredictionLog, events: readonly HistoryEntry[]): Promise<States[]> => {
  const store = createMemoryStateStore()
  const decisions = await openOwnedDecisions({
    store,
    log,
    observer: silentObserver,
    decider: createDecider({ champion: MODEL }),
    names: predictionNames({ logName: 'test' }),
    settings: TEST_SETTINGS,
    world: TEST_WORLD,
    nameOf,
  })
  const history: States[] = [new Map()]
  for (const event of events) {
    if ('transaction' in event) await decisions.predict(event.transaction, 0)
    else {
      const { transactionId } = event.labelOf
      await decisions.applyFeedback({ transactionId, isFraud: event.isFraud })
    }
    await decisions.archivable()
    history[log.lastSequence] = await statesIn(store)
  }
  await decisions.close()
  return history
}

const nameOf = async () => ({ name: MODEL.description.name, version: MODEL.description.version })

const statesIn = async (store: StateStore): Promise<States> => {
  const states = new Map<string, Uint8Array>()
  for (const kind of Object.keys(await store.count()))
    for await (const { token, bytes } of store.entries(kind)) states.set(`${kind} ${token}`, bytes)
  return new Map([...states].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/**
 * A label's number stands in all states of its transaction while it is served, and only in those that learnt
 * it after a replay.
 */
const withoutNumbers = (states: States): States =>
  new Map([...states].map(([key, bytes]) => [key, new Uint8Array(stateOf(bytes))]))

const keyOf = (name: string) => {
  const [kind, token] = name.split(' ')
  return { kind: kind as EntityKind, token: Number(token) }
}

const createRecovery = (store: StateStore, log: PredictionLog, observer: Partial<InferenceObserver> = {}) => {
  const decider = createDecider({ champion: MODEL })
  const engineer = () => decider.engineer
  const frontier = new Frontier(log)
  const cache = new StateCache({
    store,
    engineer,
    cacheBytes: TEST_SETTINGS.cacheBytes,
    given: () => Number.MAX_SAFE_INTEGER,
  })
  const parts: LogReplayParts = {
    log,
    store,
    frontier,
    cache,
    unsaved: new UnsavedStates({ store, cache, frontier, engineer }),
    receipts: new Receipts(store),
    due: new DueLabels(store),
    waiting: new WaitingLabels(store, () => undefined),
    labels: { arrived: () => undefined, settleWaiting: async () => undefined },
    decider: () => decider,
    nameOf,
    layout: { cleaningOf: async () => MODEL.cleaning, isOwn: () => true },
    observer: { ...silentObserver, ...observer },
    saveReplayed: async () => {
      throw new Error('nothing is saved before so much was replayed')
    },
  }
  const saver = {
    isHalted: false,
    halt: async () => {
      saver.isHalted = true
    },
    resume: () => {
      saver.isHalted = false
    },
  }
  return { recovery: new Recovery({ ...parts, saver }), parts, saver }
}

const saveAll = async ({ unsaved, receipts, frontier }: LogReplayParts): Promise<void> => {
  const batch = receipts.batch(frontier.given, Number.POSITIVE_INFINITY)
  while (await unsaved.save({ dueThrough: frontier.given, receipts: batch, mostStates: 2 }));
  receipts.settle(batch)
}

/** A log that refuses to go on while the disk is full. */
const resumingUnless = (log: PredictionLog, isFull: () => boolean): PredictionLog => ({
  ...log,
  get lastSequence() {
    return log.lastSequence
  },
  resume: () => {
    if (isFull()) throw NO_SPACE
    log.resume()
  },
})
