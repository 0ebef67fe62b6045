import { describe, expect, it } from 'vitest'
import { driveEngine } from '../../../test/oracle/drive-engine.ts'
import type { LogEntry } from '../../../test/oracle/naive-features.ts'
import { SMALL_FIT, smallSettings } from '../../../test/oracle/random-histories.ts'
import type { Transaction } from '../../transaction/transaction.ts'
import { RUN_ROWS } from '../state/reading.ts'

describe('the fraud run of an entity, labels being known after 30 seconds, in a window of 60', () => {
  it('is the frauds in a row that the latest known labels are: how many, since when, of which mean', () => {
    const log = [paid(0, 5), paid(1, 10), paid(2, 30), paid(3, 99), known(0, false), known(1), known(2)]
    expect(runAfter(log, paid(40, 1))).toEqual([2, 39 / DAY_S, 20, 40 / DAY_S])
  })

  it('ends with a genuine transaction, whose label may come late', () => {
    const log = [paid(1, 10), paid(2, 30), known(1), paid(39, 1), known(2, false)]
    expect(runAfter(log, paid(40, 1))).toEqual([0, Number.NaN, Number.NaN, 38 / DAY_S])
  })

  it('leaves out what has not been known for so long, and what is before the window: (t - 90, t - 30]', () => {
    const log = [paid(0, 5), paid(1, 10), paid(61, 20), known(0), known(1), known(61)]
    expect(runAfter(log, paid(90, 1))).toEqual([1, 89 / DAY_S, 10, Number.NaN])
  })

  it('has the mean of the payments alone, and none where all were given back', () => {
    const log = [paid(1, -40), known(1)]
    expect(runAfter(log, paid(40, 1))).toEqual([1, 39 / DAY_S, Number.NaN, Number.NaN])
    expect(runAfter([paid(0, 8), known(0), ...log], paid(40, 1))[2]).toBe(8)
  })

  it('looks at the last 256 transactions and no further', () => {
    expect(RUN_ROWS).toBe(256)
    const others = Array.from({ length: 255 }, (_, n) => paid(2 + n / 1000, 1))
    expect(runAfter([paid(1, 10), known(1), ...others], paid(40, 1))[0]).toBe(1)
    expect(runAfter([paid(1, 10), known(1), ...others, paid(3, 1)], paid(40, 1))[0]).toBe(0)
  })

  it('is missing where the transaction names no such entity', () => {
    const { location: _, ...nowhere } = transactionAt(40, 1)
    expect(runAfter([paid(1, 10), known(1)], { transaction: nowhere })).toEqual(Array(4).fill(Number.NaN))
  })
})

const DAY_S = 86_400

const transactionAt = (seconds: number, amount: number): Transaction => ({
  transactionId: `t${seconds}`,
  userId: 'ada',
  eventTimeMs: 1e12 + seconds * 1000,
  amountMinor: amount * 100,
  location: 'lund',
  attributes: { browser: 'lynx' },
})

const paid = (seconds: number, amount: number): LogEntry => ({ transaction: transactionAt(seconds, amount) })

const known = (seconds: number, isFraud = true): LogEntry => ({ labelOf: transactionAt(seconds, 0), isFraud })

/** Of the last entry: length, age, mean amount, and age of the last genuine one. */
const runAfter = (log: readonly LogEntry[], last: LogEntry): readonly number[] => {
  const settings = {
    ...smallSettings(),
    include: [
      'corner_fraud_run',
      'corner_fraud_run_age',
      'corner_fraud_run_mean_amount',
      'corner_genuine_age',
    ],
  }
  return [...(driveEngine([...log, last], settings, SMALL_FIT).vectors.at(-1) as Float64Array)]
}
