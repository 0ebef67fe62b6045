import { join } from 'node:path'
import { sqlIdentifier, sqlLiteral, withDatabase } from '../disk/database.ts'
import type { Work } from '../disk/work.ts'
import { VigiaError } from '../errors.ts'
import type { ForeignModel } from '../learning/imported/foreign-model.ts'
import { type AskedOfImport, type AsOurs, asOurs, type RunOfImport } from '../model/imported/as-ours.ts'
import { createScoreComparison, type ScoreComparison } from '../model/imported/compare-scores.ts'
import { createModelScorer } from '../model/scorer.ts'
import { readOwnerRows } from './owner-rows.ts'
import { findUnlikeFeatures, type UnlikeFeature } from './unlike-features.ts'

/** Rows of the model's owner, with the scores that it gave them where it was trained. */
export interface CheckOfImport {
  /** CSV, or Parquet. */
  readonly file: string
  /** Column of the probability of fraud. */
  readonly scoreColumn: string
  /** By how much two probabilities may differ. */
  readonly tolerance: number
}

/** What was compared. */
export interface CheckedImport {
  readonly rows: number
  readonly largestDifference: number
  /** Features that may be other columns than those that the model was trained on. */
  readonly unlike: readonly UnlikeFeature[]
}

/** What is checked, against what. */
export interface CheckingImport {
  /** Of the model's file. */
  readonly path: string
  readonly run: RunOfImport
  readonly asked: AskedOfImport
  readonly check: CheckOfImport
  readonly work: Pick<Work, 'signal' | 'database'>
}

/**
 * Scores the rows of a model's owner with the model as it would be imported.
 *
 * @throws MODEL_CHECK_DIFFERS with the rows that differ, and with the choice that would make them equal where
 * there is one; MODEL_CHECK_FILLED, MODEL_CHECK_UNREADABLE
 */
export const checkImport = async (
  foreign: ForeignModel,
  ours: AsOurs,
  checking: CheckingImport,
): Promise<CheckedImport> => {
  const { path, run, asked, check, work } = checking
  const { featureNames } = ours.model
  const unreadable = (reason: string) =>
    new VigiaError('MODEL_CHECK_UNREADABLE', { path: check.file, reason })
  const comparison = createScoreComparison(
    createModelScorer(ours.model, { method: 'none' }),
    { featureNames, categories: ours.knownCategories, features: run.features, fitted: run.fitted },
    check.tolerance,
    ours.model.missingValue,
  )
  const columns = featureNames.map((name, place) => [
    foreign.featureNames[place]!,
    name,
    // LightGBM writes spaces of names as _.
    foreign.featureNames[place]!.replaceAll('_', ' '),
    ...(foreign.isNamedByPlace ? [String(place)] : []),
  ])
  await withDatabase(work.database, async (connection) => {
    const { file, scoreColumn } = check
    const rows = { path: file, columns, areInOrder: foreign.isNamedByPlace, scoreColumn }
    for await (const row of readOwnerRows(connection, rows)) {
      work.signal.throwIfAborted()
      const bad = comparison.add(row)
      if (bad !== undefined)
        throw unreadable(
          bad.column === undefined
            ? `row ${bad.row} has the score ${bad.got}; allowed: a probability from 0 to 1`
            : `row ${bad.row} has ${bad.got} in ${columns[bad.column]![0]}; allowed: a number, or a category of the run`,
        )
    }
  })
  const compared = comparison.result()
  if (compared.rows === 0) throw unreadable('it has no row')
  if (compared.differing > 0)
    throw new VigiaError('MODEL_CHECK_DIFFERS', {
      path,
      check: check.file,
      differing: compared.differing,
      rows: compared.rows,
      examples: examplesOf(compared),
      hint: hintOf(foreign, ours, compared, checking),
    })
  if (asked.filled === undefined) await requireMissing(compared, ours.model, checking)
  const asMissing = [asked.filled, ours.model.missingValue]
  const sample = compared.sample.map((row) =>
    row.map((value) => (asMissing.includes(value) ? Number.NaN : value)),
  )
  const unlike = await findUnlikeFeatures(sample, featureNames, run.folder, work)
  return { rows: compared.rows, largestDifference: compared.largest.difference, unlike }
}

/** Missing values that are to be expected among the owner's rows before their absence says something. */
const EXPECTED_MISSING = 10

/**
 * Refuses rows in which nothing is missing of a feature that is missing at times in the run: they were
 * filled, and served rows will not be.
 *
 * @throws MODEL_CHECK_FILLED
 */
const requireMissing = async (
  { rows, missing }: ScoreComparison,
  { featureNames, trees }: AsOurs['model'],
  { path, run, check, work }: CheckingImport,
): Promise<void> => {
  // What no split asks for changes no score.
  const asked = new Set(trees.flatMap(({ feature }) => feature))
  const file = sqlLiteral(join(run.folder, 'features', 'features.parquet'))
  const shares = featureNames.map(
    (name) => `avg((${sqlIdentifier(name)} IS NULL OR isnan(${sqlIdentifier(name)}::DOUBLE))::INTEGER)`,
  )
  const [found = []] = await withDatabase(work.database, async (connection) =>
    (await connection.runAndReadAll(`SELECT ${shares.join(', ')} FROM read_parquet(${file})`)).getRows(),
  )
  const filled = featureNames.flatMap((name, place) => {
    const share = Number(found[place])
    return asked.has(place) && missing[place] === 0 && share * rows >= EXPECTED_MISSING
      ? [`${name} (missing in ${(100 * share).toFixed(1)} % of the run's rows)`]
      : []
  })
  if (filled.length > 0)
    throw new VigiaError('MODEL_CHECK_FILLED', {
      path,
      check: check.file,
      rows,
      features: `${filled.slice(0, 5).join(', ')}${filled.length > 5 ? ` and ${filled.length - 5} more` : ''}`,
    })
}

/** Rows that are named: all would fill screens. */
const NAMED_ROWS = 10

const examplesOf = ({ examples, differing, largest }: ScoreComparison): string => {
  const named = examples
    .slice(0, NAMED_ROWS)
    .map(({ row, theirs, ours }) => `row ${row} has ${theirs} and would have ${ours}`)
  const more = differing > NAMED_ROWS ? `; and ${differing - NAMED_ROWS} more` : ''
  return `${named.join('; ')}${more}; the largest difference is ${largest.difference}, in row ${largest.row}`
}

/** What Python is often told to take for missing. */
const LIKELY_MISSING = [-1, 0, -999]

/** What would make the rows equal, of what a file does not tell. */
const hintOf = (
  foreign: ForeignModel,
  ours: AsOurs,
  { examples }: ScoreComparison,
  { path, run, asked, check: { tolerance } }: CheckingImport,
): string => {
  const differ = (score: (vector: Float64Array, ours: number) => number): number =>
    examples.filter((row) => Math.abs(score(row.vector, row.ours) - row.theirs) > tolerance).length
  if (differ((_, score) => 1 - score) === 0)
    return 'They have 1 minus what it gives: the probability of the other label (see --positive-class)'
  for (const missingValue of asked.missingValue === undefined ? LIKELY_MISSING : []) {
    if (foreign.whyNoMissingValue !== undefined || foreign.missingValue !== undefined) break
    const scorer = createModelScorer({ ...ours.model, missingValue }, { method: 'none' })
    if (differ((vector) => scorer.scoreOne(vector)) === 0)
      return `They are equal with --missing ${missingValue}`
  }
  for (const trees of ['all', 'best'] as const) {
    if (trees === 'best' && foreign.trees.best === undefined) continue
    const other = asOurs(foreign, path, run, { ...asked, trees })
    if (other.model.trees.length === ours.model.trees.length) continue
    const scorer = createModelScorer(other.model, { method: 'none' })
    if (differ((vector) => scorer.scoreOne(vector)) === 0)
      return `They are equal with --trees ${trees} (${other.model.trees.length} trees; compared were ${ours.model.trees.length})`
  }
  return 'Neither other trees, nor the other label, nor -1, 0 or -999 for missing would make them equal'
}
