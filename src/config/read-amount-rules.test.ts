import { describe, expect, test } from 'vitest'
import { DEFAULT_AMOUNTS } from '../transaction/amount-rules.ts'
import { loadTrainingConfig } from './config-manager.ts'
import { readAmountRules } from './read-amount-rules.ts'

const rules = (...assignments: string[]) => {
  const { settings } = loadTrainingConfig({
    environment: {},
    assignments,
    workingDirectory: '/',
  })
  return readAmountRules(settings)
}

test('when nothing is said, amounts have two decimals and reach a cent below a billion, in both directions', () => {
  expect(rules()).toEqual(DEFAULT_AMOUNTS)
})

describe('decimals', () => {
  test.each([
    ['EUR', 2],
    ['JPY', 0],
    ['KWD', 3],
    ['CLF', 4],
  ])('are those of the currency: %s has %i', (currency, decimals) => {
    expect(rules(`amounts.currency=${currency}`)).toMatchObject({ currency, decimals })
  })

  test('that are said count, also for a currency that nobody knows', () => {
    expect(rules('amounts.currency=HRK', 'amounts.decimals=3').decimals).toBe(3)
  })

  test('of a currency that ISO 4217 does not have must be said', () => {
    expect(() => rules('amounts.currency=HRK')).toThrow(
      'amounts.currency is HRK, which has no minor unit in the current list of ISO 4217',
    )
  })
})

describe('the largest amount', () => {
  test('by default is below a billion, or so far below it that sums over full windows are exact', () => {
    expect(rules('amounts.currency=JPY').largestMinor).toBe(999_999_999)
    // 65,537 amounts of a billion dinars, in thousandths, would be 6.5e16.
    expect(rules('amounts.currency=KWD').largestMinor).toBe(99_999_999_999)
    expect(rules('features.state.merchant_transactions=1048576').largestMinor).toBe(999_999_999)
  })

  test('that is said is one, in whole minor units', () => {
    expect(rules('amounts.largest=5000').largestMinor).toBe(500_000)
    expect(rules('amounts.largest=0.019').largestMinor).toBe(1)
  })

  test('is refused when a full window of it would leave 2^53, with the bound', () => {
    expect(rules('amounts.largest=1374367978.2').largestMinor).toBe(137_436_797_820)
    expect(() => rules('amounts.largest=2e9')).toThrow(
      'amounts.largest is 2000000000; allowed: 0.01 to 1374368563.51, so that the sum of 65537 transactions (a full window of features.state) stays exact, below 2^53 minor units',
    )
    expect(() => rules('amounts.largest=0.001')).toThrow('amounts.largest is 0.001; allowed: 0.01 to')
  })

  test('of any settings: a full window and the transaction at hand stay below 2^53', () => {
    for (const transactions of [4, 1000, 65_536, 1_048_576]) {
      for (const decimals of [0, 2, 6]) {
        const { largestMinor } = rules(
          `features.state.merchant_transactions=${transactions}`,
          `amounts.decimals=${decimals}`,
        )
        expect(BigInt(largestMinor) * BigInt(transactions + 1)).toBeLessThanOrEqual(2n ** 53n - 1n)
      }
    }
  })
})

describe('a base currency', () => {
  const base = (...more: string[]) =>
    rules('amounts.base.currency=EUR', 'amounts.base.rate=rate_to_eur', ...more)

  test('has the decimals of ISO 4217; amounts as they are sent have as many as any currency, and 15 digits', () => {
    expect(base()).toEqual({
      ...DEFAULT_AMOUNTS,
      decimals: 4,
      largestMinor: 999_999_999_999_999,
      base: { currency: 'EUR', rate: 'rate_to_eur', decimals: 2, largestMinor: 99_999_999_999 },
    })
    expect(base('amounts.base.currency=JPY').base).toMatchObject({ decimals: 0, largestMinor: 999_999_999 })
    expect(base('amounts.decimals=2')).toMatchObject({ decimals: 2, base: { decimals: 2 } })
  })

  test('bounds what is summed up: the converted amount', () => {
    expect(base('amounts.largest=5000').base?.largestMinor).toBe(500_000)
    expect(() => base('amounts.largest=2e9')).toThrow('allowed: 0.01 to 1374368563.51')
  })

  test('is said whole, once, and by a code that there is', () => {
    expect(() => rules('amounts.base.currency=EUR')).toThrow(
      'amounts.base.rate is "empty"; allowed: the name',
    )
    expect(() => rules('amounts.base.rate=r')).toThrow('amounts.base.currency is "empty"')
    expect(() => base('amounts.base.currency=HRK')).toThrow('amounts.base.currency is "HRK"')
    expect(() => base('amounts.currency=EUR')).toThrow('amounts.currency is "EUR"; allowed: empty where')
  })
})
