import { chiSquared } from './chi-squared.ts'
import { type SharePair, sharesOf } from './share-pair.ts'

/** Rows without a value, of all rows: both shares, and their ratio. */
export interface MissingShare extends SharePair {
  /** Pearson's test of both shares, for independent rows; NaN where a side has no rows. */
  readonly pValue: number
}

/** Share of rows that miss a value. Tests of the values that are there cannot see it. */
export const missingShare = (
  reference: { readonly missing: number; readonly rows: number },
  current: { readonly missing: number; readonly rows: number },
): MissingShare => {
  const { pValue } = chiSquared(
    [reference.missing, reference.rows - reference.missing],
    [current.missing, current.rows - current.missing],
  )
  const shares = sharesOf(reference.missing, reference.rows, current.missing, current.rows)
  return { reference: shares.reference, current: shares.current, ratio: shares.ratio, pValue }
}
