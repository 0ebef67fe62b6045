import { join } from 'node:path'
import { sqlIdentifier, sqlLiteral, withDatabase } from '../disk/database.ts'
import type { Work } from '../disk/work.ts'

/** A feature whose values among a model's owner's rows lie otherwise than in the run. */
export interface UnlikeFeature {
  readonly name: string
  /** Largest difference of the shares of values below any value: the statistic of Kolmogorov and Smirnov. */
  readonly distance: number
  /** Medians, of the owner's rows and of the run's. */
  readonly theirs: number
  readonly ours: number
}

/** Rows of the run that are looked at, about. */
const RUN_ROWS = 20_000

/** Fewer values say little. */
export const FEWEST_VALUES = 100

/** A month of other rows, or counts that have grown since, move a feature by less. */
const LEAST_DISTANCE = 0.5

/**
 * Features that may be other columns than the model was trained on: below some value lies another half of the
 * owner's rows than of the run's. Equal scores cannot show that, because the owner's rows have the model's
 * own names.
 *
 * @param rows some of the owner's, in the order of the features, NaN where a value is missing
 * @param folder of the run
 * @returns the most different first
 */
export const findUnlikeFeatures = async (
  rows: readonly Float64Array[],
  featureNames: readonly string[],
  folder: string,
  { database }: Pick<Work, 'database'>,
): Promise<readonly UnlikeFeature[]> => {
  const file = sqlLiteral(join(folder, 'features', 'features.parquet'))
  const ours = await withDatabase(database, async (connection) => {
    const read = async (sql: string) => (await connection.runAndReadAll(sql)).getColumns()
    const [[count] = []] = await read(`SELECT count(*)::INTEGER FROM read_parquet(${file})`)
    const step = Math.max(1, Math.ceil(Number(count) / RUN_ROWS))
    const columns = featureNames.map((name) => `${sqlIdentifier(name)}::DOUBLE`)
    // Every nth row would fall in step with what repeats, as hours do.
    return read(
      `SELECT ${columns.join(', ')} FROM read_parquet(${file}, file_row_number = true) WHERE hash(file_row_number) % ${step} = 0`,
    )
  })
  return featureNames
    .flatMap((name, place) => {
      const theirs = sorted(rows.map((row) => row[place]!))
      const known = sorted((ours[place] ?? []) as readonly (number | null)[])
      if (theirs.length < FEWEST_VALUES || known.length < FEWEST_VALUES) return []
      const distance = distanceOf(theirs, known)
      return distance < LEAST_DISTANCE
        ? []
        : [{ name, distance, theirs: medianOf(theirs), ours: medianOf(known) }]
    })
    .sort((a, b) => b.distance - a.distance)
}

const sorted = (values: readonly (number | null)[]): Float64Array =>
  Float64Array.from(values.filter((value): value is number => value !== null && !Number.isNaN(value))).sort()

const medianOf = (values: Float64Array): number => values[values.length >> 1]!

/** Of two samples in order: the largest difference of their shares of values at or below any value. */
const distanceOf = (left: Float64Array, right: Float64Array): number => {
  let [atLeft, atRight, largest] = [0, 0, 0]
  while (atLeft < left.length && atRight < right.length) {
    const value = Math.min(left[atLeft]!, right[atRight]!)
    while (left[atLeft] === value) atLeft++
    while (right[atRight] === value) atRight++
    largest = Math.max(largest, Math.abs(atLeft / left.length - atRight / right.length))
  }
  return largest
}
