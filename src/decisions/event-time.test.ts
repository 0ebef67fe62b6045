import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createMemoryStateStore } from '../adapters/memory/memory-state-store.ts'
import { openLogReader } from '../adapters/segments/segment-files.ts'
import { findUntrueTimes, logRepairs } from '../branches/repair-states.ts'
import { unwatchedWork } from '../disk/work.ts'
import { parityOfLog } from '../pipelines/parity/parity-of-log.ts'
import { ANY_EVENT_TIME, type EventTimeBounds } from '../transaction/event-time.ts'
import type { Transaction } from '../transaction/transaction.ts'
import {
  noTables,
  openTestLog,
  silentObserver,
  TEST_SETTINGS,
  TEST_WORLD,
  testFolder,
  testModel,
} from './inference.test-kit.ts'
import type { InferenceObserver } from './inference-pipeline.ts'
import { type OpenPipeline, openInferencePipeline } from './open-pipeline.ts'
import type { StateUpdate } from './state-updates.ts'

const MODEL = testModel('champion')
const NOW = 1e12
const SECOND = 1000
const DAY = 86_400_000
/** As a server has them by default. */
const BOUNDS: EventTimeBounds = { maxFutureMs: DAY, maxAgeMs: 3650 * DAY }

let folder: string
let remove: () => void
let store: ReturnType<typeof createMemoryStateStore>
let pipeline: OpenPipeline | undefined
let warned: string[]
beforeEach(() => {
  ;({ folder, remove } = testFolder())
  store = createMemoryStateStore()
  warned = []
})
afterEach(async () => {
  await pipeline?.close()
  remove()
})

const open = async (
  eventTime: EventTimeBounds,
  observer: Partial<InferenceObserver> = {},
): Promise<OpenPipeline> => {
  await pipeline?.close()
  pipeline = await openInferencePipeline({
    models: { champion: MODEL },
    tables: noTables(),
    // The small model places what is 20 seconds late.
    observer: { ...silentObserver, warned: (code) => void warned.push(code), ...observer },
    archive: folder,
    database,
    log: await openTestLog(folder),
    states: { kind: 'owned', name: 'memory', store: { ...store, close: async () => undefined } },
    settings: { ...TEST_SETTINGS, eventTime },
    world: { ...TEST_WORLD, now: () => NOW },
  })
  return pipeline
}

const database = { threads: 1, memoryLimit: '256MB', tempDirectory: '.spill' }

const payment = (
  transactionId: string,
  eventTimeMs: number,
  more: Partial<Transaction> = {},
): Transaction => ({
  transactionId,
  userId: 'ada',
  merchantId: 'shop',
  eventTimeMs,
  amountMinor: 900,
  ...more,
})

/** How many payments the user's minute holds, as a logged decision saw it. */
const minuteOf = async (transactionId: string): Promise<number | undefined> =>
  (await pipeline!.find(transactionId))?.features.get('user_tx_count_60s')

const replay = () => ({
  folders: [folder],
  openLog: openLogReader,
  workFolder: folder,
  work: unwatchedWork(database),
})

const differences = async (): Promise<unknown> => {
  const [compared] = await parityOfLog(replay())
  const { differing, missing, extra } = compared!.report
  return { differing, missing, extra }
}

const NONE = { differing: [], missing: 0, extra: 0 }

describe('a time that cannot be true', () => {
  test('ahead of the clock is refused, which names clock, bound and unit, and nothing is written', async () => {
    const refused: string[] = []
    const { predict, status } = await open(BOUNDS, { mistimed: (reason) => void refused.push(reason) })
    const ahead = predict(payment('t1', NOW + 40 * DAY), 0)
    await expect(ahead).rejects.toMatchObject({
      code: 'REQUEST_TRANSACTION_INVALID',
      problems: [
        {
          field: 'timestamp',
          what: 'is 40 days ahead of the clock of the server, 2001-09-09T01:46:40.000Z',
          allowed:
            'at most 1 day ahead (event_time.max_future), so until 2001-09-10T01:46:40.000Z; a number is in milliseconds since 1970',
          got: '1003456000000, in milliseconds since 1970: 2001-10-19T01:46:40.000Z',
        },
      ],
    })
    expect(refused).toEqual(['future'])
    await expect(predict(payment('t1', NOW + DAY + 1), 0)).rejects.toMatchObject({
      problems: [{ what: 'is 24.1 hours ahead of the clock of the server, 2001-09-09T01:46:40.000Z' }],
    })
    expect(status().log.lastSequence).toBe(0)
    await predict(payment('t2', NOW + DAY), 0)
    expect(status().log.lastSequence).toBe(1)
  })

  test('in seconds is refused; another time of 1970 is only too old', async () => {
    const refused: string[] = []
    const { predict } = await open(BOUNDS, { mistimed: (reason) => void refused.push(reason) })
    await expect(predict(payment('t1', NOW / 1000), 0)).rejects.toMatchObject({
      problems: [
        {
          field: 'timestamp',
          what: 'looks like seconds since 1970, which would be 2001-09-09T01:46:40.000Z',
        },
      ],
    })
    expect(refused).toEqual(['seconds'])
    expect(await predict(payment('t2', 5), 0)).toMatchObject({ timing: 'too_old' })
  })

  test('too far behind the clock is decided on, told, and moves no state', async () => {
    let { predict } = await open(BOUNDS)
    const first = NOW - 3650 * DAY
    expect(await predict(payment('t1', first - 1), 0)).toMatchObject({ timing: 'too_old' })
    expect(await predict(payment('t2', first), 0)).toMatchObject({ timing: undefined })
    expect(await predict(payment('t3', first - SECOND), 0)).toMatchObject({ timing: 'too_old' })
    expect(await predict(payment('t4', first + SECOND), 0)).toMatchObject({ timing: undefined })
    // t2 and t4 alone; t3 has seen itself and, of its minute, nothing.
    expect([await minuteOf('t4'), await minuteOf('t3')]).toEqual([2, 1])
    ;({ predict } = await open(BOUNDS))
    expect(await predict(payment('t1', first - 1), 0)).toMatchObject({ timing: 'too_old', isRepeated: true })
    await predict(payment('t5', first + 2 * SECOND), 0)
    expect(await minuteOf('t5')).toBe(3)
    expect(await differences()).toEqual(NONE)
    await pipeline!.saveLogs()
    expect(await differences()).toEqual(NONE)
  })
})

test('bounds that let a transaction blind its entities are warned of, once for each model', async () => {
  await open(ANY_EVENT_TIME)
  await open({ ...BOUNDS, maxFutureMs: 20 * SECOND })
  expect(warned).toEqual([])
  await open({ ...BOUNDS, maxFutureMs: 20 * SECOND + 1 })
  expect(warned).toEqual(['SERVING_FUTURE_BLINDS'])
})

describe('a transaction that comes after a later one', () => {
  test('is answered as late or too late, the same when it is asked for again, and counted by kind', async () => {
    const updates: StateUpdate[] = []
    const { predict } = await open(BOUNDS, { updated: (update) => void updates.push(update) })
    await predict(payment('t1', NOW), 0)
    const late = await predict(payment('t2', NOW - 5 * SECOND), 0)
    expect(late.timing).toBe('late')
    expect(await predict(payment('t2', NOW - 5 * SECOND), 0)).toEqual({ ...late, isRepeated: true })
    expect(updates).toEqual([
      { kind: 'user', what: 'late' },
      { kind: 'merchant', what: 'late' },
    ])
    updates.length = 0
    // Late for its user, too late for the merchant.
    await predict(payment('t3', NOW + 30 * SECOND, { userId: 'bob' }), 0)
    expect(await predict(payment('t4', NOW - 2 * SECOND), 0)).toMatchObject({ timing: 'too_late' })
    expect(updates).toEqual([
      { kind: 'user', what: 'late' },
      { kind: 'merchant', what: 'too_late' },
    ])
    expect(await differences()).toEqual(NONE)
  })

  test('that a full ring moves a transaction of its windows to a step is counted, and that windows count the step', async () => {
    const updates: StateUpdate[] = []
    const { predict } = await open(BOUNDS, { updated: (update) => void updates.push(update) })
    const sent = 1025
    for (let n = 0; n < sent; n++)
      await predict(payment(`t${n}`, NOW + n, { merchantId: undefined as never }), 0)
    expect(updates).toEqual([{ kind: 'user', what: 'truncated' }])
    updates.length = 0
    await predict(payment('last', NOW + sent, { merchantId: undefined as never }), 0)
    expect(updates).toEqual([
      { kind: 'user', what: 'approximate' },
      { kind: 'user', what: 'truncated' },
    ])
    expect(await differences()).toEqual(NONE)
    // All of it left the longest window a minute and a half ago: nothing is approximate any more.
    updates.length = 0
    await predict(payment('later', NOW + 100 * SECOND, { merchantId: undefined as never }), 0)
    expect(updates).toEqual([])
  })
})

describe('repair', () => {
  /** As a server without bounds took it: one payment 40 days ahead, then 21 within a minute. */
  const blind = async (): Promise<void> => {
    const { predict } = await open(ANY_EVENT_TIME)
    await predict(payment('before', NOW - 30 * SECOND), 0)
    await predict(payment('future', NOW + 40 * DAY, { amountMinor: 1 }), 0)
    for (let n = 0; n < 21; n++) await predict(payment(`t${n}`, NOW + n), 0)
    // Its windows end at the future payment, so each sees the future one and itself.
    expect(await minuteOf('t20')).toBeLessThan(3)
  }

  test('gives blinded states what they would be without the untrue time, what came too late included', async () => {
    await blind()
    await pipeline!.saveLogs()
    await pipeline!.predict(payment('elsewhere', NOW, { userId: 'eve', merchantId: 'other' }), 0)
    await pipeline!.close()
    const found = await findUntrueTimes({ ...replay(), eventTime: BOUNDS })
    expect(found.transactionIds).toEqual(['future'])
    expect(
      found.states.map(({ kind, lastEventTimeMs, untrueTimeMs }) => ({
        kind,
        lastEventTimeMs,
        untrueTimeMs,
      })),
    ).toEqual(
      ['user', 'merchant'].map((kind) => ({
        kind,
        lastEventTimeMs: NOW + 20,
        untrueTimeMs: NOW + 40 * DAY,
      })),
    )
    const log = await openTestLog(folder)
    await logRepairs(log, found, folder, NOW)
    await log.close()
    const { predict, status } = await open(BOUNDS)
    expect(await predict(payment('after', NOW + 21), 0)).toMatchObject({ timing: undefined })
    expect(await minuteOf('after')).toBe(23)
    expect(status().log.lastSequence).toBe(27)
    expect(await differences()).toEqual(NONE)
    // From the archive too, and after the states were saved.
    await pipeline!.saveLogs()
    expect(await differences()).toEqual(NONE)
    await open(BOUNDS)
    await pipeline!.predict(payment('later', NOW + 22), 0)
    expect(await minuteOf('later')).toBe(24)
    expect(await differences()).toEqual(NONE)
  })

  test('finds nothing twice, but again what comes after it', async () => {
    await blind()
    await pipeline!.close()
    const found = await findUntrueTimes({ ...replay(), eventTime: BOUNDS })
    const log = await openTestLog(folder)
    await logRepairs(log, found, folder, NOW)
    await log.close()
    const again = await findUntrueTimes({ ...replay(), eventTime: BOUNDS })
    expect(again).toMatchObject({ states: [], transactionIds: ['future'], lastSequence: 25 })
    const { predict } = await open(ANY_EVENT_TIME)
    await predict(payment('future too', NOW + 50 * DAY, { userId: 'eve' }), 0)
    await pipeline!.close()
    const third = await findUntrueTimes({ ...replay(), eventTime: BOUNDS })
    expect(third.states.map(({ kind, untrueTimeMs }) => [kind, untrueTimeMs])).toEqual([
      ['user', NOW + 50 * DAY],
      ['merchant', NOW + 50 * DAY],
    ])
  })

  test('a log that has gone on since it was read is refused', async () => {
    await blind()
    await pipeline!.close()
    const found = await findUntrueTimes({ ...replay(), eventTime: BOUNDS })
    const { predict } = await open(BOUNDS)
    await predict(payment('meanwhile', NOW), 0)
    await pipeline!.close()
    const log = await openTestLog(folder)
    await expect(logRepairs(log, found, folder, NOW)).rejects.toMatchObject({
      code: 'SERVING_LOG_INCOMPLETE',
    })
    await log.close()
  })
})
