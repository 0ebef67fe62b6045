import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { openLogReader } from '../adapters/segments/segment-files.ts'
import { createDecider } from '../decisions/decider.ts'
import type { Decisions } from '../decisions/decisions.ts'
import {
  openTestLog,
  silentObserver,
  TEST_SETTINGS,
  TEST_WORLD,
  testFolder,
  testModel,
} from '../decisions/inference.test-kit.ts'
import { GENUINE_MODEL, labelledHistory, saidBy, takeSteps } from '../decisions/labelled-history.test-kit.ts'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import { decodeLogEntry, type LogEntry } from '../decisions/log/log-record.ts'
import { writeModelDocument } from '../decisions/log/model-document.ts'
import { predictionNames } from '../decisions/prediction-names.ts'
import { expectReplayed } from '../decisions/replayed.test-kit.ts'
import { joinHistory } from '../decisions/shared/known-history.ts'
import { openSharedDecisions } from '../decisions/shared/shared-decisions.ts'
import { SharedExpiry } from '../decisions/shared/shared-expiry.ts'
import { shareStates } from '../decisions/shared-states.test-kit.ts'
import { isUnused } from '../decisions/states/ended-states.ts'
import { type StoreIdentity, writeStoreIdentity } from '../decisions/states/store-identity.ts'
import { unwatchedWork } from '../disk/work.ts'
import { nextTurn } from '../foundation/next-turn.ts'
import type { PredictionLog } from '../ports/prediction-log.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { type RestoreStatesOptions, restoreStates } from './restore-states.ts'

describe('restoring a shared store from the logs of its servers', () => {
  const { folder, remove } = testFolder()
  afterAll(remove)

  test('that was emptied: they go on as if nothing had happened, bit for bit', async () => {
    const fleet = await startFleet('emptied')
    const [a, b] = [await fleet.start('a'), await fleet.start('b')]
    for (let n = 1; n <= 40; n++) await [a, b][n % 2]!.decisions.predict(payment(n), 0)
    for (let n = 1; n <= 10; n++)
      await b.decisions.applyFeedback({ transactionId: `t${n}`, isFraud: n % 3 === 0 })
    await b.decisions.applyFeedback({ transactionId: 't1', isFraud: true })
    const known = await a.decisions.findDecision('t1')
    await fleet.moved(51)
    await fleet.store.clear()
    await expect(a.decisions.predict(payment(41), 0)).rejects.toMatchObject({ code: 'SERVING_HISTORY_LOST' })

    const restored = await fleet.restore()
    expect(restored).toMatchObject({
      decisions: 40,
      labels: 11,
      receipts: 51,
      waiting: 0,
      differing: 0,
      lastSequence: 51,
      missing: [],
      doubled: [],
      identity: IDENTITY,
    })
    expect(await b.decisions.findDecision('t1')).toEqual(known)
    expect((await a.decisions.findLabel('t1'))?.isFraud).toBe(true)
    expect((await b.decisions.predict(payment(7), 0)).isRepeated).toBe(true)
    await expect(a.decisions.predict({ ...payment(7), amountMinor: 1 }, 0)).rejects.toMatchObject({
      code: 'SERVING_TRANSACTION_DIFFERS',
    })
    expect(await b.decisions.applyFeedback({ transactionId: 't1', isFraud: true })).toBe('unchanged')
    for (let n = 41; n <= 80; n++) await [a, b][n % 2]!.decisions.predict(payment(n), 0)
    await fleet.moved(91)
    const entries = await fleet.end()
    expect(entries.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 91 }, (_, i) => i + 1))
    expectReplayed(entries, MODEL)
  })

  test('that was set back: what waits in it and is in no log is taken in, and waits again', async () => {
    const fleet = await startFleet('set back')
    const a = await fleet.start('a')
    for (let n = 1; n <= 3; n++) await a.decisions.predict(payment(n), 0)
    await fleet.moved(3)
    await a.decisions.close()
    // A server that is gone has left this behind.
    const unlogged = await fleet.leave(4)
    await a.log.writeDocument(
      'history',
      JSON.stringify({ identity: IDENTITY, lastSequence: 5, lastRecord: 3 }),
    )
    await expect(fleet.restore()).rejects.toMatchObject({
      code: 'SERVING_RESTORE_GAPS',
      details: { missing: '5', doubled: 'none', accept: '5' },
    })
    const restored = await fleet.restore({ accepted: [{ first: 5, last: 5 }] })
    expect(restored).toMatchObject({
      decisions: 4,
      waiting: 1,
      lastSequence: 5,
      missing: [{ first: 5, last: 5 }],
    })
    expect(await fleet.store.waitingEntries()).toEqual([unlogged])
    const again = await fleet.start('again')
    expect(await again.decisions.predict(payment(4), 0)).toMatchObject({ isRepeated: true, sequence: 4 })
    expect((await again.decisions.predict(payment(6), 0)).sequence).toBe(6)
    await fleet.end()
  })

  test('takes in states that have ended where they ended', async () => {
    const { settings, artifact } = testModel('forgetful', 1, '200s')
    const forgetful = { ...MODEL, settings, artifact }
    const fleet = await startFleet('ended', forgetful)
    const a = await fleet.start('a')
    for (let n = 1; n <= 8; n++) await a.decisions.predict(payment(n), 0)
    await a.decisions.predict({ ...payment(1000), userId: 'later' }, 0)
    const expiry = new SharedExpiry({
      store: fleet.store,
      decider: () => createDecider({ champion: forgetful }),
      world: { ...TEST_WORLD, now: () => 2e12 },
      failed: () => undefined,
    })
    await expiry.sweep()
    // Four users and two devices.
    expect(expiry.count).toBe(6)
    await a.decisions.predict(payment(1001), 0)
    await fleet.moved(16)
    const allOf = async (kind: string) => {
      const found = []
      for await (const state of fleet.store.entries(kind)) found.push(state)
      return found
    }
    const statesNow = async () => ({ users: await allOf('user'), devices: await allOf('device') })
    const seen = ({ users, devices }: Awaited<ReturnType<typeof statesNow>>) =>
      [...users, ...devices]
        .filter(({ bytes }) => !isUnused(bytes))
        .map(({ token, bytes }) => [token, Buffer.from(bytes).toString('base64')])
        .sort()
    const before = await statesNow()
    await fleet.store.clear()
    expect(await fleet.restore()).toMatchObject({ decisions: 10, differing: 0, missing: [], doubled: [] })
    const after = await statesNow()
    expect(seen(after)).toEqual(seen(before))
    expect(after.users).toHaveLength(2)
    const entries = await fleet.end()
    expectReplayed(entries, forgetful)
  })

  test('puts back labels that wait for their transaction or their time, and the clock', async () => {
    const fleet = await startFleet('labels', GENUINE_MODEL)
    const a = await fleet.start('a')
    const steps = labelledHistory(3, 90)
    const half = Math.floor(steps.length / 2)
    const later = { transaction: { ...payment(1000), transactionId: 'later' } }
    const answers = [...(await takeSteps(steps.slice(0, half), () => a.decisions))]
    const waits = { transactionId: 'later', isFraud: true }
    answers.push(await a.decisions.applyFeedback(waits))
    await fleet.moved(a.decisions.status().lastSequence)
    const before = await fleet.store.dueLabels(Number.POSITIVE_INFINITY, 999)
    expect(before.labels.length).toBeGreaterThan(5)
    expect(a.decisions.status().waitingLabels).toBeGreaterThan(0)
    await fleet.store.clear()
    expect(await fleet.restore()).toMatchObject({ differing: 0, missing: [], doubled: [] })
    const after = await fleet.store.dueLabels(Number.POSITIVE_INFINITY, 999)
    expect(after.clockMs).toBe(before.clockMs)
    // Of those that are told there is a receipt: their own label would not be delivered.
    const texts = new Set(before.labels.map(({ text }) => text))
    expect(after.labels.length).toBeGreaterThan(5)
    expect(after.labels.filter(({ text }) => !texts.has(text))).toEqual([])
    answers.push(...(await takeSteps(steps.slice(half), () => a.decisions)))
    answers.push(...(await takeSteps([later], () => a.decisions)))
    expect(await a.decisions.findLabel('later')).toMatchObject({ isFraud: true, isApplied: true })
    const entries = await fleet.end()
    const undisturbed = await startFleet('undisturbed', GENUINE_MODEL)
    const b = await undisturbed.start('b')
    const all = [...steps.slice(0, half), { feedback: waits }, ...steps.slice(half), later]
    expect(answers).toEqual(await takeSteps(all, () => b.decisions))
    expect(saidBy(entries)).toEqual(saidBy(await undisturbed.end()))
  })

  test('that lacks nothing, or was begun anew, is left alone unless forced', async () => {
    const fleet = await startFleet('whole')
    const a = await fleet.start('a')
    await a.decisions.predict(payment(1), 0)
    await fleet.moved(1)
    const present = (loss: string) => ({ code: 'SERVING_STATES_PRESENT', details: { loss } })
    await expect(fleet.restore()).rejects.toMatchObject(
      present('they are made again from the logs, and its servers decide nothing meanwhile'),
    )
    await fleet.store.clear()
    await fleet.store.beginHistory({ name: 'other', lastSequence: 9 }, false)
    await expect(fleet.restore()).rejects.toMatchObject(
      present('what was decided as other-… is in the logs of its servers alone then'),
    )
    expect(await fleet.store.readHistory()).toMatchObject({ name: 'other' })
    expect((await fleet.restore({ force: true, skip: 100 })).lastSequence).toBe(101)
    await fleet.end()
  })

  test('that was emptied before anybody decided: refused and marked, it is served again', async () => {
    const fleet = await startFleet('undecided')
    const a = await fleet.start('a')
    await fleet.store.clear()
    await expect(a.decisions.predict(payment(1), 0)).rejects.toMatchObject({ code: 'SERVING_HISTORY_LOST' })
    expect((await fleet.store.readHistory()).loss).toContain(IDENTITY.logName)
    expect(await fleet.restore()).toMatchObject({ decisions: 0, lastSequence: 0, identity: IDENTITY })
    expect(await fleet.store.readHistory()).toMatchObject({ name: IDENTITY.logName, loss: '' })
    expect(await a.decisions.predict(payment(1), 0)).toMatchObject({ sequence: 1, isRepeated: false })
    await fleet.moved(1)
    await fleet.end()
  })

  test('lets receipts live as long as they would have, and not those that would be gone', async () => {
    const fleet = await startFleet('lives')
    const a = await fleet.start('a')
    await a.decisions.predict(payment(1), 0)
    await fleet.moved(1)
    await fleet.store.clear()
    // A label of the transaction could still count in the longest window, whatever is said of receipts.
    const needed = { receiptLifeMs: 1000, world: { ...TEST_WORLD, now: () => TEST_WORLD.now() + 1000 } }
    expect(await fleet.restore(needed)).toMatchObject({ decisions: 1, receipts: 1 })
    await fleet.store.clear()
    const restored = await fleet.restore({
      receiptLifeMs: 1000,
      world: { ...TEST_WORLD, now: () => TEST_WORLD.now() + 1_000_000 },
    })
    expect(restored).toMatchObject({ decisions: 1, receipts: 0 })
    expect(await fleet.store.findReceipt('decision/t1')).toBeUndefined()
    await fleet.end()
  })

  test('says when the logs give other features than were served, and leaves a store that nobody serves', async () => {
    const fleet = await startFleet('differs')
    const a = await fleet.start('a')
    await a.decisions.predict(payment(1), 0)
    await a.decisions.predict(payment(2), 0)
    await fleet.moved(2)
    await a.decisions.close()
    const history = JSON.stringify({ identity: IDENTITY, lastSequence: 2, lastRecord: 2 })
    const other = await openTestLog(join(folder, 'other log'))
    for await (const { sequence, payload } of a.log.read(0)) {
      const bytes = new Uint8Array(payload)
      // The last feature of the second decision.
      if (sequence === 2) new DataView(bytes.buffer).setFloat64(bytes.length - 8, 12_345, true)
      await other.append(sequence, bytes)
    }
    await writeModelDocument(other, MODEL)
    await other.writeDocument('history', history)
    await fleet.store.clear()
    const logs = [join(folder, 'other log')]
    await expect(fleet.restore({ logs })).rejects.toMatchObject({
      code: 'SERVING_RESTORE_DIFFERS',
      details: { decisions: 2, differing: 1 },
    })
    expect(await fleet.store.readNote('loading')).toBe('begun')
    expect((await fleet.restore({ logs, force: true })).differing).toBe(1)
    await other.close()
    await fleet.end()
  })

  const startFleet = async (name: string, model: LoadedModel = MODEL) => {
    const openProcess = shareStates()
    const store = await openProcess({ consumer: 'who expects nothing' })
    await writeStoreIdentity(store, IDENTITY)
    const processes: { readonly decisions: Decisions; readonly log: PredictionLog }[] = []
    const folders: string[] = []
    const start = async (process: string) => {
      const path = join(folder, name, process)
      const log = await openTestLog(path)
      await writeModelDocument(log, model)
      const own = await openProcess({ consumer: process })
      await joinHistory({ store: own, name: 'the store' }, log, IDENTITY)
      const decisions = await openSharedDecisions({
        store: own,
        log,
        identity: IDENTITY,
        observer: { ...silentObserver, warned: () => undefined },
        decider: createDecider({ champion: model }),
        names: predictionNames(IDENTITY),
        settings: TEST_SETTINGS,
        world: TEST_WORLD,
      })
      folders.push(path)
      processes.push({ decisions, log })
      return { decisions, log }
    }
    const workFolder = join(folder, name, 'work')
    mkdirSync(workFolder, { recursive: true })
    const database = { threads: 1, memoryLimit: '256MB', tempDirectory: join(workFolder, 'spill') }
    return {
      store,
      start,
      /** Resolves when the logs have so many records. */
      moved: async (records: number): Promise<void> => {
        while (processes.reduce((sum, { log }) => sum + log.lastSequence, 0) < records) await nextTurn()
      },
      /** An entry of a decision on a payment that waits and that nobody moves. */
      leave: async (n: number) => {
        const log = await openTestLog(join(folder, name, 'nobody'))
        const own = await openProcess({ consumer: 'gone' })
        const decisions = await openSharedDecisions({
          // It dies before it moves anything.
          store: { ...own, takeEntries: () => new Promise(() => undefined) },
          log,
          identity: IDENTITY,
          observer: silentObserver,
          decider: createDecider({ champion: model }),
          names: predictionNames(IDENTITY),
          settings: TEST_SETTINGS,
          world: TEST_WORLD,
        })
        await decisions.predict(payment(n), 0)
        await log.close()
        return (await store.waitingEntries())[0]!
      },
      restore: (options: Partial<RestoreStatesOptions> = {}) =>
        restoreStates({
          store,
          storeName: 'the store',
          model,
          logs: folders,
          openLog: openLogReader,
          accepted: [],
          skip: 0,
          force: false,
          receiptLifeMs: TEST_SETTINGS.receiptLifeMs,
          waitingLifeMs: TEST_SETTINGS.waitingLifeMs,
          world: TEST_WORLD,
          workFolder,
          work: unwatchedWork(database),
          ...options,
        }),
      end: async (): Promise<LogEntry[]> => {
        const entries: LogEntry[] = []
        for (const { decisions, log } of processes) {
          await decisions.close()
          for await (const { payload } of log.read(0)) entries.push(decodeLogEntry(payload)!)
          await log.close()
        }
        return entries.sort((x, y) => x.sequence - y.sequence)
      },
    }
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
  userId: `u${n % 4}`,
  merchantId: 'shop',
  deviceId: `d${n % 3}`,
  eventTimeMs: 1e12 + n * 1000,
  amountMinor: 100 + n,
})
