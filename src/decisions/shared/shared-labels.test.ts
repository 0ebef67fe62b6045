import { afterEach, describe, expect, test } from 'vitest'
import { createMemoryStateStore } from '../../adapters/memory/memory-state-store.ts'
import type { SharedStateStore } from '../../ports/state-store.ts'
import { createDecider } from '../decider.ts'
import type { Decisions } from '../decisions.ts'
import { openTestLog, silentObserver, TEST_SETTINGS, TEST_WORLD, testFolder } from '../inference.test-kit.ts'
import { GENUINE_MODEL, labelledHistory, saidBy, takeSteps } from '../labelled-history.test-kit.ts'
import { decodeLogEntry, type LogEntry } from '../log/log-record.ts'
import { openOwnedDecisions } from '../owned/owned-decisions.ts'
import { predictionNames } from '../prediction-names.ts'
import { expectReplayed } from '../replayed.test-kit.ts'
import { shareStates } from '../shared-states.test-kit.ts'
import { writeStoreIdentity } from '../states/store-identity.ts'
import { joinHistory } from './known-history.ts'
import { openSharedDecisions } from './shared-decisions.ts'

const MODEL = GENUINE_MODEL
const IDENTITY = { statesKey: MODEL.statesKey, identity: MODEL.identity, logName: 'shared', createdAtMs: 0 }
const folders: ReturnType<typeof testFolder>[] = []
const opened: Decisions[] = []
afterEach(async () => {
  for (const decisions of opened.splice(0)) await decisions.close()
  for (const { remove } of folders.splice(0)) remove()
})

const payment = {
  transactionId: 't1',
  userId: 'ada',
  merchantId: 'shop',
  eventTimeMs: 1e12,
  amountMinor: 100,
}

describe('labels of processes that share states', () => {
  test('of one transaction that come at once are told one after the other', async () => {
    const { decisions } = await startShared()
    await decisions.predict(payment, 0)
    const tell = (isFraud: boolean | null) => decisions.applyFeedback({ transactionId: 't1', isFraud })
    expect(await tell(true)).toBe('applied')
    const told = await Promise.all([true, null, true, false, false].map(tell))
    expect(told).toEqual(['unchanged', 'applied', 'applied', 'applied', 'unchanged'])
    expect((await decisions.findLabel('t1'))?.isFraud).toBe(false)
  })

  test('that come before their transaction wait for it, by whichever process it comes', async () => {
    const open = shareStates()
    const [a, b] = [await startShared(open), await startShared(open)]
    const tell = (isFraud: boolean | null) => a.decisions.applyFeedback({ transactionId: 't1', isFraud })
    expect([await tell(true), await tell(true), await tell(null), await tell(true)]).toEqual([
      'waiting',
      'unchanged',
      'waiting',
      'waiting',
    ])
    expect(a.decisions.status().waitingLabels).toBe(1)
    // A process that has not committed anything knows it too.
    expect((await startShared(open)).decisions.status().waitingLabels).toBe(1)
    await b.decisions.predict(payment, 0)
    expect(b.decisions.status().waitingLabels).toBe(0)
    expect(await b.decisions.findLabel('t1')).toMatchObject({ isFraud: true, isApplied: true })
    expect(await tell(true)).toBe('unchanged')
  })

  test('that wait are as many as may, and then refused', async () => {
    const { decisions } = await startShared(undefined, { waitingLabels: 1 })
    await decisions.applyFeedback({ transactionId: 'a', isFraud: true })
    await expect(decisions.applyFeedback({ transactionId: 'b', isFraud: true })).rejects.toMatchObject({
      code: 'FEEDBACK_WAITING_FULL',
      details: { id: 'b', allowed: 1 },
    })
  })

  test('that a process left behind when it ended are applied before the next transaction of another', async () => {
    const open = shareStates()
    let isGone = false
    const [a, b] = [
      // It has committed the decision, and is gone before it applies what had waited.
      await startShared(open, {}, (store) => ({
        ...store,
        dueLabels: async (eventTimeMs, most) =>
          isGone ? { clockMs: 0, labels: [], waitingLabels: 0 } : store.dueLabels(eventTimeMs, most),
      })),
      await startShared(open),
    ]
    await a.decisions.applyFeedback({ transactionId: 't1', isFraud: true })
    isGone = true
    await a.decisions.predict(payment, 0)
    expect(await b.decisions.findLabel('t1')).toBeUndefined()
    await b.decisions.predict({ ...payment, transactionId: 't2' }, 0)
    expect(await b.decisions.findLabel('t1')).toMatchObject({ isFraud: true, isApplied: true })
    const entries = await endOf([a, b])
    expect(entries.map(({ kind }) => kind)).toEqual(['label', 'decision', 'label', 'decision'])
    expectReplayed(entries, MODEL)
  })

  test('are those of a process that owns its states: answers, features and records, whatever comes', async () => {
    const outcomes = new Set<string>()
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const steps = labelledHistory(seed, 60)
      const owned = await startOwned()
      const answers = await takeSteps(steps, () => owned.decisions)
      const open = shareStates()
      const shared = [await startShared(open), await startShared(open), await startShared(open)]
      let turn = 0
      expect(await takeSteps(steps, () => shared[turn++ % 3]!.decisions), `seed ${seed}`).toEqual(answers)
      const expected = await endOf([owned])
      const entries = await endOf(shared)
      expect(saidBy(entries), `seed ${seed}`).toEqual(saidBy(expected))
      expectReplayed(entries, MODEL)
      for (const answer of answers) if (/^[a-z]/.test(answer)) outcomes.add(answer)
    }
    expect([...outcomes].sort()).toEqual(['applied', 'late', 'unchanged', 'waiting'])
  })
})

const newLog = () => {
  const place = testFolder()
  folders.push(place)
  return openTestLog(place.folder)
}

const startShared = async (
  open = shareStates(),
  settings: Partial<typeof TEST_SETTINGS> = {},
  change: (store: SharedStateStore) => SharedStateStore = (store) => store,
) => {
  const store = change(await open({ consumer: `process ${opened.length}` }))
  await writeStoreIdentity(store, IDENTITY)
  const log = await newLog()
  await joinHistory({ store, name: 'the store' }, log, IDENTITY)
  const decisions = await openSharedDecisions({
    store,
    log,
    identity: IDENTITY,
    ...common(),
    settings: { ...TEST_SETTINGS, ...settings },
  })
  opened.push(decisions)
  return { decisions, log }
}

const startOwned = async () => {
  const log = await newLog()
  const decisions: Decisions = await openOwnedDecisions({
    store: createMemoryStateStore(),
    log,
    ...common(),
    settings: TEST_SETTINGS,
    nameOf: async () => ({ name: 'test', version: '1' }),
  })
  opened.push(decisions)
  return { decisions, log }
}

const common = () => ({
  observer: silentObserver,
  decider: createDecider({ champion: MODEL }),
  names: predictionNames(IDENTITY),
  world: TEST_WORLD,
})

/** What the logs of processes have that are closed, in the order of the numbers. */
const endOf = async (processes: readonly Awaited<ReturnType<typeof startOwned>>[]): Promise<LogEntry[]> => {
  const entries: LogEntry[] = []
  for (const { decisions, log } of processes) {
    opened.splice(opened.indexOf(decisions), 1)
    await decisions.close()
    for await (const { payload } of log.read(0)) entries.push(decodeLogEntry(payload)!)
  }
  return entries.sort((a, b) => a.sequence - b.sequence)
}
