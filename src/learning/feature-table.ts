/** Columns of numbers, one per feature, all `rowCount` long. NaN is a missing value. */
export interface FeatureTable {
  readonly names: readonly string[]
  readonly rowCount: number
  readonly columns: readonly Float64Array[]
  /**
   * Names of the features whose values are codes without an order: whole numbers from -1 (unknown) on. None
   * when absent.
   */
  readonly categorical?: readonly string[]
}
