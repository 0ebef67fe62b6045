import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { driveEngine } from '../oracle/drive-engine.ts'
import type { LogEntry } from '../oracle/naive-features.ts'
import { randomLog, SMALL_FIT, smallSettings } from '../oracle/random-histories.ts'

/**
 * Law: no feature sees the future. One that did would be worth a fortune in training and nothing in
 * production.
 *
 * @param histories how many are tried, each with two futures
 */
export const nothingSeesTheFuture = ({ histories }: { readonly histories: number }): void => {
  /** Three histories: what has happened, and two ways in which it may go on, with names of their own. */
  const law = (holds: (past: LogEntry[], future: LogEntry[], otherFuture: LogEntry[]) => void): void =>
    fc.assert(fc.property(randomLog(30), renamed(randomLog(15)), renamed(randomLog(15)), holds), {
      numRuns: histories,
      seed: 20_260_327,
    })

  describe('no feature sees the future', () => {
    test('whatever comes later, every earlier vector stays the same', () => {
      law((past, future, otherFuture) => {
        const count = past.filter(isTransaction).length
        const a = vectorsOf([...past, ...future]).slice(0, count)
        const b = vectorsOf([...past, ...otherFuture]).slice(0, count)
        expect(a).toStrictEqual(b)
        expect(a).toStrictEqual(vectorsOf(past))
      })
    })

    test('a label changes nothing before it is delivered, whatever it says', () => {
      law((past, future) => {
        const all = [...past, ...future]
        const at = all.findLastIndex((entry) => !isTransaction(entry))
        if (at < 0) return
        const turned = all.map((entry, index) =>
          index === at && 'labelOf' in entry ? { ...entry, isFraud: entry.isFraud !== true } : entry,
        )
        const without = all.filter((_, index) => index !== at)
        const before = all.slice(0, at).filter(isTransaction).length
        const expected = vectorsOf(all).slice(0, before)
        expect(vectorsOf(turned).slice(0, before)).toStrictEqual(expected)
        expect(vectorsOf(without).slice(0, before)).toStrictEqual(expected)
      })
    })

    test('a label of a transaction younger than the label delay changes nothing, although it is known', () => {
      const pay = (seconds: number, transactionId: string) => ({
        transactionId,
        userId: 'ada',
        merchantId: 'shop',
        eventTimeMs: 1e12 + seconds * 1000,
        amountMinor: 100,
      })
      const first = pay(0, 'first')
      const riskAt = (seconds: number, labels: LogEntry[]) =>
        vectorsOf([{ transaction: first }, ...labels, { transaction: pay(seconds, 'second') }])[1]
      const label = { labelOf: first, isFraud: true }
      // The delay is 30 s: at 29.999 s it says nothing, at 30 s it counts.
      expect(riskAt(29.999, [label])).toStrictEqual(riskAt(29.999, []))
      expect(riskAt(30, [label])).not.toStrictEqual(riskAt(30, []))
    })
  })
}

const vectorsOf = (log: readonly LogEntry[]) => driveEngine(log, smallSettings(), SMALL_FIT).vectors

const isTransaction = (entry: LogEntry): boolean => 'transaction' in entry

const renamed = (logs: fc.Arbitrary<LogEntry[]>): fc.Arbitrary<LogEntry[]> =>
  logs.map((log) =>
    log.map((entry) => {
      const rename = <T extends { transactionId: string }>(one: T): T => ({
        ...one,
        transactionId: `later ${one.transactionId}`,
      })
      return 'labelOf' in entry
        ? { ...entry, labelOf: rename(entry.labelOf) }
        : { transaction: rename(entry.transaction) }
    }),
  )
