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

test('a sum of a life that leaves 2^53 is missing from then on, and never wrong', () => {
  // 90,071 amounts of 10^11 - 1 are below 2^53, one more is above it; a window of ten seconds never is.
  const amountMinor = 99_999_999_999
  const log: LogEntry[] = Array.from({ length: 90_075 }, (_, n) => ({
    transaction: { transactionId: `t${n}`, userId: 'ada', eventTimeMs: 1e12 + n * 11_000, amountMinor },
  }))
  const settings = {
    ...smallSettings(),
    include: [
      'user_mean_amount_life',
      'user_std_amount_life',
      'user_amount_zscore',
      'user_total_amount_10s',
      'user_max_amount_life',
    ],
  }
  const { vectors } = driveEngine(log, settings, SMALL_FIT)
  const amount = amountMinor / 100
  const before = vectors[90_071] as Float64Array
  expect([...before]).toEqual([amount, amount, 0, amount, 0])
  const missing = Number.NaN
  for (const vector of vectors.slice(90_072))
    expect([...(vector as Float64Array)]).toEqual([amount, missing, missing, amount, missing])
})

test('refunds are in no figure of payments, and in figures of their own', () => {
  const pay = (seconds: number, amountMinor: number): LogEntry => ({
    transaction: { ...paymentAt(seconds, 'ada', `t${seconds}`), amountMinor },
  })
  const log = [pay(0, 1000), pay(1, 3000), pay(2, -500), pay(3, 0), pay(4, -2000)]
  const { driver, vectors } = driveEngine(log, smallSettings(), SMALL_FIT)
  const last = (name: string) => (vectors.at(-1) as Float64Array)[driver.engineer.featureNames.indexOf(name)]
  // The last of them is a refund of 20: the payments are 10, 30 and 0.
  expect(
    Object.fromEntries(
      [
        'user_tx_count_10s',
        'user_total_amount_10s',
        'user_mean_amount_10s',
        'user_max_amount_10s',
        'user_mean_amount_life',
        'user_amount_to_mean',
        'user_amount_to_mean_10s',
        'user_refund_count_10s',
        'user_refund_amount_10s',
        'merchant_refund_count_60s',
        'merchant_refund_amount_60s',
        'amount',
        'amount_is_refund',
      ].map((name) => [name, last(name)]),
    ),
  ).toEqual({
    user_tx_count_10s: 5,
    user_total_amount_10s: 40,
    user_mean_amount_10s: 4000 / 3 / 100,
    user_max_amount_10s: 30,
    user_mean_amount_life: 4000 / 3 / 100,
    user_amount_to_mean: 2000 / (4000 / 3),
    user_amount_to_mean_10s: 2000 / (4000 / 3),
    user_refund_count_10s: 2,
    user_refund_amount_10s: 25,
    merchant_refund_count_60s: 2,
    merchant_refund_amount_60s: 25,
    amount: 20,
    amount_is_refund: 1,
  })
})

const paymentAt = (seconds: number, userId: string, transactionId: string) => ({
  transactionId,
  userId,
  merchantId: 'm',
  eventTimeMs: 1e12 + seconds * 1000,
  amountMinor: 100,
})
