import type { Random } from './random.ts'

/** Puts `values` in random order, each order as likely as any other (Fisher and Yates). */
export const shuffle = (values: Int32Array | Float64Array, random: Random): void => {
  for (let i = values.length - 1; i > 0; i--) {
    const other = random.integer(i + 1)
    const value = values[i]!
    values[i] = values[other]!
    values[other] = value
  }
}
