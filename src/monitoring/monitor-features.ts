import { stat } from 'node:fs/promises'
import type { DuckDBConnection } from '@duckdb/node-api'
import { sqlIdentifier, sqlLiteral, withDatabase } from '../disk/database.ts'
import type { Work } from '../disk/work.ts'
import { ProfileBook } from '../drift/profile-book.ts'
import { VigiaError } from '../errors.ts'
import { DAY_MS } from '../foundation/days.ts'
import { firstNames } from '../foundation/first-names.ts'
import { type DaysOfLog, lastDay } from './days-of-log.ts'
import { type MonitorDaysOptions, monitorDays, type WatchedRow } from './monitor-days.ts'
import type { MonitorReport } from './monitor-report.ts'
import { OutcomeBook } from './outcome-book.ts'
import type { OutcomesOfLog } from './outcomes-of-log.ts'
import { performanceOf } from './performance-of-rows.ts'
import { unjudgedQuality } from './quality-section.ts'
import type { Word } from './told-labels.ts'

export interface MonitorFeaturesOptions extends MonitorDaysOptions {
  /** What `vigia features` wrote. */
  readonly path: string
  /** What the report calls it; absent: its path. */
  readonly name?: string
  readonly work: Work
}

/** A row with what its file says of its label. */
interface FileRow extends WatchedRow {
  readonly eventTimeMs: number
  readonly words: readonly Word[]
}

const NOT_AS_THEY_CAME =
  'A file of features has no fields as they came, so units, repeats and hours are not judged: `vigia validate` looks at the source, and drift at the features.'

/**
 * The same look at a file of features, whatever source it was made of: each row as the model would have
 * decided on it when it happened, with the labels that the file has, known when it says.
 *
 * @throws MONITORING_FEATURES_REFUSED for a file that is not there or lacks a feature of the model;
 * MONITORING_NOTHING_TO_LOOK_AT, DRIFT_SETTING_INVALID, INTERRUPTED
 */
export const monitorFeatures = (options: MonitorFeaturesOptions): Promise<MonitorReport> =>
  withDatabase(options.work.database, async (connection) => {
    await assertColumns(connection, options)
    const days = await daysOfFile(connection, options)
    return monitorDays(
      {
        names: [options.name ?? options.path],
        days,
        outcomesOf: () => outcomesOfFile(connection, options),
        eachOfDay: async (day, begin, onRow) => {
          begin()
          const where = `event_time_ms >= ${day * DAY_MS} AND event_time_ms < ${(day + 1) * DAY_MS}`
          for await (const row of readRows(connection, options, where)) if (!onRow(row)) return
        },
      },
      options,
    )
  })

const daysOfFile = async (
  connection: DuckDBConnection,
  options: MonitorFeaturesOptions,
): Promise<DaysOfLog> => {
  const { model } = options
  const book = new ProfileBook(model.loaded.artifact.reference, model.options)
  let rows = 0
  for await (const { eventTimeMs, vector, score } of readRows(connection, options)) {
    rows++
    book.add(Math.floor(eventTimeMs / DAY_MS) * DAY_MS, vector, score)
  }
  const days = book.takeDays()
  const last = lastDay(days)
  return {
    days: days.slice(0, last),
    unfinished: days[last],
    rows,
    tooOld: 0,
    unreadable: 0,
    firstRecords: new Map(),
  }
}

const outcomesOfFile = async (
  connection: DuckDBConnection,
  options: MonitorFeaturesOptions,
): Promise<OutcomesOfLog> => {
  const { loaded } = options.model
  const result = await connection.runAndReadAll(
    `SELECT max(greatest(event_time_ms, coalesce(labelled_at_ms, event_time_ms)))::DOUBLE FROM read_parquet(${sqlLiteral(options.path)})`,
  )
  const asOfMs = Math.floor(Number(result.getRows()[0]?.[0] ?? 0) / DAY_MS) * DAY_MS
  // Words stand beside their rows: the row that is being added has them.
  let words: readonly Word[] = []
  const book = new OutcomeBook({ words: 0, latestMs: asOfMs, wordsOf: () => words }, asOfMs, 'reviewed')
  let firstDay = Number.POSITIVE_INFINITY
  for await (const row of readRows(connection, options)) {
    words = row.words
    firstDay = Math.min(firstDay, Math.floor(row.eventTimeMs / DAY_MS))
    book.add({
      token: 0,
      decidedAtMs: row.eventTimeMs,
      probability: row.score,
      isFlagged: row.score >= loaded.scorer.threshold,
      amountMinor: Number.NaN,
      segment: '',
      isWatched: true,
    })
  }
  const { name, version } = loaded.description
  return {
    performance: performanceOf({
      book,
      asOfMs,
      labelDelayMs: loaded.settings.limits.user.labelDelayMs,
      threshold: loaded.scorer.threshold,
      watched: { model: `${name} ${version}`, sinceDay: firstDay },
      currency: null,
    }),
    quality: unjudgedQuality([NOT_AS_THEY_CAME]),
  }
}

/** Rows in the order of the file, scored. `vector` is valid until the next one. */
async function* readRows(
  connection: DuckDBConnection,
  { path, model, work }: MonitorFeaturesOptions,
  where = 'true',
): AsyncGenerator<FileRow> {
  const { scorer, settings } = model.loaded
  const numbers = ['event_time_ms', 'is_fraud', 'labelled_at_ms'].map((name) => `${name}::DOUBLE`)
  const features = scorer.featureNames.map((name) => `${sqlIdentifier(name)}::DOUBLE`)
  const columns = [...numbers, 'file_row_number::DOUBLE', ...features]
  const result = await connection.stream(
    `SELECT transaction_id, ${columns.map((column) => `coalesce(${column}, 'nan'::DOUBLE)`).join(', ')}
     FROM read_parquet(${sqlLiteral(path)}, file_row_number = true) WHERE ${where}`,
  )
  const vector = new Float64Array(features.length)
  for (;;) {
    const chunk = await result.fetchChunk()
    if (chunk === null || chunk.rowCount === 0) return
    work.signal.throwIfAborted()
    const ids = chunk.getColumnValues(0)
    const values = columns.map(
      (_, at) => (chunk.getColumnVector(1 + at) as unknown as { readonly items: Float64Array }).items,
    )
    for (let row = 0; row < chunk.rowCount; row++) {
      const [eventTimeMs, isFraud, labelledAtMs, place] = [0, 1, 2, 3].map((at) => values[at]![row]!)
      for (let f = 0; f < vector.length; f++) vector[f] = values[4 + f]![row]!
      const delayed = eventTimeMs! + settings.limits.user.labelDelayMs
      const knownAtMs = Number.isNaN(labelledAtMs) ? delayed : labelledAtMs!
      yield {
        transactionId: String(ids[row] ?? ''),
        sequence: place! + 1,
        eventTimeMs: eventTimeMs!,
        vector,
        score: scorer.scoreOne(vector),
        words: Number.isNaN(isFraud) ? [] : [{ knownAtMs, isFraud: isFraud === 1 }],
      }
    }
  }
}

const assertColumns = async (
  connection: DuckDBConnection,
  { path, model }: MonitorFeaturesOptions,
): Promise<void> => {
  const refuse = (reason: string): never => {
    throw new VigiaError('MONITORING_FEATURES_REFUSED', { path, reason })
  }
  if ((await stat(path).catch(() => undefined))?.isFile() !== true) refuse('there is no such file')
  const described = await connection
    .runAndReadAll(`DESCRIBE SELECT * FROM read_parquet(${sqlLiteral(path)})`)
    .catch(() => refuse('it is no Parquet'))
  const there = new Set(described.getRows().map(([name]) => String(name)))
  const wanted = [
    'transaction_id',
    'event_time_ms',
    'is_fraud',
    'labelled_at_ms',
    ...model.loaded.scorer.featureNames,
  ]
  const missing = wanted.filter((name) => !there.has(name))
  if (missing.length > 0) refuse(`it has no column ${firstNames(missing, 5)}`)
}
