import { expect, test } from 'vitest'
import { gaussLegendre } from './gauss-legendre.ts'

test('one point is the middle, two are those of the textbook', () => {
  expect(gaussLegendre(1)).toEqual({ points: Float64Array.of(0.5), weights: Float64Array.of(1) })
  const { points, weights } = gaussLegendre(2)
  expect(points[0]).toBeCloseTo(0.5 - Math.sqrt(1 / 12), 15)
  expect(weights[0]).toBeCloseTo(0.5, 15)
})

test.each([1, 2, 3, 7, 30])('law: %d points integrate every power below twice as many', (count) => {
  const { points, weights } = gaussLegendre(count)
  for (let power = 0; power < 2 * count; power++) {
    const integral = points.reduce((sum, point, i) => sum + weights[i]! * point ** power, 0)
    expect(integral).toBeCloseTo(1 / (power + 1), 13)
  }
  const next = points.reduce((sum, point, i) => sum + weights[i]! * point ** (2 * count), 0)
  if (count < 7) expect(next).not.toBeCloseTo(1 / (2 * count + 1), 10)
})
