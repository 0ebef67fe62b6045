/** Columns of numbers, one per feature, all `rowCount` long. NaN is a missing value. */
export interface FeatureTable {
  readonly names: readonly string[]
  readonly rowCount: number
  readonly columns: readonly Float64Array[]
}

/** The rows `from` (included) to `to` (excluded), sharing memory with `table`. */
export function viewRows(table: FeatureTable, from: number, to: number): FeatureTable {
  const columns = table.columns.map((column) => column.subarray(from, to))
  return { names: table.names, rowCount: columns[0]?.length ?? Math.max(0, to - from), columns }
}

/** A copy of the rows at `rows`, in that order; a row may be taken more than once. */
export function takeRows(table: FeatureTable, rows: ArrayLike<number>): FeatureTable {
  const columns = table.columns.map((column) => {
    const taken = new Float64Array(rows.length)
    for (let i = 0; i < rows.length; i++) taken[i] = column[rows[i]!]!
    return taken
  })
  return { names: table.names, rowCount: rows.length, columns }
}
