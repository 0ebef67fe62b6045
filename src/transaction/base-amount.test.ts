import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DEFAULT_AMOUNTS, MOST_MINOR } from './amount-rules.ts'
import { amountInBase, assertSameMoney, baseProblem, convertedMinor } from './base-amount.ts'
import { readRequest } from './read-request.ts'
import type { Transaction } from './transaction.ts'

describe('an amount in the base currency', () => {
  test.each([
    // 1,000 yen in ten thousandths, at .0061 euros each: 6.10 euros.
    ['yen', 10_000_000, 0.0061, -2, 610],
    // 12.345 dinars at 2.9871: 36.8757... euros.
    ['dinars', 123_450, 2.9871, -2, 3688],
    ['euros', 425_000, 1, -2, 4250],
    ['a refund', -425_000, 1, -2, -4250],
    ['yen as the base', 1234, 160.5, -2, 1981],
    ['more decimals in the base', 1234, 1, 1, 12_340],
    // Halves go to the even minor unit, exactly: 1.005 is not the double below it.
    ['a half, down', 100, 1.005, 0, 100],
    ['a half, up', 300, 1.005, 0, 302],
    ['a half, of a refund', -300, 1.005, 0, -302],
    ['a rate with an exponent', 4_000_000_000, 1.5e-7, 0, 600],
    ['a huge rate', 3, 1e21, -20, 30],
    ['a rate below all sense', 999, 5e-324, 0, 1],
    ['nothing', 0, 1.2345, -2, 0],
  ])('%s', (_, amountMinor, rate, shift, expected) => {
    expect(convertedMinor(amountMinor, rate, shift)).toBe(expected)
  })

  test('a payment or a refund is never rounded to nothing: 1 rupiah is a cent', () => {
    expect(convertedMinor(10_000, 0.000056, -2)).toBe(1)
    expect(convertedMinor(-10_000, 0.000056, -2)).toBe(-1)
  })

  test('beyond 15 digits is infinite, never a wrong number', () => {
    expect(convertedMinor(MOST_MINOR, 1, 0)).toBe(MOST_MINOR)
    expect(convertedMinor(MOST_MINOR, 1.0001, 0)).toBe(Number.POSITIVE_INFINITY)
    expect(convertedMinor(-MOST_MINOR, 1e300, 0)).toBe(Number.NEGATIVE_INFINITY)
  })

  test('law: it is the whole number nearest to the decimal product, by exact fractions', () => {
    const rates = fc.oneof(
      fc.double({ min: 1e-9, max: 1e3, noNaN: true }),
      fc.integer({ min: 1, max: 99_999 }).map((digits) => digits / 1000),
    )
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), rates, fc.integer({ min: -4, max: 2 }), (...of) => {
        const [amountMinor, rate, shift] = of
        const result = convertedMinor(amountMinor, rate, shift)
        if (result === 1) return
        // amount x rate x 10^shift as a fraction, the rate spelt out in decimals.
        const [whole, decimals] = decimalOf(rate)
        const digits = BigInt(whole + decimals)
        const scale = 10n ** BigInt(decimals.length + 10)
        const product = BigInt(amountMinor) * digits * 10n ** BigInt(shift + 10)
        const off = 2n * product - 2n * BigInt(result) * scale
        expect(off <= scale && -off <= scale).toBe(true)
        if (off === scale || -off === scale) expect(result % 2).toBe(0)
      }),
      { numRuns: 2000, seed: 20_261_128 },
    )
  })
})

describe('a request', () => {
  test('in its own currency is converted for the features, and stays what it is', () => {
    const yen = readRequest({ ...PAYMENT, currency: 'JPY', amount: 1000, attributes: { eur: 0.0061 } }, SHAPE)
    expect(yen).toMatchObject({ amountMinor: 10_000_000, currency: 'JPY' })
    expect(amountInBase(yen, AMOUNTS)).toBe(610)
  })

  test('in the base currency needs no rate, whatever its case', () => {
    for (const currency of ['EUR', 'eur'])
      expect(amountInBase(readRequest({ ...PAYMENT, currency }, SHAPE), AMOUNTS)).toBe(4250)
  })

  test.each([
    [{ currency: 'JPY' }, 'attributes.eur is missing (rate_missing). Allowed: a number above 0'],
    [{}, 'attributes.eur is missing (rate_missing)'],
    [{ currency: 'EUR', attributes: { eur: 0 } }, 'attributes.eur is no rate (rate_missing)'],
    [{ currency: 'JPY', attributes: { eur: -1 } }, 'got -1'],
    [
      { currency: 'KWD', amount: '4000', attributes: { eur: 3 } },
      'amount is beyond 9999.99 EUR at the rate 3. Allowed: up to 9999.99 EUR in either direction (amounts.largest); got 4000.0000',
    ],
  ])('without a rate, or too large by it, is refused: %j', (given, message) => {
    expect(() => readRequest({ ...PAYMENT, ...given }, SHAPE)).toThrow(message)
  })

  test('whose rate cannot be read has that one problem', () => {
    expect(() => readRequest({ ...PAYMENT, attributes: { eur: 'much' } }, SHAPE)).toThrow(
      /has 1 problem:\n {2}attributes\.eur is no number/,
    )
  })
})

test('a transaction of a log that has no rate is refused in words, not taken for another amount', () => {
  const old: Transaction = { transactionId: 't1', eventTimeMs: 0, amountMinor: 5, currency: 'JPY' }
  expect(() => amountInBase(old, AMOUNTS)).toThrow(
    'Transaction t1 has no rate in attributes.eur, so the model cannot see its amount in EUR',
  )
  expect(baseProblem(old, DEFAULT_AMOUNTS)).toBeUndefined()
})

test('figures are compared on amounts of one money alone', () => {
  const euros = { ...DEFAULT_AMOUNTS, currency: 'EUR' }
  for (const rules of [AMOUNTS, euros, DEFAULT_AMOUNTS, undefined])
    expect(() => assertSameMoney(euros, rules)).not.toThrow()
  for (const rules of [
    { ...euros, currency: 'USD' },
    { ...DEFAULT_AMOUNTS, decimals: 3 },
  ])
    expect(() => assertSameMoney(euros, rules)).toThrow('Model to be replaced reads amounts by the rules EUR')
})

const AMOUNTS = {
  ...DEFAULT_AMOUNTS,
  decimals: 4,
  largestMinor: MOST_MINOR,
  base: { currency: 'EUR', rate: 'eur', decimals: 2, largestMinor: 999_999 },
}
const SHAPE = {
  attributes: [{ name: 'eur', kind: 'number' as const }],
  hasUsers: true,
  amounts: AMOUNTS,
}
const PAYMENT = { transaction_id: 't', user_id: 'ada', timestamp: '2026-03-01T10:00:00Z', amount: 42.5 }

/** The shortest decimal of a number below 10^21 as its digits before and after the point. */
const decimalOf = (rate: number): [string, string] => {
  const [mantissa = '', exponent = '0'] = String(rate).split('e')
  const [whole = '', decimals = ''] = mantissa.split('.')
  const shift = -Number(exponent)
  return shift === 0 ? [whole, decimals] : ['0', `${'0'.repeat(shift - 1)}${whole}${decimals}`]
}
