import type { TrainingRows } from '../../learning/algorithm.ts'

/** A copy of the rows with these numbers, in their order. 8 bytes a value. */
export const takeRows = ({ table, labels, weights }: TrainingRows, rows: Uint32Array): TrainingRows => ({
  table: {
    ...table,
    rowCount: rows.length,
    columns: table.columns.map((column) => take(column, rows)),
  },
  labels: Uint8Array.from(rows, (row) => labels[row]!),
  ...(weights && { weights: take(weights, rows) }),
})

const take = (values: Float64Array, rows: Uint32Array): Float64Array => {
  const taken = new Float64Array(rows.length)
  for (let i = 0; i < rows.length; i++) taken[i] = values[rows[i]!]!
  return taken
}
