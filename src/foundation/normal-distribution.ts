import { gammaQuantile, gammaShares } from './incomplete-gamma.ts'

/** Probability that a standard normal variable exceeds `z`. */
export const normalTail = (z: number): number => {
  const { lower, upper } = gammaShares(0.5, (z * z) / 2)
  return z > 0 ? upper / 2 : (1 + lower) / 2
}

/** The z below which a standard normal variable lies with `probability`, in (0, 1). */
export const normalQuantile = (probability: number): number => {
  const inner = Math.abs(1 - 2 * probability)
  const size = Math.sqrt(2 * gammaQuantile(0.5, inner))
  return probability < 0.5 ? -size : size
}
