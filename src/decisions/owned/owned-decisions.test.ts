import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { EngineDriver } from '../../../test/oracle/drive-engine.ts'
import { randomLog } from '../../../test/oracle/random-histories.ts'
import { createMemoryStateStore } from '../../adapters/memory/memory-state-store.ts'
import { VigiaError } from '../../errors.ts'
import type { PredictionLog } from '../../ports/prediction-log.ts'
import type { StateStore } from '../../ports/state-store.ts'
import type { Transaction } from '../../transaction/transaction.ts'
import { createDecider } from '../decider.ts'
import type { Decisions } from '../decisions.ts'
import { openTestLog, silentObserver, testFolder, testModel } from '../inference.test-kit.ts'
import type { InferenceObserver } from '../inference-pipeline.ts'
import { decodeLogEntry, type LogEntry } from '../log/log-record.ts'
import { openOwnedDecisions } from './owned-decisions.ts'

const MODEL = testModel()

describe('decisions of a process that owns its states', () => {
  let folder: string
  let remove: () => void
  beforeEach(() => {
    ;({ folder, remove } = testFolder())
  })
  afterEach(() => remove())

  test('whatever is sent, and wherever the process is killed, the log has what a replay of it in order gives', async () => {
    let round = 0
    await fc.assert(
      fc.asyncProperty(
        randomLog(40),
        fc.array(fc.constantFrom('go on', 'save', 'kill', 'close'), { maxLength: 40, size: 'max' }),
        async (events, acts) => {
          const store = createMemoryStateStore()
          const logFolder = `${folder}/${round++}`
          let process = await start(store, logFolder)
          for (const [i, event] of events.entries()) {
            if ('transaction' in event) await process.decisions.predict(event.transaction, 0)
            else {
              const { transactionId } = event.labelOf
              await process.decisions.applyFeedback({ transactionId, isFraud: event.isFraud })
            }
            const act = acts[i] ?? 'go on'
            if (act === 'save') await process.decisions.flush()
            if (act === 'close') await process.decisions.close()
            if (act === 'kill' || act === 'close') process = await start(store, logFolder)
          }
          const entries = await entriesOf(process.log)
          const ids = entries.flatMap((entry) =>
            entry.kind === 'decision' ? [entry.decision.transaction.transactionId] : [],
          )
          const sent = events.flatMap((event) =>
            'transaction' in event ? [event.transaction.transactionId] : [],
          )
          expect(ids).toEqual([...new Set(sent)])
          expect(entries.map(({ sequence }) => sequence)).toEqual(entries.map((_, i) => i + 1))
          expectReplayed(entries)
        },
      ),
      { numRuns: 60 },
    )
  })

  test('transactions of one user that come at once are decided one after the other', async () => {
    const { decisions, log } = await start(createMemoryStateStore(), folder)
    await Promise.all(Array.from({ length: 100 }, (_, i) => decisions.predict(payment(`t${i}`), 0)))
    const entries = await entriesOf(log)
    expect(entries).toHaveLength(100)
    expectReplayed(entries)
    const counts = entries.map(
      (entry) => entry.kind === 'decision' && entry.vector[MODEL.computed.indexOf('user_tx_count_60s')],
    )
    expect(counts).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
  })

  test('a transaction that is sent several times at once is decided on once, and every answer is the same decision', async () => {
    const log = await openTestLog(folder)
    const told: boolean[] = []
    const predicted: InferenceObserver['predicted'] = ({ isRepeated }) => told.push(isRepeated)
    const decisions = await open(createMemoryStateStore(), log, { ...silentObserver, predicted })
    const answers = await Promise.all(Array.from({ length: 20 }, () => decisions.predict(payment('t'), 0)))
    expect(answers.filter(({ isRepeated }) => !isRepeated)).toHaveLength(1)
    await decisions.flush()
    await decisions.predict(payment('t'), 0)
    // Whoever counts is told of all of them.
    expect(told.toSorted()).toEqual([false, ...Array(20).fill(true)])
    expect(
      new Set(answers.map(({ predictionId, probability }) => `${predictionId} ${probability}`)).size,
    ).toBe(1)
    expect(await entriesOf(log)).toHaveLength(1)
  })

  test('a repeated transaction is answered from the log after a kill, from the store after a save, and from it after both', async () => {
    const store = createMemoryStateStore()
    const first = await (await start(store, folder)).decisions.predict(payment('t'), 0)
    const again = { ...first, isRepeated: true }
    const killed = await start(store, folder)
    expect(await killed.decisions.predict(payment('t'), 0)).toEqual(again)
    await killed.decisions.flush()
    expect(await killed.decisions.predict(payment('t'), 0)).toEqual(again)
    expect(await (await start(store, folder)).decisions.predict(payment('t'), 0)).toEqual(again)
  })

  test('the same id with other contents is refused, whether its decision is saved or not', async () => {
    const { decisions } = await start(createMemoryStateStore(), folder)
    await decisions.predict(payment('t'), 0)
    const other = { ...payment('t'), amountMinor: 5 }
    const refusal = { code: 'SERVING_TRANSACTION_DIFFERS' }
    await expect(decisions.predict(other, 0)).rejects.toMatchObject(refusal)
    await decisions.flush()
    await expect(decisions.predict(other, 0)).rejects.toMatchObject(refusal)
  })

  test('labels: applied once, unchanged when told again, changed when corrected, unknown without a transaction', async () => {
    const { decisions, log } = await start(createMemoryStateStore(), folder)
    await decisions.predict(payment('t'), 0)
    const tell = (transactionId: string, isFraud: boolean) =>
      decisions.applyFeedback({ transactionId, isFraud })
    expect(await Promise.all([tell('t', true), tell('t', true)])).toEqual(['applied', 'unchanged'])
    await decisions.flush()
    expect([await tell('t', true), await tell('t', false), await tell('t', true)]).toEqual([
      'unchanged',
      'applied',
      'applied',
    ])
    expect(await tell('nobody', true)).toBe('unknown')
    expect((await entriesOf(log)).map(({ kind }) => kind)).toEqual(['decision', 'label', 'label', 'label'])
    expect((await decisions.findLabel('t'))?.isFraud).toBe(true)
  })

  test('a label of a transaction that another system decided on is applied to the entities that it names, and is late where no state has it', async () => {
    const { decisions } = await start(createMemoryStateStore(), folder)
    const outcome = await decisions.applyFeedback({
      transactionId: 'elsewhere',
      isFraud: true,
      userId: 'ada',
      merchantId: 'shop',
      eventTimeMs: 1e12,
    })
    expect(outcome).toBe('late')
  })

  test('when the log cannot be written, nothing was decided: the answer is an error, the states are those of the log, and then all goes on', async () => {
    const warnings: string[] = []
    const observer = { ...silentObserver, warned: (code: string) => void warnings.push(code) }
    let isFull = false
    const store = createMemoryStateStore()
    const real = await openTestLog(folder)
    const log = failing(real, () => isFull)
    const decisions = await open(store, log, observer)
    await decisions.predict(payment('t1'), 0)
    isFull = true
    const failed = await Promise.allSettled(['t2', 't3'].map((id) => decisions.predict(payment(id), 0)))
    expect(failed.map((outcome) => outcome.status === 'rejected' && outcome.reason.code)).toEqual([
      'SERVING_LOG_FAILED',
      'SERVING_LOG_FAILED',
    ])
    expect(decisions.status().failure).toContain('cannot be written')
    isFull = false
    await until(() => decisions.status().failure === '')
    await decisions.predict(payment('t3'), 0)
    await decisions.predict(payment('t2'), 0)
    const entries = await entriesOf(real)
    expect(
      entries.map((entry) => entry.kind === 'decision' && entry.decision.transaction.transactionId),
    ).toEqual(['t1', 't3', 't2'])
    expectReplayed(entries)
    expect(warnings).toContain('SERVING_LOG_FAILED')
  })

  test('states that do not fit in memory are saved, forgotten and read again', async () => {
    const store = createMemoryStateStore()
    const log = await openTestLog(folder)
    const decisions = await open(store, log, silentObserver, 20_000)
    for (let round = 0; round < 3; round++) {
      for (let user = 0; user < 60; user++)
        await decisions.predict({ ...payment(`${round}-${user}`), userId: `u${user}` }, 0)
      await decisions.flush()
    }
    await until(() => decisions.status().cachedBytes < 20_000)
    expectReplayed(await entriesOf(log))
  })

  test('states that are used at once while there is no room for them are forgotten by nobody who uses them', async () => {
    const log = await openTestLog(folder)
    const decisions = await open(createMemoryStateStore(), log, silentObserver, 20_000)
    for (let round = 0; round < 10; round++) {
      const users = Array.from({ length: 60 }, (_, user) => `u${(user * 7) % 60}`)
      await Promise.all([
        ...users.map((userId) => decisions.predict({ ...payment(`${round}-${userId}`), userId }, 0)),
        decisions.flush(),
      ])
      await decisions.flush()
    }
    await until(() => decisions.status().cachedBytes < 20_000)
    expectReplayed(await entriesOf(log))
  })

  test('after the log has lost records that the states have, the numbers are not given again, and it is told', async () => {
    const store = createMemoryStateStore()
    const { decisions } = await start(store, folder)
    for (const id of ['t1', 't2', 't3']) await decisions.predict(payment(id), 0)
    await decisions.flush()
    const warnings: string[] = []
    const log = await openTestLog(`${folder}/another`)
    const later = await open(store, log, { ...silentObserver, warned: (code) => void warnings.push(code) })
    expect((await later.predict(payment('t4'), 0)).sequence).toBe(4)
    expect(warnings).toEqual(['SERVING_LOG_LOST'])
  })
})

const payment = (transactionId: string): Transaction => ({
  transactionId,
  userId: 'ada',
  merchantId: 'shop',
  deviceId: 'phone',
  eventTimeMs: 1e12,
  amountMinor: 100,
})

const start = async (store: StateStore, folder: string) => {
  const log = await openTestLog(folder)
  return { log, decisions: await open(store, log, silentObserver) }
}

const open = (
  store: StateStore,
  log: PredictionLog,
  observer: InferenceObserver,
  cacheBytes = 1 << 30,
): Promise<Decisions> =>
  openOwnedDecisions({
    store,
    log,
    observer,
    cacheBytes,
    decider: createDecider({ champion: MODEL }),
    logName: 'test',
    saveAfterMs: 1e6,
    receiptLifeMs: 1e9,
    now: () => 1e12,
    monotonicMs: () => 0,
    nameOf: async () => ({ name: MODEL.description.name, version: MODEL.description.version }),
  })

/** The log of a disk that is full while `isFull`. */
const failing = (log: PredictionLog, isFull: () => boolean): PredictionLog => ({
  ...log,
  get lastSequence() {
    return log.lastSequence
  },
  append: (sequence, payload) => {
    if (!isFull()) return log.append(sequence, payload)
    return Promise.reject(new VigiaError('SERVING_LOG_FAILED', { folder: 'here', reason: 'no space' }))
  },
})

const entriesOf = async (log: PredictionLog): Promise<LogEntry[]> => {
  const entries: LogEntry[] = []
  for await (const { payload } of log.read(0)) entries.push(decodeLogEntry(payload)!)
  return entries
}

/**
 * Every vector in the log is what the engine gives for the transactions and labels of the log, in its order.
 */
const expectReplayed = (entries: readonly LogEntry[]): void => {
  const oracle = new EngineDriver(MODEL.settings, MODEL.fitted)
  for (const entry of entries) {
    const vector = oracle.takeLogged(entry)
    if (entry.kind === 'label') continue
    entry.vector.forEach((value, f) => {
      if (!Object.is(value, vector![f]))
        expect([entry.sequence, MODEL.computed[f], value]).toEqual([
          entry.sequence,
          MODEL.computed[f],
          vector![f],
        ])
    })
  }
}

const until = async (isTrue: () => boolean): Promise<void> => {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 20))
}
