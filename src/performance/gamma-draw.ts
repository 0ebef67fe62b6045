import { log } from '../foundation/elementary/logarithm.ts'
import { pow } from '../foundation/elementary/power.ts'
import type { Random } from '../foundation/random.ts'

/**
 * A gamma variable of this shape (above 0) and scale 1: Marsaglia and Tsang 2000, with their power of a
 * uniform for shapes below 1.
 */
export const gammaDraw = (shape: number, random: Random): number => {
  if (shape < 1) return gammaDraw(shape + 1, random) * pow(1 - random.next(), 1 / shape)
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const z = random.normal()
    const root = 1 + c * z
    if (root <= 0) continue
    const v = root * root * root
    if (log(1 - random.next()) < 0.5 * z * z + d - d * v + d * log(v)) return d * v
  }
}

/** A gamma variable by its mean (at least 0) and variance; the mean itself where the variance is 0. */
export const gammaWith = (mean: number, variance: number, random: Random): number =>
  mean <= 0 || variance <= 0 ? mean : gammaDraw((mean * mean) / variance, random) * (variance / mean)
