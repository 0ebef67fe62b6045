import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { readArtifact } from '../artifacts/artifact-folder.ts'
import { readStates, type StatesIdentity, statesIdentity } from '../artifacts/states-manifest.ts'
import type { SourceSettings } from '../config/sections/source.ts'
import { applyCleaning, type FittedCleaning } from '../dataset/cleaning.ts'
import { readSource } from '../dataset/read-source.ts'
import { assertAllRead } from '../dataset/source-of-copy.ts'
import { sqlLiteral, withDatabase } from '../disk/database.ts'
import type { Work } from '../disk/work.ts'
import { VigiaError } from '../errors.ts'
import { featureSettingsOfModel } from '../features/feature-settings.ts'
import type { FittedFeatures } from '../features/fitted-features.ts'
import { explainRows } from '../fitting/explain-rows.ts'
import { RESULT_COLUMNS, scoreFormatOf, writeKeyed, writeScores } from '../fitting/score-files.ts'
import { scoreRows } from '../fitting/score-rows.ts'
import type { Artifact } from '../model/artifact.ts'
import { createScoreExplainer } from '../model/explain/score-explainer.ts'
import { createScorer } from '../model/scorer.ts'
import type { PutRows, ResultColumn } from '../ports/bank-database.ts'
import { replay } from '../replay/replay.ts'

/** Whether rows are scored as the continuation of the history that the model was trained on. */
export type History = 'auto' | 'run' | 'none'

export interface PredictOptions {
  /** What to score: `path` is the input, the rest is the mapping the model was trained with. */
  readonly source: SourceSettings
  /** How many rows whoever wrote the input has counted; absent: nobody has. */
  readonly rowsOfInput?: number
  /**
   * Folder with the model: the artifact in `package/`, and in `states/` the history to continue, if there is
   * one. A run folder has both.
   */
  readonly run: string
  /** The model, where it is not read from `package/`. */
  readonly artifact?: Artifact
  /** `.csv`, `.csv.gz` or `.parquet`; absent: no file. */
  readonly out?: string
  /** A table of scores by transaction, which gets them too. */
  readonly to?: ScoreTable
  /** Where files are kept meanwhile; a folder of its own is made in it. */
  readonly workFolder: string
  readonly history: History
  /** How many reasons each score gets, at least 1; no reasons when absent. */
  readonly reasons?: number
  readonly workers: number
  readonly workingDirectory: string
  readonly work: Work
}

/** Where scores by transaction go. */
export interface ScoreTable {
  /** For people. */
  readonly name: string
  readonly put: (columns: readonly ResultColumn[], file: string) => Promise<PutRows>
}

export interface PredictResult {
  /** Absent where no file was asked for. */
  readonly out?: string
  /** What a table got: a row for each transaction that has an id. */
  readonly table?: PutRows & { readonly name: string; readonly withoutId: number }
  readonly rows: number
  readonly scored: number
  readonly quarantined: number
  readonly flagged: number
  /** Flagged, or of a risk that is high or critical: for people to look at. */
  readonly review: number
  /** Whether the file says which of its transactions were fraud, as far as it is asked. */
  readonly labelled: boolean
  /** What was done about history, for people. */
  readonly history: string
}

/**
 * Scores a file with a trained model: one row out for each row in, in the input's order.
 *
 * 1. The input is read with the mapping of the training; what cannot be used gets its reason instead of a
 *    score.
 * 2. It is cleaned with what was fitted in training, and replayed through the engine, on top of the
 *    training's final states or from an empty history.
 * 3. Each row gets its own score, and its strongest reasons where they are asked for. A transaction repeated
 *    as it is gets the first one's score.
 *
 * @throws the errors of reading, MODEL_ARTIFACT_REFUSED, MODEL_STATES_REFUSED, DATASET_OUTPUT_FORMAT,
 * PIPELINE_HISTORY_MISSING, INTERRUPTED
 */
export const predict = async (options: PredictOptions): Promise<PredictResult> => {
  const format = options.out === undefined ? undefined : scoreFormatOf(options.out)
  const artifact = options.artifact ?? (await readArtifact(join(options.run, 'package')))
  const { featureSettings, fitted: allFitted } = artifact.manifest
  const fitted = allFitted.features as FittedFeatures
  const settings = featureSettingsOfModel(featureSettings, fitted)
  const identity = statesIdentity(settings, fitted)
  const { work, workingDirectory } = options
  const temporary = await mkdtemp(join(options.workFolder, '.predict-'))
  try {
    const prepared = join(temporary, 'prepared.parquet')
    const quarantine = join(temporary, 'quarantine.jsonl')
    const cleaned = join(temporary, 'cleaned.parquet')
    const features = join(temporary, 'features.parquet')
    const { read, continued } = await withDatabase(work.database, async (connection) => {
      const read = await readSource(
        connection,
        options.source,
        { preparedPath: prepared, quarantinePath: quarantine },
        { workingDirectory, work, amounts: settings.amounts, labels: 'if there' },
      )
      if (options.rowsOfInput !== undefined) assertAllRead({ rows: options.rowsOfInput }, read)
      const cleaning = allFitted.cleaning as FittedCleaning
      await applyCleaning(connection, prepared, cleaned, cleaning, fitted.attributes)
      return { read, continued: await findHistory(connection, prepared, identity, options) }
    })
    await replay({
      prepared: cleaned,
      out: features,
      ...(continued.states !== undefined && { statesIn: continued.states }),
      settings,
      fitted,
      workers: options.workers,
      work,
    })
    const keyed = join(temporary, 'scores.csv')
    const { withoutId, ...counts } = await withDatabase(work.database, async (connection, connect) => {
      await scoreRows(connection, features, createScorer(artifact), 'true', work.signal)
      const { reasons: top } = options
      if (top !== undefined) {
        const explainer = createScoreExplainer(artifact, options.run)
        await explainRows(connection, connect, { features, explainer, top, work })
      }
      const withReasons = top !== undefined
      const out = format === undefined ? undefined : { path: options.out!, format }
      const written = await writeScores(connection, { prepared, quarantine, read, withReasons, out })
      const withoutId = options.to === undefined ? 0 : await writeKeyed(connection, keyed, withReasons)
      return { ...written, withoutId }
    })
    const columns = RESULT_COLUMNS.filter(({ name }) => name !== 'reasons' || options.reasons !== undefined)
    const { to } = options
    const table = to && { ...(await to.put(columns, keyed)), name: to.name, withoutId }
    return {
      ...(options.out !== undefined && { out: options.out }),
      ...(table !== undefined && { table }),
      ...counts,
      quarantined: read.quarantinedRows,
      labelled: read.mapping.is_fraud !== null,
      history: continued.told,
    }
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

/** Folder of the states to start from, or undefined for an empty history; and what that is, for people. */
interface ContinuedHistory {
  readonly states: string | undefined
  readonly told: string
}

const BEGINS = 'history begins with this file'

/**
 * `auto` continues the training's history when the input begins when it ended, or later; otherwise its rows
 * would meet states that know their future.
 */
const findHistory = async (
  connection: DuckDBConnection,
  prepared: string,
  identity: StatesIdentity,
  { history, run }: PredictOptions,
): Promise<ContinuedHistory> => {
  if (history === 'none') return { states: undefined, told: BEGINS }
  const folder = join(run, 'states')
  const states = await readStates(folder, identity)
  const going: ContinuedHistory = { states: folder, told: 'continues the history the model was trained on' }
  if (history === 'run') {
    if (states === undefined) throw new VigiaError('PIPELINE_HISTORY_MISSING', { folder: run })
    return going
  }
  if (states === undefined) return { states, told: `${BEGINS}: the model has none` }
  const result = await connection.runAndReadAll(
    `SELECT min(event_time_ms)::DOUBLE FROM read_parquet(${sqlLiteral(prepared)})`,
  )
  const first = result.getRows()[0]?.[0] as number | null
  const last = states.lastEventTimeMs
  if (first === null || last === null || first >= last) return going
  const [begins, ended] = [first, last].map((ms) => new Date(ms).toISOString())
  return {
    states: undefined,
    told: `${BEGINS}: it begins at ${begins}, before training ended at ${ended} (--history run continues that all the same)`,
  }
}
