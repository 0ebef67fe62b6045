import type { TreeEnsembleModel } from './tree-ensemble.ts'

/**
 * How far from 0 a double may be to count as 0 where zeros count as missing: LightGBM's kZeroThreshold, the
 * float next to 1e-35.
 */
export const ZERO_REACH = Math.fround(1e-35)

/** Shows rows to a model for which other numbers than NaN count as missing, as it sees them. */
export interface MissingReader {
  /** `vector[at...]` with NaN for what counts as missing. The same array at each call. */
  row(vector: ArrayLike<number>, at: number): ArrayLike<number>
  /** Columns with NaN for what counts as missing; those that have none are not copied. */
  columns(columns: readonly Float64Array[]): readonly Float64Array[]
}

/**
 * The reader of a model; undefined where NaN alone counts as missing.
 *
 * `missingValue` is compared as floats, because that is how the library that the model is from holds numbers:
 * with 0.1 whatever rounds to the float next to it is missing.
 */
export const createMissingReader = (
  model: Pick<TreeEnsembleModel, 'missingValue' | 'zeroIsMissing' | 'featureNames'>,
): MissingReader | undefined => {
  const { missingValue, zeroIsMissing, featureNames } = model
  if (missingValue === undefined && zeroIsMissing === undefined) return undefined
  const missing = Math.fround(missingValue ?? Number.NaN)
  const reaches = new Float64Array(featureNames.length).fill(-1)
  for (const feature of zeroIsMissing ?? []) reaches[feature] = ZERO_REACH
  const isMissing = (value: number, feature: number): boolean =>
    Math.fround(value) === missing || Math.abs(value) <= reaches[feature]!
  const one = new Float64Array(featureNames.length)
  return {
    row(vector, at) {
      for (let f = 0; f < one.length; f++) {
        const value = vector[at + f]!
        one[f] = isMissing(value, f) ? Number.NaN : value
      }
      return one
    },
    columns: (columns) =>
      columns.map((column, f) =>
        column.some((value) => isMissing(value, f))
          ? column.map((value) => (isMissing(value, f) ? Number.NaN : value))
          : column,
      ),
  }
}
