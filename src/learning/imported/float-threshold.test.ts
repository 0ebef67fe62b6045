import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { doubleBoundOf } from './float-threshold.ts'

const SMALLEST_FLOAT = 2 ** -149
const LARGEST_FLOAT = (2 - 2 ** -23) * 2 ** 127

describe('the bound of doubles that a threshold of floats is', () => {
  test('law: x is below the bound exactly when its float is below the threshold, for every double', () => {
    const thresholds = fc.float({ noNaN: true }).map(Math.fround)
    fc.assert(
      fc.property(thresholds, fc.double({ noNaN: true, noDefaultInfinity: true }), (threshold, x) =>
        decidesAlike(threshold, x),
      ),
      { numRuns: 20_000 },
    )
  })

  test('law: it is exact to the last bit, at the bound itself and at the doubles beside it', () => {
    const thresholds = fc.float({ noNaN: true, noDefaultInfinity: true }).map(Math.fround)
    fc.assert(
      fc.property(thresholds, (threshold) => {
        const bound = doubleBoundOf(threshold)
        return [neighbour(bound, -1), bound, neighbour(bound, 1), threshold].every((x) =>
          decidesAlike(threshold, x),
        )
      }),
      { numRuns: 20_000 },
    )
  })

  test.each([
    ['0', 0],
    ['-0', -0],
    ['the smallest float', SMALLEST_FLOAT],
    ['minus the smallest float', -SMALLEST_FLOAT],
    ['the largest float', LARGEST_FLOAT],
    ['minus the largest float', -LARGEST_FLOAT],
    ['infinity', Number.POSITIVE_INFINITY],
    ['minus infinity', Number.NEGATIVE_INFINITY],
  ])('it is exact at %s', (_, threshold) => {
    const bound = doubleBoundOf(threshold)
    expect(Number.isFinite(bound)).toBe(true)
    for (const x of [neighbour(bound, -1), bound, neighbour(bound, 1), 0, -0]) {
      if (Number.isFinite(x)) expect(decidesAlike(threshold, x), `${x}`).toBe(true)
    }
  })

  test('a midpoint goes left where it rounds to the float before', () => {
    // Floats from 1 on are 2^-23 apart. 1 has an even last bit, so 1 + 2^-24 rounds to 1; and 1 + 3 * 2^-24
    // away from the odd one.
    expect(doubleBoundOf(1 + 2 ** -23)).toBe(1 + 2 ** -24 + 2 ** -52)
    expect(doubleBoundOf(1 + 2 ** -22)).toBe(1 + 3 * 2 ** -24)
  })
})

const decidesAlike = (threshold: number, x: number): boolean =>
  Math.fround(x) < threshold === x < doubleBoundOf(threshold)

/** The next double in that direction. */
const neighbour = (value: number, direction: 1 | -1): number => {
  if (value === 0) return direction * Number.MIN_VALUE
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  view.setBigInt64(0, view.getBigInt64(0) + BigInt(value > 0 ? direction : -direction))
  return view.getFloat64(0)
}
