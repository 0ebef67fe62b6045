import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../../../test/eventually.ts'
import { randomLog } from '../../../test/oracle/random-histories.ts'
import { createMemoryStateStore } from '../../adapters/memory/memory-state-store.ts'
import { VigiaError } from '../../errors.ts'
import { nextTurn } from '../../foundation/next-turn.ts'
import type { PredictionLog } from '../../ports/prediction-log.ts'
import type { StateStore } from '../../ports/state-store.ts'
import { tokenOf } from '../../transaction/token.ts'
import type { Transaction } from '../../transaction/transaction.ts'
import { openTestLog, silentObserver, TEST_SETTINGS, testFolder } from '../inference.test-kit.ts'
import type { InferenceObserver } from '../inference-pipeline.ts'
import { decodeLogEntry, type LogEntry } from '../log/log-record.ts'
import { stateOf, withApplied } from '../states/stored-state.ts'
import { clockReceipt, dueReceipt, historyDueLabel } from './due-labels.ts'
import {
  endAll,
  entriesOf,
  expectReplayed,
  MODEL,
  neverEnds,
  type ProcessOptions,
  startProcess,
} from './owned-process.test-kit.ts'

describe('decisions of a process that owns its states', () => {
  let folder: string
  let remove: () => void
  beforeEach(() => {
    ;({ folder, remove } = testFolder())
  })
  afterEach(async () => {
    await endAll()
    remove()
  })

  test('the log is right wherever the process is killed', async () => {
    let round = 0
    await fc.assert(
      fc.asyncProperty(
        randomLog(40),
        fc.array(fc.constantFrom(...ACTS), { maxLength: 40, size: 'max' }),
        // With little memory states are saved whenever it is full, in the middle of a replay too.
        fc.constantFrom(TEST_SETTINGS.cacheBytes, 10_000),
        async (events, acts, cacheBytes) => {
          const store = createMemoryStateStore()
          const logFolder = `${folder}/${round++}`
          let process = await startProcess(store, logFolder, { cacheBytes })
          for (const [i, event] of events.entries()) {
            await process.send(event)
            const act = acts[i] ?? 'go on'
            if (act === 'save') await process.save()
            if (act === 'kill while saving') process.beginSave()
            if (act === 'close') await process.close()
            if (act === 'kill' || act === 'kill while saving') await process.kill()
            if (!process.isRunning()) process = await startProcess(store, logFolder, { cacheBytes })
          }
          const entries = await entriesOf(process.log)
          await process.kill()
          // 1. It has each transaction once, in the order in which they were sent.
          const sent = events.flatMap((event) =>
            'transaction' in event ? [event.transaction.transactionId] : [],
          )
          expect(transactionIds(entries)).toEqual([...new Set(sent)])
          // 2. It numbers its records from 1 without a gap.
          expect(entries.map(({ sequence }) => sequence)).toEqual(entries.map((_, i) => i + 1))
          // 3. It has the values that a replay of it, in its order, gives.
          expectReplayed(entries)
        },
      ),
      { numRuns: 60 },
    )
  })

  test('transactions of one user that come at once are decided one after the other', async () => {
    const { decisions, log } = await startProcess(createMemoryStateStore(), folder)
    await Promise.all(Array.from({ length: 100 }, (_, i) => decisions.predict(payment(`t${i}`), 0)))
    const entries = await entriesOf(log)
    expect(entries).toHaveLength(100)
    expectReplayed(entries)
    const counts = entries.map(
      (entry) => entry.kind === 'decision' && entry.vector[MODEL.computed.indexOf('user_tx_count_60s')],
    )
    expect(counts).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
  })

  describe('a transaction that comes again', () => {
    test('at the same time is decided on once', async () => {
      const { decisions, log } = await startProcess(createMemoryStateStore(), folder)
      const answers = await Promise.all(Array.from({ length: 20 }, () => decisions.predict(payment('t'), 0)))
      expect(answers.filter(({ isRepeated }) => !isRepeated)).toHaveLength(1)
      expect(
        new Set(answers.map(({ predictionId, probability }) => `${predictionId} ${probability}`)).size,
      ).toBe(1)
      expect(await entriesOf(log)).toHaveLength(1)
    })

    test('is reported to the observer, saved or not', async () => {
      const repeated: boolean[] = []
      const predicted: InferenceObserver['predicted'] = ({ isRepeated }) => repeated.push(isRepeated)
      const process = await startProcess(createMemoryStateStore(), folder, {
        observer: { ...silentObserver, predicted },
      })
      await Promise.all(Array.from({ length: 20 }, () => process.decisions.predict(payment('t'), 0)))
      await process.save()
      await process.decisions.predict(payment('t'), 0)
      expect(repeated.toSorted()).toEqual([false, ...Array(20).fill(true)])
    })

    test('is answered from the log after a kill', async () => {
      const store = createMemoryStateStore()
      const process = await startProcess(store, folder)
      const first = await process.decisions.predict(payment('t'), 0)
      await process.kill()
      const { decisions } = await startProcess(store, folder)
      expect(await decisions.predict(payment('t'), 0)).toEqual({ ...first, isRepeated: true })
    })

    test('is answered from the store after a save', async () => {
      const process = await startProcess(createMemoryStateStore(), folder)
      const first = await process.decisions.predict(payment('t'), 0)
      await process.save()
      expect(process.decisions.status().waiting).toBe(0)
      expect(await process.decisions.predict(payment('t'), 0)).toEqual({ ...first, isRepeated: true })
    })

    test('is answered from the store after a save and a kill', async () => {
      const store = createMemoryStateStore()
      const first = await startProcess(store, folder)
      const prediction = await first.decisions.predict(payment('t'), 0)
      await first.kill()
      const second = await startProcess(store, folder)
      await second.save()
      await second.kill()
      const { decisions } = await startProcess(store, folder)
      expect(decisions.status().waiting).toBe(0)
      expect(await decisions.predict(payment('t'), 0)).toEqual({ ...prediction, isRepeated: true })
    })

    test('with other contents is refused, saved or not', async () => {
      const process = await startProcess(createMemoryStateStore(), folder)
      await process.decisions.predict(payment('t'), 0)
      const other = { ...payment('t'), amountMinor: 5 }
      const refusal = { code: 'SERVING_TRANSACTION_DIFFERS' }
      await expect(process.decisions.predict(other, 0)).rejects.toMatchObject(refusal)
      await process.save()
      await expect(process.decisions.predict(other, 0)).rejects.toMatchObject(refusal)
    })
  })

  describe('a label', () => {
    test('is compared with the one told before it, also when several come at once', async () => {
      const process = await processWithDecision(folder)
      const [first] = (await entriesOf(process.log)).flatMap((entry) =>
        entry.kind === 'decision' ? [entry.decision.transaction.transactionId] : [],
      )
      await process.label(first!, true)
      const told = [true, null, true, true].map((isFraud) => process.label(first!, isFraud))
      expect(await Promise.all(told)).toEqual(['unchanged', 'applied', 'applied', 'unchanged'])
      expect((await process.decisions.findLabel(first!))?.isFraud).toBe(true)
    })

    test('that comes twice at once is applied once', async () => {
      const { label, log } = await processWithDecision(folder)
      expect(await Promise.all([label('t', true), label('t', true)])).toEqual(['applied', 'unchanged'])
      expect((await entriesOf(log)).map(({ kind }) => kind)).toEqual(['decision', 'label'])
    })

    test('that is saved is unchanged when it comes again', async () => {
      const { label, save } = await processWithDecision(folder)
      await label('t', true)
      await save()
      expect(await label('t', true)).toBe('unchanged')
    })

    test('is applied again each time it is corrected', async () => {
      const { label, save, decisions, log } = await processWithDecision(folder)
      expect(await label('t', true)).toBe('applied')
      await save()
      expect([await label('t', false), await label('t', true)]).toEqual(['applied', 'applied'])
      expect((await entriesOf(log)).map(({ kind }) => kind)).toEqual(['decision', 'label', 'label', 'label'])
      expect((await decisions.findLabel('t'))?.isFraud).toBe(true)
    })

    test('that is taken back is forgotten by risks, and told as unknown', async () => {
      const process = await processWithDecision(folder)
      expect([await process.label('t', true), await process.label('t', null)]).toEqual(['applied', 'applied'])
      expect(await process.label('t', null)).toBe('unchanged')
      expect((await process.decisions.findLabel('t'))?.isFraud).toBeNull()
      const later = { ...payment('later'), eventTimeMs: 1e12 + 30_000 }
      await process.decisions.predict(later, 0)
      const entries = await entriesOf(process.log)
      expectReplayed(entries)
      expect(entries.map((entry) => entry.kind === 'label' && entry.label.isFraud)).toEqual([
        false,
        true,
        null,
        false,
      ])
      const last = entries.at(-1)!
      const labelled = MODEL.computed.indexOf('merchant_labelled_count_60s')
      expect(last.kind === 'decision' && last.vector[labelled]).toBe(0)
    })

    test('of a transaction that no state has is late when no window can need it', async () => {
      const { decisions, log } = await processWithDecision(folder)
      const told = { isFraud: true, userId: 'ada', merchantId: 'shop' }
      const tell = (transactionId: string, eventTimeMs: number) =>
        decisions.applyFeedback({ ...told, transactionId, eventTimeMs })
      // Delay, longest risk window and lateness are 30, 60 and 20 seconds.
      expect([await tell('old', 1e12 - 110_000), await tell('recent', 1e12 - 109_999)]).toEqual([
        'late',
        'waiting',
      ])
      expect(
        (await entriesOf(log)).map((entry) => entry.kind === 'label' && entry.label.transactionId),
      ).toEqual([false, 'old', 'recent'])
    })

    test('that corrects an unsaved one does not hide the receipts between the two', async () => {
      const store = createMemoryStateStore()
      const confirmation = { isLate: false }
      const log = confirmingLate(await openTestLog(folder), () => confirmation.isLate)
      const process = await processWithDecision(folder, store, { log })
      await process.label('t', true)
      await process.decisions.predict(payment('between'), 0)
      confirmation.isLate = true
      void process.label('t', false)
      await eventually(() => expect(process.decisions.status().lastSequence).toBe(4))
      await process.save()
      await process.kill()
      const { decisions } = await startProcess(store, folder)
      expect((await decisions.predict(payment('between'), 0)).isRepeated).toBe(true)
    })
  })

  describe('a label that comes before its transaction', () => {
    const later = { ...payment('later'), eventTimeMs: 1e12 + 1000 }

    test('is kept in the log, and applied when the transaction was decided on', async () => {
      const process = await processWithDecision(folder)
      expect(await process.label('later', true)).toBe('waiting')
      expect(process.decisions.status().waitingLabels).toBe(1)
      await process.decisions.predict(later, 0)
      expect(process.decisions.status().waitingLabels).toBe(0)
      const entries = await entriesOf(process.log)
      expect(entries.map((entry) => entry.kind === 'label' && entry.label)).toMatchObject([
        false,
        { transactionId: 'later', isWaiting: true, isApplied: false },
        false,
        { transactionId: 'later', isFraud: true, isApplied: true, merchantId: 'shop' },
      ])
      expect(entries[3]).not.toHaveProperty('label.isWaiting')
      expect(await process.label('later', true)).toBe('unchanged')
      await process.decisions.predict({ ...payment('after'), eventTimeMs: 1e12 + 31_000 }, 0)
      const all = await entriesOf(process.log)
      expectReplayed(all)
      const last = all.at(-1)!
      expect(last.kind === 'decision' && last.vector[MODEL.computed.indexOf('merchant_risk_60s')]).toBe(1)
    })

    test('is unchanged when it comes again, and the later of two is applied', async () => {
      const process = await processWithDecision(folder)
      const outcomes = []
      for (const isFraud of [true, true, false]) outcomes.push(await process.label('later', isFraud))
      expect(outcomes).toEqual(['waiting', 'unchanged', 'waiting'])
      await process.decisions.predict(later, 0)
      expect((await process.decisions.findLabel('later'))?.isFraud).toBe(false)
    })

    test('also when it says whose the transaction will be', async () => {
      const process = await processWithDecision(folder)
      const named = { transactionId: 'later', isFraud: true, transaction: later }
      expect(await process.decisions.applyFeedback(named)).toBe('waiting')
      await process.decisions.predict(later, 0)
      expect((await process.decisions.findLabel('later'))?.isApplied).toBe(true)
    })

    test('also after a transaction of somebody else that was stamped ahead', async () => {
      const process = await processWithDecision(folder, createMemoryStateStore(), { now: () => 1e12 + 2000 })
      const ahead = { userId: 'other', merchantId: 'elsewhere', deviceId: 'tablet', eventTimeMs: 1.1e12 }
      await process.decisions.predict({ ...payment('ahead'), ...ahead }, 0)
      const named = { transactionId: 'later', isFraud: true, transaction: later }
      expect(await process.decisions.applyFeedback(named)).toBe('waiting')
      await process.decisions.predict(later, 0)
      expect((await process.decisions.findLabel('later'))?.isApplied).toBe(true)
    })

    test('is refused when too many wait', async () => {
      const process = await processWithDecision(folder)
      for (let n = 0; n < TEST_SETTINGS.waitingLabels; n++) await process.label(`early ${n}`, true)
      await expect(process.label('one more', true)).rejects.toMatchObject({ code: 'FEEDBACK_WAITING_FULL' })
      expect(await process.label('early 7', false)).toBe('waiting')
    })

    test('waits no longer than its time, and is counted then', async () => {
      let nowMs = 1e12
      const told: string[] = []
      const process = await processWithDecision(folder, createMemoryStateStore(), {
        now: () => nowMs,
        saveAfterMs: 20,
        observer: { ...silentObserver, labelled: (outcome) => void told.push(outcome) },
      })
      await process.label('never', true)
      await process.save()
      nowMs += TEST_SETTINGS.waitingLifeMs + 1
      await eventually(() => expect(process.decisions.status().waitingLabels).toBe(0))
      expect(told).toEqual(['waiting', 'expired'])
    })

    test('is applied at the start when the process ended between the transaction and its label', async () => {
      const store = createMemoryStateStore()
      const log = await openTestLog(folder)
      const process = await startProcess(store, folder, { log: withoutAppliedLabels(log) })
      await process.label('later', true)
      await process.save()
      await process.decisions.predict(later, 0)
      await process.kill()
      const next = await startProcess(store, folder)
      expect((await next.decisions.findLabel('later'))?.isFraud).toBe(true)
      await next.decisions.predict({ ...payment('after'), eventTimeMs: 1e12 + 31_000 }, 0)
      const entries = await entriesOf(next.log)
      expectReplayed(entries)
      expect(entries.map(({ kind }) => kind)).toEqual(['label', 'decision', 'label', 'decision'])
    })

    test('follows its transaction in the log, wherever the process is killed', async () => {
      let round = 0
      await fc.assert(
        fc.asyncProperty(randomLog(12), fc.array(fc.constantFrom(...ACTS)), async (events, acts) => {
          const store = createMemoryStateStore()
          const logFolder = `${folder}/${round++}`
          const sent = events.flatMap((event) => ('transaction' in event ? [event.transaction] : []))
          const transactions = [...new Map(sent.map((one) => [one.transactionId, one])).values()]
          let process = await startProcess(store, logFolder)
          const steps = [
            ...transactions.map(
              ({ transactionId }, n) =>
                () =>
                  process.label(transactionId, n % 2 === 0),
            ),
            ...transactions.map((transaction) => () => process.decisions.predict(transaction, 0)),
          ]
          for (const [i, step] of steps.entries()) {
            const act = acts[i] ?? 'go on'
            const done = step()
            if (act !== 'kill' || i < transactions.length) await done
            else await done.catch(() => undefined)
            if (act === 'save') await process.save()
            if (act === 'kill while saving') process.beginSave()
            if (act === 'close') await process.close()
            if (act === 'kill' || act === 'kill while saving') await process.kill()
            if (!process.isRunning()) process = await startProcess(store, logFolder)
          }
          const entries = await entriesOf(process.log)
          await process.kill()
          for (const { transactionId } of transactions) {
            const its = entries.flatMap((entry) => {
              if (entry.kind === 'decision')
                return entry.decision.transaction.transactionId === transactionId ? ['decision'] : []
              if (entry.kind === 'repair') return []
              const { label } = entry
              return label.transactionId === transactionId
                ? [`${label.isWaiting ? 'waits' : 'applied'} ${label.isFraud}`]
                : []
            })
            const said = new Set(its.flatMap((one) => one.split(' ')[1] ?? []))
            const [isFraud] = said
            expect(said.size <= 1 || its).toBe(true)
            expect(its.at(-1)).toBe(isFraud === undefined ? 'decision' : `applied ${isFraud}`)
            expect(its.indexOf('decision')).toBe(its.length - 2)
          }
          expectReplayed(entries)
        }),
        { numRuns: 40 },
      )
    })
  })

  describe('a label that training still waited for', () => {
    const SECOND = 1000
    const at = (seconds: number, transactionId: string) => ({
      ...payment(transactionId),
      eventTimeMs: 1e12 + seconds * SECOND,
    })
    /** The state of the shop knows the transaction `old`, whose label is due 30 seconds after it. */
    const storeWithHistory = async () => {
      const store = createMemoryStateStore()
      const process = await startProcess(store, `${folder}/history`)
      await process.decisions.predict(at(0, 'old'), 0)
      await process.close()
      const states = [...(await keysOf(store))]
      const loaded = await store.load(states)
      await store.clear()
      await store.save(
        states.map((key, i) => ({ key, bytes: withApplied(stateOf(loaded[i]!.bytes), 0), expected: 0 })),
      )
      const label = {
        transactionId: '',
        transactionToken: tokenOf('old'),
        isFraud: true,
        own: { merchant: tokenOf('shop'), device: tokenOf('phone') },
        eventTimeMs: 1e12,
        origin: 'history',
      } as const
      await store.save([], [dueReceipt(historyDueLabel(1e12 + 30 * SECOND, 0, label)), clockReceipt(1e12)])
      return store
    }
    const risk = MODEL.computed.indexOf('merchant_risk_60s')
    const risksOf = (entries: readonly LogEntry[]) =>
      entries.flatMap((entry) => (entry.kind === 'decision' ? [entry.vector[risk]] : []))
    const labelsOf = (entries: readonly LogEntry[]) =>
      entries.flatMap((entry) => (entry.kind === 'label' ? [[entry.sequence, entry.label.isFraud]] : []))

    test('is delivered before the first transaction at whose arrival it is due', async () => {
      const { decisions, log } = await startProcess(await storeWithHistory(), folder)
      for (const [n, seconds] of [10, 29, 30, 31].entries()) await decisions.predict(at(seconds, `t${n}`), 0)
      const entries = await entriesOf(log)
      expect(risksOf(entries)).toEqual([0, 0, 1, 1])
      expect(labelsOf(entries)).toEqual([[3, true]])
      expect(entries[2]).toMatchObject({ label: { origin: 'history', isApplied: true } })
    })

    test('told first without its entities waits no more when it was applied to a transaction of the history, also after a crash before the sweep', async () => {
      const store = await storeWithHistory()
      const told = { transactionId: 'old', merchantId: 'shop', deviceId: 'phone', eventTimeMs: 1e12 }
      const first = await startProcess(store, folder)
      expect(await first.label('old', true)).toBe('waiting')
      await first.save()
      expect(await first.decisions.applyFeedback({ ...told, isFraud: false })).toBe('applied')
      await first.save()
      await first.kill()
      const next = await startProcess(store, folder)
      expect(next.decisions.status().waitingLabels).toBe(0)
      expect(await next.decisions.applyFeedback({ ...told, isFraud: false })).toBe('unchanged')
      expect(await next.decisions.applyFeedback({ ...told, isFraud: true })).toBe('applied')
    })

    test('does not change the order of those that come together', async () => {
      const { decisions, log } = await startProcess(await storeWithHistory(), folder)
      const sent = Array.from({ length: 20 }, (_, n) => at(20 + n, `t${n}`))
      await Promise.all(sent.map((transaction) => decisions.predict(transaction, 0)))
      const decided = (await entriesOf(log)).flatMap((entry) =>
        entry.kind === 'decision' ? [entry.decision.transaction.transactionId] : [],
      )
      expect(decided).toEqual(sent.map(({ transactionId }) => transactionId))
    })

    test('is delivered once, wherever the process is killed', async () => {
      const store = await storeWithHistory()
      for (const [n, seconds] of [10, 30, 31, 32].entries()) {
        const process = await startProcess(store, folder)
        await process.decisions.predict(at(seconds, `t${n}`), 0)
        if (n === 2) await process.save()
        await process.kill()
      }
      const { log, decisions } = await startProcess(store, folder)
      await decisions.predict(at(33, 'last'), 0)
      const entries = await entriesOf(log)
      expect(labelsOf(entries)).toEqual([[2, true]])
      expect(risksOf(entries)).toEqual([0, 1, 1, 1, 1])
    })

    test.each([false, null])('is not delivered when %s was told before', async (isFraud) => {
      const store = await storeWithHistory()
      const first = await startProcess(store, folder)
      const told = { transactionId: 'old', isFraud, merchantId: 'shop', deviceId: 'phone', eventTimeMs: 1e12 }
      expect(await first.decisions.applyFeedback(told)).toBe('applied')
      await first.kill()
      const { decisions, log } = await startProcess(store, folder)
      await decisions.predict(at(31, 't'), 0)
      expect(labelsOf(await entriesOf(log))).toEqual([[1, isFraud]])
      expect(risksOf(await entriesOf(log))).toEqual([0])
    })

    test('is corrected when it is told otherwise afterwards', async () => {
      const { decisions } = await startProcess(await storeWithHistory(), folder)
      await decisions.predict(at(31, 't'), 0)
      const tell = (isFraud: boolean) =>
        decisions.applyFeedback({ transactionId: 'old', isFraud, merchantId: 'shop', eventTimeMs: 1e12 })
      expect([await tell(true), await tell(false)]).toEqual(['unchanged', 'applied'])
    })
  })

  describe('where nobody tells of genuine transactions', () => {
    const GENUINE = { ...MODEL, settings: { ...MODEL.settings, unlabelled: 'genuine_after_delay' as const } }
    const at = (seconds: number) => ({ ...payment(`t${seconds}`), eventTimeMs: 1e12 + seconds * 1000 })
    const counted = (entries: readonly LogEntry[], feature: string) =>
      entries.flatMap((entry) =>
        entry.kind === 'decision' ? [entry.vector[MODEL.computed.indexOf(feature)]] : [],
      )

    test('a transaction without a label is genuine after the delay of 30 seconds, by a record of the log', async () => {
      const process = await startProcess(createMemoryStateStore(), folder, { model: GENUINE })
      for (const seconds of [0, 1, 29, 30, 31]) await process.decisions.predict(at(seconds), 0)
      const entries = await entriesOf(process.log)
      expectReplayed(entries)
      expect(counted(entries, 'merchant_labelled_count_60s')).toEqual([0, 0, 0, 1, 2])
      expect(entries.flatMap((entry) => (entry.kind === 'label' ? [entry.label] : []))).toMatchObject(
        ['t0', 't1'].map((transactionId) => ({
          transactionId,
          isFraud: false,
          origin: 'delay',
          isApplied: true,
        })),
      )
    })

    test('what is told wins, before and after the delay, and null stays unknown', async () => {
      const process = await startProcess(createMemoryStateStore(), folder, { model: GENUINE })
      for (const seconds of [0, 1, 2]) await process.decisions.predict(at(seconds), 0)
      expect([await process.label('t0', true), await process.label('t1', null)]).toEqual([
        'applied',
        'applied',
      ])
      await process.decisions.predict(at(32), 0)
      expect(await process.label('t2', true)).toBe('applied')
      await process.decisions.predict(at(33), 0)
      const entries = await entriesOf(process.log)
      expectReplayed(entries)
      expect(counted(entries, 'merchant_risk_60s')).toEqual([0, 0, 0, 1 / 2, 1])
      expect(counted(entries, 'merchant_labelled_count_60s')).toEqual([0, 0, 0, 2, 2])
    })

    test('many that were told otherwise let others have their turns', async () => {
      const process = await startProcess(createMemoryStateStore(), folder, { model: GENUINE })
      const ids = Array.from({ length: 1280 }, (_, n) => `told${n}`)
      for (const id of ids) await process.decisions.predict({ ...at(0), transactionId: id }, 0)
      for (const id of ids) await process.label(id, true)
      let turns = 0
      let turn = setImmediate(function next() {
        turns++
        turn = setImmediate(next)
      })
      await process.decisions.predict(at(31), 0)
      clearImmediate(turn)
      expect(turns).toBeGreaterThanOrEqual(1280 / 64)
    })

    test('each is delivered once and in its place, wherever the process is killed', async () => {
      let round = 0
      await fc.assert(
        fc.asyncProperty(
          randomLog(40),
          fc.array(fc.constantFrom(...ACTS), { maxLength: 40, size: 'max' }),
          async (events, acts) => {
            const run = async (name: string, doesAct: boolean) => {
              const store = createMemoryStateStore()
              const logFolder = `${folder}/${name}${round}`
              const options = { model: GENUINE }
              let process = await startProcess(store, logFolder, options)
              for (const [i, event] of events.entries()) {
                await process.send(event)
                const act = doesAct ? (acts[i] ?? 'go on') : 'go on'
                if (act === 'save') await process.save()
                if (act === 'kill while saving') process.beginSave()
                if (act === 'close') await process.close()
                if (act === 'kill' || act === 'kill while saving') await process.kill()
                if (!process.isRunning()) process = await startProcess(store, logFolder, options)
              }
              const entries = await entriesOf(process.log)
              await process.kill()
              return entries
            }
            const [quiet, killed] = [await run('quiet', false), await run('killed', true)]
            round++
            expectReplayed(killed)
            expect(killed).toEqual(quiet)
          },
        ),
        { numRuns: 40 },
      )
    })

    test('those that come at once wait for the labels that one of them is due behind', async () => {
      const process = await startProcess(createMemoryStateStore(), folder, { model: GENUINE })
      await Promise.all(Array.from({ length: 200 }, (_, n) => process.decisions.predict(at(n / 10), 0)))
      await Promise.all([60, 45, 46, 61].map((seconds) => process.decisions.predict(at(seconds), 0)))
      const entries = await entriesOf(process.log)
      expectReplayed(entries)
      const order = entries.slice(200).map((entry) => entry.kind)
      expect(order).toEqual([...Array(200).fill('label'), ...Array(4).fill('decision')])
    })
  })

  describe('when the log cannot be written', () => {
    test('decisions are answered with an error', async () => {
      const { failed, decisions, disk } = await processWithFullDisk(folder)
      expect(failed.map((outcome) => outcome.status === 'rejected' && outcome.reason.code)).toEqual([
        'SERVING_LOG_FAILED',
        'SERVING_LOG_FAILED',
      ])
      expect(decisions.status().failure).toContain('cannot be written')
      disk.isFull = false
    })

    test('nothing was decided, and all goes on once it can be written', async () => {
      const { decisions, disk, log, warnings } = await processWithFullDisk(folder)
      disk.isFull = false
      await eventually(() => expect(decisions.status().failure).toBe(''))
      await decisions.predict(payment('t3'), 0)
      await decisions.predict(payment('t2'), 0)
      const entries = await entriesOf(log)
      expect(transactionIds(entries)).toEqual(['t1', 't3', 't2'])
      expectReplayed(entries)
      expect(warnings).toContain('SERVING_LOG_FAILED')
    })
  })

  describe('with too little memory', () => {
    test('new entities that come faster than they are saved are refused until there is room', async () => {
      const memory = createMemoryStateStore()
      let release = (): void => undefined
      const blocked = new Promise<void>((resolve) => {
        release = resolve
      })
      const store: StateStore = { ...memory, save: (...save) => blocked.then(() => memory.save(...save)) }
      const cacheBytes = 100_000
      const process = await startProcess(store, folder, { cacheBytes })
      let refused = 0
      let most = 0
      for (let user = 0; user < 200; user++) {
        const decided = process.decisions.predict({ ...payment(`t${user}`), userId: `u${user}` }, 0)
        await decided.catch((error: VigiaError) => {
          expect(error.code).toBe('SERVING_STORE_BEHIND')
          refused++
        })
        await nextTurn()
        most = Math.max(most, process.decisions.status().cachedBytes)
      }
      expect(refused).toBeGreaterThan(50)
      // One decision more than what is too much.
      expect(most).toBeLessThan(cacheBytes * 1.1)
      release()
      await eventually(() => process.decisions.predict({ ...payment('after'), userId: 'after' }, 0))
      expect(process.decisions.status().cachedBytes).toBeLessThan(cacheBytes * 1.1)
      expectReplayed(await entriesOf(process.log))
    })

    test('a replay saves as it goes, and one that is killed meanwhile goes on', async () => {
      const store = createMemoryStateStore()
      const first = await startProcess(store, folder)
      for (let user = 0; user < 200; user++)
        await first.decisions.predict({ ...payment(`t${user}`), userId: `u${user}` }, 0)
      await first.kill()
      let saves = 0
      const failing: StateStore = {
        ...store,
        save: async (...save) => {
          if (++saves === 3) throw new VigiaError('SERVING_STORE_FAILED', { store: 'test', reason: 'killed' })
          return store.save(...save)
        },
      }
      const cacheBytes = 50_000
      await expect(startProcess(failing, folder, { cacheBytes })).rejects.toMatchObject({
        code: 'SERVING_STORE_FAILED',
      })
      const counts = await store.count()
      expect(counts.user).toBeGreaterThan(10)
      expect(counts.user).toBeLessThan(190)
      const { decisions, log } = await startProcess(store, folder, { cacheBytes })
      expect(decisions.status().cachedBytes).toBeLessThan(cacheBytes * 1.1)
      for (let user = 0; user < 200; user += 7)
        await eventually(() => decisions.predict({ ...payment(`again ${user}`), userId: `u${user}` }, 0))
      expectReplayed(await entriesOf(log))
    })

    test('states are saved, forgotten and read again', async () => {
      const process = await startProcess(createMemoryStateStore(), folder, { cacheBytes: 20_000 })
      for (let round = 0; round < 3; round++) {
        for (let user = 0; user < 60; user++)
          await process.decisions.predict({ ...payment(`${round}-${user}`), userId: `u${user}` }, 0)
        await process.save()
      }
      await eventually(() => expect(process.decisions.status().cachedBytes).toBeLessThan(20_000))
      expectReplayed(await entriesOf(process.log))
    })

    test('no state is forgotten while it is used', async () => {
      const process = await startProcess(createMemoryStateStore(), folder, { cacheBytes: 20_000 })
      for (let round = 0; round < 10; round++) {
        const users = Array.from({ length: 60 }, (_, user) => `u${(user * 7) % 60}`)
        await Promise.all([
          ...users.map((userId) =>
            process.decisions.predict({ ...payment(`${round}-${userId}`), userId }, 0),
          ),
          process.save(),
        ])
        await process.save()
      }
      await eventually(() => expect(process.decisions.status().cachedBytes).toBeLessThan(20_000))
      expectReplayed(await entriesOf(process.log))
    })
  })

  test('the numbers of records that the log has lost and the states have are not given again', async () => {
    const store = createMemoryStateStore()
    const before = await startProcess(store, folder)
    for (const id of ['t1', 't2', 't3']) await before.decisions.predict(payment(id), 0)
    await before.save()
    await before.kill()
    const warnings: string[] = []
    const { decisions } = await startProcess(store, `${folder}/another`, {
      observer: { ...silentObserver, warned: (code) => void warnings.push(code) },
    })
    expect((await decisions.predict(payment('t4'), 0)).sequence).toBe(4)
    expect(warnings).toEqual(['SERVING_LOG_LOST'])
  })
})

/** What may happen to a process after each request. */
const ACTS = ['go on', 'save', 'kill', 'kill while saving', 'close'] as const

const payment = (transactionId: string): Transaction => ({
  transactionId,
  userId: 'ada',
  merchantId: 'shop',
  deviceId: 'phone',
  eventTimeMs: 1e12,
  amountMinor: 100,
})

/** A process that has decided on the transaction `t`. */
const processWithDecision = async (
  folder: string,
  store: StateStore = createMemoryStateStore(),
  options: ProcessOptions = {},
) => {
  const process = await startProcess(store, folder, options)
  await process.decisions.predict(payment('t'), 0)
  return process
}

/** A process whose disk became full after `t1`, and what became of `t2` and `t3`. */
const processWithFullDisk = async (folder: string) => {
  const warnings: string[] = []
  const observer = { ...silentObserver, warned: (code: string) => void warnings.push(code) }
  const disk = { isFull: false }
  const log = await openTestLog(folder)
  const { decisions } = await startProcess(createMemoryStateStore(), folder, {
    observer,
    log: failing(log, () => disk.isFull),
  })
  await decisions.predict(payment('t1'), 0)
  disk.isFull = true
  const failed = await Promise.allSettled(['t2', 't3'].map((id) => decisions.predict(payment(id), 0)))
  return { decisions, disk, failed, log, warnings }
}

const transactionIds = (entries: readonly LogEntry[]): readonly string[] =>
  entries.flatMap((entry) => (entry.kind === 'decision' ? [entry.decision.transaction.transactionId] : []))

/** A log that does not say that its records are durable while `isLate`. */
const confirmingLate = (log: PredictionLog, isLate: () => boolean): PredictionLog => ({
  ...log,
  get lastSequence() {
    return log.lastSequence
  },
  append: async (sequence, payload) => {
    const written = log.append(sequence, payload)
    return isLate() ? neverEnds() : written
  },
})

/** All states of a store. */
const keysOf = async (store: StateStore) => {
  const keys: { kind: string; token: number }[] = []
  for (const kind of ['user', 'merchant', 'device'])
    for await (const { token } of store.entries(kind)) keys.push({ kind, token })
  return keys
}

/** A log that the process does not come to write applied labels to. */
const withoutAppliedLabels = (log: PredictionLog): PredictionLog => ({
  ...log,
  get lastSequence() {
    return log.lastSequence
  },
  append: (sequence, payload) => {
    const entry = decodeLogEntry(payload)
    return entry?.kind === 'label' && entry.label.isApplied ? neverEnds() : log.append(sequence, payload)
  },
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
