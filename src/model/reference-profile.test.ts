import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  mergeCategoricalProfiles,
  mergeNumericProfiles,
  profileCodes,
  profileNumbers,
  profileNumbersLike,
  whyProfileUnsound,
} from './reference-profile.ts'

describe('a profile of numbers', () => {
  test('counts, in bins of equal counts, and describes', () => {
    expect(profileNumbers(Float64Array.of(4, 1, 3, Number.NaN, 2), 2)).toEqual({
      kind: 'numeric',
      count: 4,
      missing: 1,
      min: 1,
      max: 4,
      mean: 2.5,
      variance: 1.25,
      edges: [2, 4],
      counts: [2, 2, 0],
    })
  })

  test('gives a value that is frequent enough to fill a bin one of its own', () => {
    const { edges, counts } = profileNumbers(Float64Array.of(1, 2, 5, 5, 5, 5, 5, 5, 7), 3)
    expect(edges).toEqual([2, 5, 7])
    expect(counts).toEqual([2, 6, 1, 0])
  })

  test('without values has one empty bin', () => {
    expect(profileNumbers(Float64Array.of(Number.NaN, Number.POSITIVE_INFINITY))).toMatchObject({
      count: 0,
      missing: 2,
      edges: [],
      counts: [0],
    })
  })

  test('of values whose squares or sum are no doubles can still be written as JSON', () => {
    const wide = profileNumbers(Float64Array.of(-1e308, 1e200, 1e308, 1.5e308), 2)
    expect(wide.variance).toBe(Number.MAX_VALUE)
    expect(wide.mean).toBeCloseTo(3.75e307, -300)
    const alike = profileNumbersLike(wide, Float64Array.of(1.7e308, 1.7e308))
    expect(alike).toMatchObject({ variance: 0 })
    expect(mergeNumericProfiles(wide, alike)!.variance).toBe(Number.MAX_VALUE)
    expect(Number.isFinite(mergeNumericProfiles(wide, alike)!.mean)).toBe(true)
  })

  test('law: in the bins of itself it is itself, it is sound, and no more than twice as fine as asked', () => {
    fc.assert(
      fc.property(numbers, fc.integer({ min: 1, max: 20 }), (values, bins) => {
        const profile = profileNumbers(values, bins)
        const { mean: _, variance: __, ...exact } = profile
        expect(profileNumbersLike(profile, values)).toMatchObject(exact)
        expect(whyProfileUnsound(referenceOf(profile), ['f'])).toBeUndefined()
        const target = Math.max(1, Math.floor(profile.count / bins))
        expect(profile.edges.length).toBeLessThanOrEqual((2 * profile.count) / target + 1)
      }),
    )
  })

  test('law: the order of rows changes no count', () => {
    fc.assert(
      fc.property(numbers, (values) => {
        expect(profileNumbers(values.toReversed(), 5)).toEqual(profileNumbers(values, 5))
      }),
    )
  })

  test('law: two samples merged are the profile of both', () => {
    fc.assert(
      fc.property(numbers, numbers, numbers, (base, a, b) => {
        const bins = profileNumbers(base, 5)
        const both = profileNumbersLike(bins, Float64Array.of(...a, ...b))
        const merged = mergeNumericProfiles(profileNumbersLike(bins, a), profileNumbersLike(bins, b))!
        const { mean, variance, ...exact } = both
        expect(merged).toMatchObject(exact)
        expect(merged.mean).toBeCloseTo(mean, 6)
        expect(merged.variance).toBeCloseTo(variance, 4)
      }),
    )
  })

  test('of other bins merges with nothing', () => {
    const a = profileNumbers(Float64Array.of(1, 2))
    expect(mergeNumericProfiles(a, profileNumbers(Float64Array.of(1, 3)))).toBeUndefined()
  })

  test('in the bins of another counts what lies above them at the end', () => {
    const reference = profileNumbers(Float64Array.of(1, 2, 3, 4), 2)
    expect(profileNumbersLike(reference, Float64Array.of(-5, 2, 2.5, 9, 9)).counts).toEqual([2, 1, 2])
  })
})

describe('a profile of codes', () => {
  test('counts each, the unknown one among them', () => {
    expect(profileCodes(Float64Array.of(2, -1, 2, Number.NaN))).toEqual({
      kind: 'categorical',
      count: 3,
      missing: 1,
      codes: [-1, 2],
      counts: [1, 2],
    })
  })

  test('law: two samples merged are the profile of both', () => {
    fc.assert(
      fc.property(codes, codes, (a, b) => {
        const both = profileCodes(Float64Array.of(...a, ...b))
        expect(mergeCategoricalProfiles(profileCodes(a), profileCodes(b))).toEqual(both)
      }),
    )
  })
})

const numbers = fc
  .array(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constant(Number.NaN), fc.double({ min: -50, max: 50 })))
  .map((values) => Float64Array.from(values))
const codes = fc.array(fc.integer({ min: -1, max: 4 })).map((values) => Float64Array.from(values))

const referenceOf = (profile: ReturnType<typeof profileNumbers>) => ({
  schema: 1 as const,
  rows: profile.count,
  features: { f: profile },
  score: { part: 'train' as const, profile },
})
