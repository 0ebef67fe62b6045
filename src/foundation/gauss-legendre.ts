import { cos } from './elementary/trigonometry.ts'
/** Points in (0, 1) and positive weights whose sum is 1. */
export interface Quadrature {
  readonly points: Float64Array
  readonly weights: Float64Array
}

const MOST_STEPS = 100

/**
 * Gauss-Legendre quadrature on [0, 1]: Σ weight · f(point) is the integral of every polynomial f of a degree
 * below 2 · `count`.
 *
 * The points are the roots of the Legendre polynomial, found by Newton from Tricomi's estimate (Abramowitz
 * and Stegun 1964, 25.4.29 and 22.16.6). `count` is at least 1.
 */
export const gaussLegendre = (count: number): Quadrature => {
  const points = new Float64Array(count)
  const weights = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    let x = cos((Math.PI * (i + 0.75)) / (count + 0.5))
    let slope = 1
    for (let step = 0; step < MOST_STEPS; step++) {
      const [value, derivative] = legendre(count, x)
      slope = derivative
      const next = x - value / derivative
      if (next === x) break
      x = next
    }
    // From [-1, 1] to [0, 1], rising.
    points[count - 1 - i] = (1 + x) / 2
    weights[count - 1 - i] = 1 / ((1 - x * x) * slope * slope)
  }
  return { points, weights }
}

/** Value and derivative of the Legendre polynomial of this degree, by its recurrence. */
const legendre = (degree: number, x: number): readonly [value: number, derivative: number] => {
  let before = 1
  let value = x
  for (let n = 2; n <= degree; n++) {
    const next = ((2 * n - 1) * x * value - (n - 1) * before) / n
    before = value
    value = next
  }
  return [value, (degree * (x * value - before)) / (x * x - 1)]
}
