import { afterEach, beforeEach, expect, test } from 'vitest'
import { createMemoryStateStore } from '../adapters/memory/memory-state-store.ts'
import { openLogReader } from '../adapters/segments/segment-files.ts'
import { unwatchedWork } from '../disk/work.ts'
import { parityOfLog } from '../pipelines/parity/parity-of-log.ts'
import { summarizeState } from '../states/inspect-states.ts'
import { ANY_EVENT_TIME } from '../transaction/event-time.ts'
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
import { type OpenPipeline, openInferencePipeline } from './open-pipeline.ts'
import type { StateUpdate } from './state-updates.ts'

const MODEL = testModel('champion')
const NOW = 1e12
const SECOND = 1000
/** Of 1,200 payments in 24 seconds the ring holds the last 1,024; labels are due after 30 seconds. */
const PAYMENTS = 1200

let folder: string
let remove: () => void
let store: ReturnType<typeof createMemoryStateStore>
let pipeline: OpenPipeline | undefined
let updates: StateUpdate[]
beforeEach(() => {
  ;({ folder, remove } = testFolder())
  store = createMemoryStateStore()
  updates = []
})
afterEach(async () => {
  await pipeline?.close()
  remove()
})

const open = async (): Promise<OpenPipeline> => {
  await pipeline?.close()
  pipeline = await openInferencePipeline({
    models: { champion: MODEL },
    tables: noTables(),
    observer: { ...silentObserver, updated: (update) => void updates.push(update) },
    archive: folder,
    database,
    log: await openTestLog(folder),
    states: { kind: 'owned', name: 'memory', store: { ...store, close: async () => undefined } },
    settings: { ...TEST_SETTINGS, eventTime: ANY_EVENT_TIME },
    world: { ...TEST_WORLD, now: () => NOW },
  })
  return pipeline
}

const database = { threads: 1, memoryLimit: '256MB', tempDirectory: '.spill' }

const payment = (n: number, eventTimeMs: number): Transaction => ({
  transactionId: `t${n}`,
  userId: `u${n % 7}`,
  merchantId: 'shop',
  eventTimeMs,
  amountMinor: 900,
})

/** What a logged decision saw of its merchant's minute of known labels. */
const riskOf = async (n: number): Promise<readonly (number | undefined)[]> => {
  const found = await pipeline!.find(`t${n}`)
  return ['labelled_count', 'risk'].map((name) => found?.features.get(`merchant_${name}_60s`))
}

const differences = async (): Promise<unknown> => {
  const [compared] = await parityOfLog({
    folders: [folder],
    openLog: openLogReader,
    workFolder: folder,
    work: unwatchedWork(database),
  })
  const { differing, missing, extra } = compared!.report
  return { differing, missing, extra }
}

test('labels and corrections reach payments that have left the ring of their merchant, in service as in a replay', async () => {
  let { predict, applyFeedback } = await open()
  for (let n = 0; n < PAYMENTS; n++) await predict(payment(n, NOW + n * 20), 0)
  // 100 of the first 176, which the ring does not have any more: one in four is fraud.
  const told = await Promise.all(
    Array.from({ length: 100 }, (_, n) => applyFeedback({ transactionId: `t${n}`, isFraud: n % 4 === 0 })),
  )
  expect(new Set(told)).toEqual(new Set(['applied']))
  await predict(payment(5000, NOW + 33 * SECOND), 0)
  expect(await riskOf(5000)).toEqual([100, 0.25])
  expect(updates).toContainEqual({ kind: 'merchant', what: 'approximate' })
  // A genuine one was fraud after all, another is unknown again; a second time says nothing new.
  expect(await applyFeedback({ transactionId: 't1', isFraud: true })).toBe('applied')
  expect(await applyFeedback({ transactionId: 't1', isFraud: true })).toBe('unchanged')
  expect(await applyFeedback({ transactionId: 't2', isFraud: null })).toBe('applied')
  await predict(payment(5001, NOW + 33 * SECOND), 0)
  expect(await riskOf(5001)).toEqual([99, 26 / 99])
  ;({ predict, applyFeedback } = await open())
  expect(await applyFeedback({ transactionId: 't4', isFraud: false })).toBe('applied')
  await predict(payment(5002, NOW + 33 * SECOND), 0)
  expect(await riskOf(5002)).toEqual([99, 25 / 99])
  expect(await differences()).toEqual({ differing: [], missing: 0, extra: 0 })
  await pipeline!.saveLogs()
  expect(await differences()).toEqual({ differing: [], missing: 0, extra: 0 })
})

test('inspect says that the state of a hot entity is not exact, and that it is again when its steps have passed', async () => {
  const { predict } = await open()
  for (let n = 0; n < PAYMENTS; n++) await predict(payment(n, NOW + n * 20), 0)
  await pipeline!.close()
  const hot = await summarizeState(store, MODEL, 'merchant', 'shop')
  // Seconds, as nothing in so small a state reaches back further than minutes: 176 payments in 4 of them.
  expect(hot).toMatchObject({
    exact: false,
    steps: 4,
    stepMs: 1000,
    truncated: 176,
    transactionsInRing: 1024,
  })
  expect(await summarizeState(store, MODEL, 'user', 'u1')).toMatchObject({ exact: true, steps: 0 })
  await (await open()).predict(payment(5000, NOW + 200 * SECOND), 0)
  await pipeline!.close()
  expect(await summarizeState(store, MODEL, 'merchant', 'shop')).toMatchObject({ exact: true, steps: 0 })
})
