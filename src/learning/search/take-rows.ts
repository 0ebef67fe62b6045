import type { FeatureTable } from '../feature-table.ts'

/**
 * A copy of the rows with these numbers, in this order; a number may repeat.
 *
 * Columns are copied one after the other, which reads and writes memory in order when `rows` ascends.
 */
export const takeRows = (
  table: FeatureTable,
  labels: ArrayLike<number>,
  rows: Int32Array,
): { readonly table: FeatureTable; readonly labels: Uint8Array } => ({
  table: {
    ...table,
    rowCount: rows.length,
    columns: table.columns.map((column) => {
      const taken = new Float64Array(rows.length)
      for (let i = 0; i < rows.length; i++) taken[i] = column[rows[i]!]!
      return taken
    }),
  },
  labels: Uint8Array.from(rows, (row) => labels[row]!),
})
