import { createRandom } from '../foundation/random.ts'
import type { TrainingData } from '../learning/algorithm.ts'

/** Rows to learn from, whose labels are bytes. */
export type Labelled = TrainingData & { readonly labels: Uint8Array }

/** Rows of these columns, named `feature_0` and so on. */
export const dataOf = (columns: readonly Float64Array[], labels: Uint8Array): Labelled => ({
  table: { names: columns.map((_, f) => `feature_${f}`), rowCount: labels.length, columns },
  labels,
})

/**
 * A third are frauds, whose first two features are larger by 2.5 standard deviations; a tenth of the rows
 * lack one value.
 */
export const problem = (rows: number, seed = 1, features = 3): Labelled => {
  const random = createRandom(seed)
  const labels = Uint8Array.from({ length: rows }, (_, row) => Number(row % 3 === 1))
  const columns = Array.from({ length: features }, () => new Float64Array(rows))
  for (let row = 0; row < rows; row++) {
    columns.forEach((column, f) => {
      const says = f < 2 ? 2.5 * labels[row]! : 0
      column[row] = says + random.normal()
    })
    if (random.next() < 0.1) columns[random.integer(features)]![row] = Number.NaN
  }
  return dataOf(columns, labels)
}

/** One categorical feature with the codes -1 to 6, of which 1, 4 and 6 are frauds. */
export const codes = (): Labelled => {
  const column = Float64Array.from({ length: 160 }, (_, row) => (row % 8) - 1)
  const labels = Uint8Array.from(column, (code) => Number(code === 1 || code === 4 || code === 6))
  const data = dataOf([column], labels)
  return { ...data, table: { ...data.table, categorical: ['feature_0'] } }
}

/** Each row mixes the extreme with the ordinary; large values are frauds. */
export const extremes = (): Labelled => {
  const values = [1e300, -1e300, 0, -0, 5e-324, -5e-324, 1e-300, 1, -1, 3.5e38, Number.NaN, 1e18]
  const columns = [0, 1, 2].map((f) =>
    Float64Array.from({ length: 120 }, (_, row) => values[(row * (f + 1) + (row >> 4)) % values.length]!),
  )
  return dataOf(
    columns,
    Uint8Array.from(columns[0]!, (value, row) => Number(value > 0 || row % 7 === 0)),
  )
}

/** The rows with one more feature. */
export const withColumn = (data: Labelled, name: string, column: Float64Array): Labelled => {
  const { names, rowCount, columns } = data.table
  // Second, so that the indexes of others shift.
  return {
    ...data,
    table: { rowCount, names: names.toSpliced(1, 0, name), columns: columns.toSpliced(1, 0, column) },
  }
}

/** These rows, in this order; a row may be taken several times. */
export const takeRows = ({ table, labels }: Labelled, rows: readonly number[]): Labelled => ({
  table: {
    ...table,
    rowCount: rows.length,
    columns: table.columns.map((column) => Float64Array.from(rows, (row) => column[row]!)),
  },
  labels: Uint8Array.from(rows, (row) => labels[row]!),
})

/** The numbers below `count` in an order that the seed decides. */
export const shuffled = (count: number, seed: number): readonly number[] => {
  const random = createRandom(seed)
  return Array.from({ length: count }, (_, row) => [random.next(), row] as const)
    .sort(([a], [b]) => a - b)
    .map(([, row]) => row)
}
