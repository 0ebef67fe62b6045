import type { Feature } from '../../features/feature.ts'
import type { FittedFeatures } from '../../features/fitted-features.ts'
import type { KnownCategory } from '../../learning/imported/foreign-model.ts'
import type { ModelScorer } from '../scorer.ts'
import { FILLED_CODE } from './filled-values.ts'
import { vocabularyOf } from './resolve-categories.ts'

/** A row of the model's owner: what its features were there, and the probability that came of them. */
export interface OwnerRow {
  /** From 1. */
  readonly row: number
  /** In the order of the model's features. As texts: numbers, words, or what stands for missing; null too. */
  readonly cells: readonly (string | null)[]
  readonly score: string | null
}

/** How the scores of the owner's rows compare with ours. */
export interface ScoreComparison {
  readonly rows: number
  /** Rows whose scores differ by more than the tolerance. */
  readonly differing: number
  /** The largest difference, and the row where it is. */
  readonly largest: { readonly row: number; readonly difference: number }
  /** By place of the feature: rows in which it is missing. */
  readonly missing: readonly number[]
  /** Some of all rows, as the model was fed with them, spread over the file. */
  readonly sample: readonly Float64Array[]
  /** The first that differ, at most `KEPT_ROWS`, with what the model was fed. */
  readonly examples: readonly DifferentRow[]
}

export interface DifferentRow {
  readonly row: number
  readonly vector: Float64Array
  /** The owner's probability and ours. */
  readonly theirs: number
  readonly ours: number
}

/** A cell that is no value of its feature, or a score that is no probability. */
export interface BadCell {
  readonly row: number
  /** Place of the feature; absent: the score. */
  readonly column?: number
  readonly got: string
}

/** Differing rows that are kept with their values. */
export const KEPT_ROWS = 1000

/** How cells are read: by place of the feature. */
export interface CellReading {
  readonly featureNames: readonly string[]
  /** By place: what the texts and numbers of a category column are here. */
  readonly categories: ReadonlyMap<number, readonly KnownCategory[]>
  readonly features: readonly Feature[]
  readonly fitted: FittedFeatures
}

/**
 * Scores the owner's rows and compares.
 *
 * @param tolerance by how much two probabilities may differ
 * @param missingValue what counts as missing beside NaN
 * @returns the first bad cell instead where one cannot be read
 */
export const createScoreComparison = (
  scorer: ModelScorer,
  reading: CellReading,
  tolerance: number,
  missingValue?: number,
) => {
  const readers = reading.featureNames.map((_, place) => cellReader(place, reading))
  const examples: DifferentRow[] = []
  let rows = 0
  let differing = 0
  let largest = { row: 0, difference: 0 }
  const missing = reading.featureNames.map(() => 0)
  const sample = createSample()
  return {
    add({ row, cells, score }: OwnerRow): BadCell | undefined {
      const vector = new Float64Array(readers.length)
      for (let place = 0; place < readers.length; place++) {
        const value = readers[place]!(cells[place] ?? null)
        if (value === undefined) return { row, column: place, got: String(cells[place]) }
        vector[place] = value
        if (Number.isNaN(value) || value === missingValue) missing[place]!++
      }
      const theirs = numberOf(score)
      // Sums of floats may be a little beyond.
      if (!(theirs >= -tolerance && theirs <= 1 + tolerance)) return { row, got: score ?? 'nothing' }
      const ours = scorer.scoreOne(vector)
      const difference = Math.abs(ours - theirs)
      rows++
      sample.add(vector)
      if (difference > largest.difference) largest = { row, difference }
      if (difference > tolerance) {
        differing++
        if (examples.length < KEPT_ROWS) examples.push({ row, vector, theirs, ours })
      }
      return undefined
    },
    result: (): ScoreComparison => ({ rows, differing, largest, missing, sample: sample.rows(), examples }),
  }
}

const SAMPLED_ROWS = 4000

/** Every row, then every second, every fourth, so that at most `SAMPLED_ROWS` are kept however many come. */
const createSample = () => {
  let kept: Float64Array[] = []
  let step = 1
  let count = 0
  return {
    add(row: Float64Array): void {
      if (count++ % step !== 0) return
      kept.push(row)
      if (kept.length <= SAMPLED_ROWS) return
      kept = kept.filter((_, index) => index % 2 === 0)
      step *= 2
    },
    rows: (): readonly Float64Array[] => kept,
  }
}

/** How Python, R and SQL write that there is no value. */
const MISSING = new Set(['', 'nan', 'none', 'null', 'na', 'n/a', '<na>', 'nat'])

const isMissing = (cell: string | null): cell is null => cell === null || MISSING.has(cell.toLowerCase())

/** The code of a category that is not known. */
const UNKNOWN = -1

/** Reads a cell of the feature at `place`; undefined where it is no value of it. */
const cellReader = (
  place: number,
  { featureNames, categories, features, fitted }: CellReading,
): ((cell: string | null) => number | undefined) => {
  const feature = features.find(({ name }) => name === featureNames[place])
  const known = categories.get(place)
  if (known !== undefined) {
    const codes = new Map(
      known.map(({ value, code }) => [value, code === FILLED_CODE ? Number.NaN : (code ?? UNKNOWN)]),
    )
    return (cell) => {
      if (isMissing(cell)) return Number.NaN
      const number = numberOf(cell)
      return codes.get(cell) ?? codes.get(number) ?? (Number.isNaN(number) ? UNKNOWN : number)
    }
  }
  const entries = vocabularyOf(feature, fitted)
  const codes = new Map((entries ?? []).map(({ value }, code) => [value, code]))
  return (cell) => {
    if (isMissing(cell)) return Number.NaN
    const number = numberOf(cell)
    if (!Number.isNaN(number)) return number
    return entries === undefined ? undefined : (codes.get(cell) ?? UNKNOWN)
  }
}

/** What a text says as a number; NaN where it is none. Yes and no are 1 and 0, as in features. */
const numberOf = (cell: string | null): number => {
  if (cell === null || cell.trim() === '') return Number.NaN
  const word = WORDS.get(cell.trim().toLowerCase())
  return word ?? (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(cell.trim()) ? Number(cell) : Number.NaN)
}

const WORDS: ReadonlyMap<string, number> = new Map([
  ['true', 1],
  ['false', 0],
  ['inf', Number.POSITIVE_INFINITY],
  ['-inf', Number.NEGATIVE_INFINITY],
  ['infinity', Number.POSITIVE_INFINITY],
  ['-infinity', Number.NEGATIVE_INFINITY],
])
