import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Feature } from '../../features/feature.ts'
import type { FittedFeatures } from '../../features/fitted-features.ts'
import { reasonsFor } from './reasons.ts'

const FITTED: FittedFeatures = {
  amountBandEdgesMinor: [],
  vocabularies: {
    merchant_category: [],
    transaction_type: [],
    device_type: [
      { value: 'phone', share: 0.6 },
      { value: 'tablet', share: 0.4 },
    ],
  },
}

const FEATURES: readonly Feature[] = [
  feature({ name: 'amount', unit: 'currency', phrase: { text: 'amount is {}' } }),
  feature({
    name: 'device_type_code',
    kind: 'categorical',
    phrase: { text: 'device type is {}', vocabulary: 'device_type', missing: 'no device type given' },
  }),
  feature({ name: 'hour', phrase: { text: 'local time is {}', as: 'hour' } }),
  feature({ name: 'plain' }),
]

describe('the reasons for a score', () => {
  test('come with what raises first, then what lowers, each by its strength', () => {
    expect(ranked([0.1, -3, 2, -0.5])).toEqual([
      ['hour', 'raises'],
      ['amount', 'raises'],
      ['device_type_code', 'lowers'],
      ['plain', 'lowers'],
    ])
  })

  test('are as many as asked for, and no more than there are', () => {
    expect(ranked([1, 2, 3, 4], 2)).toEqual([
      ['plain', 'raises'],
      ['hour', 'raises'],
    ])
    expect(ranked([1, 2, 3, 4], 100)).toHaveLength(4)
    expect(ranked([1, 2, 3, 4], 0)).toEqual([])
  })

  test('leave out what contributed nothing, and what is left of sums that cancel', () => {
    expect(ranked([0, -0, Number.NaN, 0])).toEqual([])
    expect(ranked([1, 1e-16, -1e-12, 1e-3])).toEqual([
      ['amount', 'raises'],
      ['plain', 'raises'],
    ])
  })

  test('stand in the order of the features when they are equally strong', () => {
    expect(ranked([1, 2, 2, 1]).map(([name]) => name)).toEqual([
      'device_type_code',
      'hour',
      'amount',
      'plain',
    ])
    expect(ranked([-1, -1, -1, -1], 2).map(([name]) => name)).toEqual(['amount', 'device_type_code'])
  })

  test('tell feature, value, contribution and a text', () => {
    expect(reasons([1, 0, -0.5, 0], [12.5, 0, 23, 0])).toEqual([
      { feature: 'amount', value: 12.5, contribution: 1, direction: 'raises', text: 'amount is 12.50' },
      {
        feature: 'hour',
        value: 23,
        contribution: -0.5,
        direction: 'lowers',
        text: 'local time is 23:00 to 23:59',
      },
    ])
  })

  test.each([
    [1, 'tablet', 'device type is "tablet"'],
    [-1, null, 'device type is one that training did not know'],
    [Number.NaN, null, 'no device type given'],
  ])('tell the category of code %d by its vocabulary entry: %s', (code, value, text) => {
    expect(reasons([0, 1, 0, 0], [0, code, 0, 0])).toEqual([
      { feature: 'device_type_code', value, contribution: 1, direction: 'raises', text },
    ])
  })

  test('have null for a missing number', () => {
    expect(reasons([0, 0, 0, 1], [0, 0, 0, Number.NaN])[0]).toMatchObject({
      value: null,
      text: 'plain is not known',
    })
  })

  test('read the vector from where it begins', () => {
    const vector = [7, 7, 7, 7, 1, 2, 3, 4]
    const [first] = reasonsFor(
      { vector, at: 4, contributions: [1, 0, 0, 0], features: FEATURES, fitted: FITTED },
      1,
    )
    expect(first?.value).toBe(1)
  })

  test('law: they begin with the reasons of a smaller number, and are those of a stable sort', () => {
    const contribution = fc.constantFrom(-3, -2, -1, 0, 1, 2, 3)
    fc.assert(
      fc.property(fc.array(contribution, { minLength: 4, maxLength: 4 }), fc.nat(5), (contributions, top) => {
        const sorted = FEATURES.map(({ name }, f) => ({ name, by: contributions[f]! }))
          .filter(({ by }) => by !== 0)
          .sort((a, b) => Number(b.by > 0) - Number(a.by > 0) || Math.abs(b.by) - Math.abs(a.by))
          .map(({ name }) => name)
        expect(ranked(contributions, top).map(([name]) => name)).toEqual(sorted.slice(0, top))
      }),
    )
  })
})

function feature(record: Pick<Feature, 'name'> & Partial<Feature>): Feature {
  return { meaning: '', unit: 'ratio', range: [0, 1], missing: 'never', bind: () => () => 0, ...record }
}

const reasons = (contributions: number[], vector = [1, 0, 3, 4], top = 4) =>
  reasonsFor({ vector, contributions, features: FEATURES, fitted: FITTED }, top)

const ranked = (contributions: number[], top = 4) =>
  reasons(contributions, undefined, top).map(({ feature, direction }) => [feature, direction])
