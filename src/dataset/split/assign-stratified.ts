import type { Random } from '../../foundation/random.ts'
import { PART } from './part.ts'

/** Shares of the labelled rows; training has what the other two leave. */
export interface RowShares {
  readonly validation: number
  readonly test: number
}

/**
 * Shares rows out at random, each class on its own, so that every part has the same share of frauds up to
 * rounding: of `n` rows of a class, `round(n * share)` go to validation and to test. The same seed gives the
 * same parts. Rows without a label belong to no part. O(n).
 */
export const assignStratified = (labels: Int8Array, shares: RowShares, random: Random): Uint8Array => {
  const parts = new Uint8Array(labels.length)
  for (const label of [0, 1]) {
    const rows = shuffled(rowsWith(labels, label), random.fork(`class ${label}`))
    const validation = Math.round(rows.length * shares.validation)
    const test = Math.min(rows.length - validation, Math.round(rows.length * shares.test))
    for (let i = 0; i < rows.length; i++)
      parts[rows[i]!] = i < validation ? PART.validation : i < validation + test ? PART.test : PART.train
  }
  return parts
}

const rowsWith = (labels: Int8Array, label: number): Uint32Array => {
  const rows = new Uint32Array(labels.reduce((count, other) => count + (other === label ? 1 : 0), 0))
  let next = 0
  for (let row = 0; row < labels.length; row++) if (labels[row] === label) rows[next++] = row
  return rows
}

/** Fisher-Yates, in place. */
const shuffled = (rows: Uint32Array, random: Random): Uint32Array => {
  for (let i = rows.length - 1; i > 0; i--) {
    const other = random.integer(i + 1)
    const row = rows[i]!
    rows[i] = rows[other]!
    rows[other] = row
  }
  return rows
}
