import { gammaShares } from './incomplete-gamma.ts'

/** Probability that a standard normal variable exceeds `z`. */
export const normalTail = (z: number): number => {
  const { lower, upper } = gammaShares(0.5, (z * z) / 2)
  return z > 0 ? upper / 2 : (1 + lower) / 2
}
