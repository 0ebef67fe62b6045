import { describe, expect, test } from 'vitest'
import type { Transaction } from '../transaction/transaction.ts'
import {
  type ControlSampleSettings,
  createControlSampler,
  isDrawnRight,
  luckOf,
  reachesThreshold,
} from './control-sample.ts'

const SETTINGS: ControlSampleSettings = {
  letThrough: 0.02,
  review: 0.01,
  mostAmountMinor: { EUR: 5000, other: 100 },
  except: {},
  salt: 'a secret',
}
const IDS = 40_000

const payment = (n: number, more: Partial<Transaction> = {}): Transaction => ({
  transactionId: `t${n}`,
  eventTimeMs: 1e12,
  amountMinor: 4000,
  currency: 'EUR',
  ...more,
})

const samplerOf = (changed: Partial<ControlSampleSettings> = {}) =>
  createControlSampler({ ...SETTINGS, ...changed })!

describe('the shares that settings ask for are drawn', () => {
  test.each([
    ['let_through', 0.02],
    ['review', 0.01],
    ['let_through', 0.5],
    ['review', 1],
  ] as const)('%s: %s, within five standard deviations', (drawn, share) => {
    const reaches = drawn === 'let_through'
    const sampler = samplerOf(drawn === 'review' ? { review: share } : { letThrough: share })
    let count = 0
    for (let n = 0; n < IDS; n++) {
      const draw = sampler.draw(payment(n), reaches)
      expect(draw?.propensity).toBe(share)
      if (draw?.drawn === drawn) count++
      else expect(draw?.drawn).toBe('not_drawn')
    }
    expect(Math.abs(count - share * IDS)).toBeLessThanOrEqual(5 * Math.sqrt(IDS * share * (1 - share)))
  })

  test('evenly: the luck of ids that follow each other fills each tenth alike', () => {
    const tenths = new Array<number>(10).fill(0)
    for (let n = 0; n < IDS; n++) tenths[Math.floor(luckOf(`t${n}`, 'salt') * 10)]!++
    const expected = IDS / 10
    const chiSquared = tenths.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
    // 99.99 % of the chi-squared distribution with 9 degrees of freedom.
    expect(chiSquared).toBeLessThan(33.7)
  })

  test('the order of luck says nothing of the order by another salt', () => {
    const both = Array.from({ length: IDS }, (_, n) => [luckOf(`t${n}`, 'one'), luckOf(`t${n}`, 'other')])
    const correlation = (12 * both.reduce((sum, [a, b]) => sum + (a! - 0.5) * (b! - 0.5), 0)) / IDS
    expect(Math.abs(correlation)).toBeLessThan(5 / Math.sqrt(IDS))
  })
})

test('the same id is drawn the same each time and by each sampler; another salt draws others', () => {
  const drawnBy = (salt: string) => {
    const sampler = samplerOf({ salt, letThrough: 0.2 })
    return Array.from({ length: 500 }, (_, n) => sampler.draw(payment(n), true)!.drawn)
  }
  expect(drawnBy('a')).toEqual(drawnBy('a'))
  expect(drawnBy('a')).not.toEqual(drawnBy('b'))
})

test('a larger share draws all that a smaller one draws, and more', () => {
  const drawnAt = (letThrough: number): Set<number> => {
    const sampler = samplerOf({ letThrough })
    return new Set(
      Array.from({ length: 2000 }, (_, n) => n).filter(
        (n) => sampler.draw(payment(n), true)!.drawn === 'let_through',
      ),
    )
  }
  const [small, large] = [drawnAt(0.02), drawnAt(0.1)]
  expect([...small].filter((n) => !large.has(n))).toEqual([])
  expect(large.size).toBeGreaterThan(small.size)
})

describe('what is never let through has no chance', () => {
  const always = samplerOf({
    letThrough: 1,
    review: 1,
    except: { transaction_type: ['transfer'], sanctions_hit: ['true'] },
  })
  const allowed: Partial<Transaction> = {
    transactionType: 'purchase',
    attributes: { sanctions_hit: false },
  }

  test.each([
    ['an amount at the bound', true, { amountMinor: 5000 }],
    ['an amount above it', false, { amountMinor: 5001 }],
    ['a refund as large', false, { amountMinor: -5001 }],
    ['a currency in other letters', true, { currency: 'eur', amountMinor: 5000 }],
    [
      'a currency without a bound of its own, within that of others',
      true,
      { currency: 'JPY', amountMinor: 100 },
    ],
    ['and above it', false, { currency: 'JPY', amountMinor: 101 }],
    ['no currency at all', false, { currency: undefined, amountMinor: 101 }],
    ['an exception', false, { transactionType: 'transfer' }],
    ['an exception in other letters', false, { transactionType: ' Transfer' }],
    ['an attribute that excepts', false, { attributes: { sanctions_hit: true } }],
    ['a transaction that lacks the field', false, { transactionType: undefined }],
    ['or the attribute', false, { attributes: {} }],
  ])('%s: let through is %s', (_, isLetThrough, changed) => {
    const transaction = payment(1, { ...allowed, ...(changed as Partial<Transaction>) })
    const draw = always.draw(transaction, true)
    expect(draw).toEqual(isLetThrough ? { drawn: 'let_through', propensity: 1 } : undefined)
    // Whoever looks at it risks nothing: what is not flagged may always be reviewed.
    expect(always.draw(transaction, false)).toEqual({ drawn: 'review', propensity: 1 })
  })

  test('without a bound for its currency nothing passes, whatever the amount', () => {
    const { draw } = samplerOf({ letThrough: 1, mostAmountMinor: { USD: 1e9 } })
    expect(draw(payment(1, { amountMinor: 0 }), true)).toBeUndefined()
  })
})

test('shares of 0 make no sampler, and one of both leaves the other out', () => {
  expect(createControlSampler({ ...SETTINGS, letThrough: 0, review: 0 })).toBeUndefined()
  expect(samplerOf({ review: 0 }).draw(payment(1), false)).toBeUndefined()
  expect(samplerOf({ letThrough: 0 }).draw(payment(1), true)).toBeUndefined()
})

test('a decision says whether it was drawn as its id is, by which salt, and answered so', () => {
  const sampler = samplerOf({ letThrough: 0.3 })
  const decisions = Array.from({ length: 200 }, (_, n) => {
    const controlSample = sampler.draw(payment(n), true)
    return {
      probability: 0.9,
      threshold: 0.5,
      isFlagged: controlSample?.drawn !== 'let_through',
      controlSample,
    }
  })
  const right = (salt: string) =>
    decisions.filter((decision, n) => isDrawnRight(decision, `t${n}`, salt)).length
  expect(right('a secret')).toBe(200)
  expect(right('another')).toBeLessThan(180)
  const [first] = decisions
  expect(isDrawnRight({ ...first!, isFlagged: !first!.isFlagged }, 't0', 'a secret')).toBe(false)
  expect(decisions.every(reachesThreshold)).toBe(true)
})
