/** Shows rows to a model that takes a number of its own for missing, as it sees them. */
export interface MissingReader {
  /** `vector[at...]` with NaN for what counts as missing. The same array at each call. */
  row(vector: ArrayLike<number>, at: number): ArrayLike<number>
  /** Columns with NaN for what counts as missing; those that have none are not copied. */
  columns(columns: readonly Float64Array[]): readonly Float64Array[]
}

/**
 * Numbers are compared as floats, because that is how the library that the model is from holds them: with 0.1
 * whatever rounds to the float next to it is missing.
 *
 * @param missingValue finite
 * @param width number of features
 */
export const createMissingReader = (missingValue: number, width: number): MissingReader => {
  const missing = Math.fround(missingValue)
  const seen = (value: number): number => (Math.fround(value) === missing ? Number.NaN : value)
  const one = new Float64Array(width)
  return {
    row(vector, at) {
      for (let f = 0; f < width; f++) one[f] = seen(vector[at + f]!)
      return one
    },
    columns: (columns) =>
      columns.map((column) =>
        column.some((value) => Math.fround(value) === missing) ? column.map(seen) : column,
      ),
  }
}
