import { afterAll, afterEach, describe, expect, test } from 'vitest'
import type { PredictionLog } from '../../ports/prediction-log.ts'
import type { SharedStateStore } from '../../ports/state-store.ts'
import type { Transaction } from '../../transaction/transaction.ts'
import { createDecider } from '../decider.ts'
import {
  openTestLog,
  silentObserver,
  TEST_SETTINGS,
  TEST_WORLD,
  testFolder,
  testModel,
} from '../inference.test-kit.ts'
import { predictionNames } from '../prediction-names.ts'
import { shareStates } from '../shared-states.test-kit.ts'
import { type StoreIdentity, writeStoreIdentity } from '../states/store-identity.ts'
import { assertNeverUsed, joinHistory, readLoggedHistory } from './known-history.ts'
import { openSharedDecisions } from './shared-decisions.ts'

const LOST = { code: 'SERVING_HISTORY_LOST', status: 503 }

describe('decisions on a shared store that loses them', () => {
  const ends: (() => unknown)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  test('are refused by every process once one has noticed, with one alarm each, and nothing is answered from what is left', async () => {
    const fleet = await startFleet()
    const [a, b] = [await fleet.start('a'), await fleet.start('b')]
    await a.decisions.predict(payment(1), 0)
    await a.decisions.predict(payment(2), 0)
    await b.decisions.findDecision('t1')
    await fleet.store.clear()
    for (const call of [
      () => a.decisions.predict(payment(3), 0),
      () => b.decisions.predict(payment(1), 0),
      () => b.decisions.applyFeedback({ transactionId: 't1', isFraud: true }),
      () => a.decisions.findDecision('t1'),
      () => b.decisions.findLabel('t1'),
    ])
      await expect(call()).rejects.toMatchObject(LOST)
    for (const { decisions, warnings } of [a, b]) {
      expect(decisions.status()).toMatchObject({ isHistoryLost: true })
      expect(decisions.status().failure).toContain('it is empty, and decisions first-1 to first-2')
      expect(warnings.map(({ code }) => code)).toEqual(['SERVING_HISTORY_LOST'])
    }
    expect(await fleet.store.findReceipt('decision/t3')).toBeUndefined()
  })

  test('go on when the store has the history again, and not before its numbers have all that was given', async () => {
    const fleet = await startFleet()
    const { decisions } = await fleet.start('a')
    await decisions.predict(payment(1), 0)
    await decisions.predict(payment(2), 0)
    await fleet.store.clear()
    await expect(decisions.predict(payment(3), 0)).rejects.toMatchObject(LOST)
    await fleet.store.clear()
    await fleet.store.beginHistory({ name: IDENTITY.logName, lastSequence: 1 }, true)
    await expect(decisions.predict(payment(3), 0)).rejects.toMatchObject(LOST)
    await fleet.store.beginHistory({ name: IDENTITY.logName, lastSequence: 2 }, true)
    expect((await decisions.predict(payment(3), 0)).predictionId).toBe('first-3')
  })

  test('leave in the log how far they went, also those that other processes made', async () => {
    const fleet = await startFleet()
    const [a, b] = [await fleet.start('a'), await fleet.start('b')]
    await a.decisions.predict(payment(1), 0)
    await b.decisions.predict(payment(2), 0)
    await a.decisions.findDecision('t2')
    await fleet.store.clear()
    await expect(a.decisions.predict(payment(3), 0)).rejects.toMatchObject(LOST)
    await a.decisions.close()
    expect(await readLoggedHistory(a.log)).toMatchObject({
      identity: IDENTITY,
      lastSequence: 2,
    })
  })

  test('are known before their records leave the log', async () => {
    const fleet = await startFleet()
    const { decisions, log } = await fleet.start('a')
    await decisions.predict(payment(1), 0)
    await decisions.archivable()
    expect(await readLoggedHistory(log)).toMatchObject({ lastSequence: 1 })
  })

  test('keep a process from starting: on an emptied store, on one behind its log, on one begun anew', async () => {
    const fleet = await startFleet()
    const first = await fleet.start('a')
    await first.decisions.predict(payment(1), 0)
    await first.decisions.predict(payment(2), 0)
    await first.decisions.close()
    const { log } = first
    await fleet.store.clear()
    const again = async () => ({ store: await fleet.open('again'), name: 'the store' })
    await expect(assertNeverUsed(await again(), log)).rejects.toMatchObject(LOST)
    // It has told all others, of which one may have an empty log.
    const other = await openLog('other')
    await expect(
      assertNeverUsed({ store: await fleet.open('other'), name: 'the store' }, other),
    ).rejects.toMatchObject(LOST)

    await fleet.store.clear()
    await fleet.store.beginHistory({ name: IDENTITY.logName, lastSequence: 1 }, false)
    await expect(joinHistory(await again(), log, IDENTITY)).rejects.toMatchObject(LOST)
    expect((await fleet.store.readHistory()).loss).toContain('it ends with first-1')

    await fleet.store.clear()
    await expect(joinHistory(await again(), log, { ...IDENTITY, logName: 'second' })).rejects.toMatchObject({
      code: 'SERVING_LOG_FOREIGN',
    })
  })

  test('keep a process from starting anew that was on the store before, though its log has no decisions', async () => {
    const fleet = await startFleet()
    const [quiet, busy] = [await fleet.start('quiet'), await fleet.start('busy')]
    await quiet.decisions.close()
    await busy.decisions.predict(payment(1), 0)
    await fleet.store.clear()
    const place = async (name: string) => ({ store: await fleet.open(name), name: 'the store' })
    await expect(assertNeverUsed(await place('again'), quiet.log)).rejects.toMatchObject(LOST)
    // Nor may one that nobody knows.
    await expect(assertNeverUsed(await place('new'), await openLog('new'))).rejects.toMatchObject(LOST)
    // A store that is empty because it is another one: the mark is what keeps them all.
    await fleet.store.clear()
    await expect(assertNeverUsed(await place('other'), await openLog('other'))).resolves.toBeUndefined()
  })

  test('of a version that named no history are given their name, and count on', async () => {
    const fleet = await startFleet()
    const old = await fleet.open('old')
    await old.commit([], { id: 'x', bytes: new Uint8Array(1) }, new Uint8Array(1), 1000)
    await joinHistory({ store: await fleet.open('new'), name: 'the store' }, await openLog('new'), IDENTITY)
    expect(await fleet.store.readHistory()).toEqual({ name: 'first', lastSequence: 1, loss: '' })
  })

  const { folder, remove } = testFolder()
  let logs = 0
  const openLog = async (name: string): Promise<PredictionLog> => {
    const log = await openTestLog(`${folder}/${logs++}-${name}`)
    ends.push(() => log.close())
    return log
  }
  afterAll(remove)

  const startFleet = async () => {
    const openProcess = shareStates()
    const open = (consumer: string): Promise<SharedStateStore> => openProcess({ consumer })
    const store = await open('who expects nothing')
    await writeStoreIdentity(store, IDENTITY)
    const start = async (name: string) => {
      const log = await openLog(name)
      const warnings: { readonly code: string }[] = []
      const process = await open(name)
      await joinHistory({ store: process, name: 'the store' }, log, IDENTITY)
      const decisions = await openSharedDecisions({
        store: process,
        log,
        identity: IDENTITY,
        observer: { ...silentObserver, warned: (code) => void warnings.push({ code }) },
        decider: createDecider({ champion: MODEL }),
        names: predictionNames(IDENTITY),
        settings: TEST_SETTINGS,
        world: TEST_WORLD,
      })
      ends.push(() => decisions.close())
      return { decisions, log, warnings }
    }
    return { open, store, start }
  }
})

const MODEL = testModel()
const IDENTITY: StoreIdentity = {
  statesKey: MODEL.statesKey,
  identity: MODEL.identity,
  logName: 'first',
  createdAtMs: 0,
}

const payment = (n: number): Transaction => ({
  transactionId: `t${n}`,
  userId: 'ada',
  eventTimeMs: 1e12 + n,
  amountMinor: 100,
})
