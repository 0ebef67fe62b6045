/** Columns of numbers, one per feature, all `rowCount` long. NaN is a missing value. */
export interface FeatureTable {
  readonly names: readonly string[]
  readonly rowCount: number
  readonly columns: readonly Float64Array[]
}
