import { expect, test } from 'vitest'
import { driveEngine } from '../../../test/oracle/drive-engine.ts'
import type { LogEntry } from '../../../test/oracle/naive-features.ts'
import { SMALL_FIT, smallSettings } from '../../../test/oracle/random-histories.ts'

test('a label is for the transaction of its id and its time, where another transaction of that id stands first', () => {
  // Ids of two users may collide, and only the user's own state knows repetitions; the merchant sees both.
  const first = paymentAt(0, 'ada', 'x')
  const second = paymentAt(5, 'bob', 'x')
  const log: LogEntry[] = [
    { transaction: first },
    { transaction: second },
    { labelOf: second, isFraud: true },
    // Labels are delayed by 30 s: ten seconds up to 41 s ago hold the second one only.
    { transaction: paymentAt(41, 'bob', 'probe') },
  ]
  const { driver, vectors } = driveEngine(log, smallSettings(), SMALL_FIT)
  const column = driver.engineer.featureNames.indexOf('merchant_risk_10s')
  expect((vectors.at(-1) as Float64Array)[column]).toBe(1)
})

const paymentAt = (seconds: number, userId: string, transactionId: string) => ({
  transactionId,
  userId,
  merchantId: 'm',
  eventTimeMs: 1e12 + seconds * 1000,
  amountMinor: 100,
})
