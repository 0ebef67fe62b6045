import type { DuckDBConnection } from '@duckdb/node-api'
import type { SourceSettings } from '../../config/sections/source.ts'
import type { LabelTableSettings } from '../../config/sections/tables.ts'
import { sqlIdentifier } from '../../disk/database.ts'
import { asDatasetError } from '../../disk/database-errors.ts'
import { writeAtomically } from '../../disk/write-atomically.ts'
import { VigiaError } from '../../errors.ts'
import { DEFAULT_AMOUNTS } from '../../transaction/amount-rules.ts'
import type { SourceField } from '../../transaction/fields.ts'
import { convertedRows } from '../conversion-query.ts'
import { isTakenAsUtc } from '../field-conversion.ts'
import { columnNamed, expressionBinder, type MappedField } from '../field-mapping.ts'
import { localTimesOf } from '../local-time.ts'
import {
  type ClockChanges,
  clockColumns,
  countClockChanges,
  primaryReasons,
  type ReasonCount,
} from '../quarantine-counts.ts'
import { writeQuarantine } from '../quarantine-file.ts'
import { openSourceRows, type SourceFile } from '../source-rows.ts'
import { ofTable } from '../tables/open-tables.ts'
import { dropSource } from '../tables/read-table.ts'
import { csvOf } from '../tables/table-definition.ts'

/** What came of reading `source.labels`. `rows` = `usableRows` + those of `unusable`, always. */
export interface LabelTableRead {
  readonly files: readonly SourceFile[]
  readonly rows: number
  readonly usableRows: number
  /** Rows that say no label of any transaction, by reason; they stand in the quarantine of labels. */
  readonly unusable: readonly ReasonCount[]
  /** Times of it that a clock change repeats or skips. */
  readonly clockChanges: readonly ClockChanges[]
  /** Whether its times are typed without a zone and so taken as UTC, because no zone is configured. */
  readonly isTakenAsUtc: boolean
}

/** The temporary table with its rows that can be used: place, transaction_id, is_fraud, known_at_ms. */
export const TOLD_LABELS = 'told_labels'

/**
 * Reads the table of labels into `TOLD_LABELS`; rows that cannot be used go to the quarantine at
 * `quarantinePath`. Nothing else may have been opened on the connection.
 *
 * @throws DATASET_TABLE_UNREADABLE, and the DATASET_ errors of expressions
 */
export const readLabelTable = async (
  connection: DuckDBConnection,
  source: SourceSettings,
  workingDirectory: string,
  signal: AbortSignal,
  quarantinePath: string | undefined,
): Promise<LabelTableRead> => {
  const settings = source.labels
  const files = { path: settings.path, format: settings.format ?? 'auto', csv: csvOf(source, settings) }
  try {
    const opened = await openSourceRows(connection, files, workingDirectory, signal)
    const fields = await bindFields(connection, settings, opened.columns)
    const create = (careful: boolean): Promise<readonly string[]> =>
      createMapped(connection, source, fields, careful)
    const clocks = await create(false).catch((error: unknown) => {
      // An expression that fails on some row: there it gives no value.
      if (error instanceof VigiaError) throw error
      return create(true)
    })
    const unusable = await primaryReasons(connection, DEFAULT_AMOUNTS)
    const clockChanges = await countClockChanges(connection, clocks)
    await connection.run(
      `CREATE OR REPLACE TEMP TABLE ${TOLD_LABELS} AS
       SELECT source_row AS place, transaction_id, is_fraud, labelled_at_ms AS known_at_ms FROM mapped WHERE reasons = 0`,
    )
    const [[usable] = []] = await rowsOf(connection, `SELECT count(*) FROM ${TOLD_LABELS}`)
    if (quarantinePath !== undefined)
      await writeAtomically(quarantinePath, (path) =>
        writeQuarantine(connection, path, fields, opened.columns, DEFAULT_AMOUNTS),
      )
    const lost = unusable.reduce((sum, { rows }) => sum + rows, 0)
    if (Number(usable) + lost !== opened.rows)
      throw new VigiaError('DATASET_ROWS_LOST', {
        input: opened.rows,
        accepted: Number(usable),
        quarantined: lost,
      })
    return {
      files: opened.files,
      rows: opened.rows,
      usableRows: Number(usable),
      unusable,
      clockChanges: clockChanges.map((changes) => ({ ...changes, name: 'source.labels.known_at' })),
      isTakenAsUtc: fields.some((field) => isTakenAsUtc(field, localTimesOf(source))),
    }
  } catch (error) {
    const place = { activity: 'reading the labels', path: String(settings.path), format: files.format }
    throw ofTable(asDatasetError(error, place), 'labels', 'source.labels')
  } finally {
    await connection.run('DROP TABLE IF EXISTS temp.mapped CASCADE').catch(() => undefined)
    await dropSource(connection)
  }
}

/** Which field each setting of the table gives; the last may be left out where no column has its name. */
const FIELDS = [
  ['transaction_id', 'transaction_id'],
  ['is_fraud', 'is_fraud'],
  ['known_at', 'labelled_at'],
] as const satisfies readonly (readonly [keyof LabelTableSettings, SourceField])[]

const bindFields = async (
  connection: DuckDBConnection,
  settings: LabelTableSettings,
  columns: readonly string[],
): Promise<readonly MappedField<SourceField>[]> => {
  const bind = await expressionBinder(connection, columns)
  const bound: MappedField<SourceField>[] = []
  for (const [setting, field] of FIELDS) {
    const written = settings[setting]?.trim() ?? setting
    const column = columnNamed(written, columns)
    if (setting === 'known_at' && settings.known_at === undefined && column === undefined)
      bound.push({ field, expression: null, type: 'VARCHAR', columns: [], places: [] })
    else
      bound.push(
        await bind(field, `source.labels.${setting}`, column === undefined ? written : sqlIdentifier(column)),
      )
  }
  return bound
}

const createMapped = async (
  connection: DuckDBConnection,
  source: SourceSettings,
  fields: readonly MappedField<SourceField>[],
  careful: boolean,
): Promise<readonly string[]> => {
  const conversion = { fields, attributes: [], times: localTimesOf(source), amounts: DEFAULT_AMOUNTS }
  const { query, columns, reasons, clocks } = convertedRows(conversion, careful)
  const names = ['transaction_id', 'is_fraud', 'labelled_at_ms']
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE mapped AS
     SELECT source_row, ${names.map((name) => `${columns.get(name)} AS ${name}`).join(', ')}, "__unreadable", ${clockColumns(clocks)}CAST(${reasons} AS INTEGER) AS reasons FROM (${query}) ORDER BY source_row`,
  )
  return clocks.map(([name]) => name)
}

const rowsOf = async (connection: DuckDBConnection, sql: string): Promise<readonly unknown[][]> =>
  (await connection.runAndReadAll(sql)).getRows()
