import type { DuckDBConnection } from '@duckdb/node-api'
import type { SourceSettings } from '../config/sections/source.ts'
import { sqlLiteral } from '../disk/database.ts'
import { asDatasetError } from '../disk/database-errors.ts'
import type { Work } from '../disk/work.ts'
import { writeAtomically } from '../disk/write-atomically.ts'
import { VigiaError } from '../errors.ts'
import { type AmountRules, DEFAULT_AMOUNTS } from '../transaction/amount-rules.ts'
import { SOURCE_FIELDS, type SourceField } from '../transaction/fields.ts'
import type { SourceMapping } from '../transaction/source-mapping.ts'
import { convertAmounts } from './base-conversion.ts'
import { bindAttributes } from './bound-attributes.ts'
import { allOf, type Conversion, convertedRows, preparedNames } from './conversion-query.ts'
import type { RenamedColumn } from './csv-header.ts'
import { isTakenAsUtc } from './field-conversion.ts'
import { columnNamed, mapFields } from './field-mapping.ts'
import { markFutureRows } from './future-rows.ts'
import { applyLabelTable, type LabelHistoryCounts } from './labels/label-history.ts'
import { type LabelTableRead, readLabelTable } from './labels/label-table.ts'
import { localTimesOf } from './local-time.ts'
import { createMappingMacros } from './mapping-macros.ts'
import { mappingOfSource } from './mapping-of-source.ts'
import {
  type ClockChanges,
  clockColumns,
  countClockChanges,
  countRejected,
  countRows,
  type DayCount,
  markRepeatedIds,
  type ReasonCount,
  type RowCounts,
} from './quarantine-counts.ts'
import { writeQuarantine } from './quarantine-file.ts'
import { assertDistinct, type SourceAttribute } from './source-attributes.ts'
import { hasLabelTable } from './source-files.ts'
import { PROFILE_TABLES, profileSource, type SourceProfile } from './source-profile.ts'
import { columnTypes, openSourceRows, type SourceFile, type SourceRows } from './source-rows.ts'
import { referenceName } from './tables/index-reference.ts'
import { type LookupCounts, lookUpRows } from './tables/look-up-rows.ts'
import { attributesOfTables, mappingOfTables, openTables } from './tables/open-tables.ts'
import { type LoadedTable, type TableRead, writeSnapshot } from './tables/read-table.ts'

/** Where the read step writes. Both files are replaced when they exist. */
export interface ReadOutputs {
  /** Parquet with the prepared columns, in arrival order. */
  readonly preparedPath: string
  /**
   * JSON lines: source_file, source_row, reasons [{code, what, got}] (the primary one first) and original.
   */
  readonly quarantinePath: string
  /** Parquet of a table beside the source, as it was read; not written when left out. */
  readonly tablePath?: (table: string) => string
  /** Parquet of all that `source.labels` says (`applyLabelTable`); not written when left out. */
  readonly labelsPath?: string
  /** JSON lines of rows of `source.labels` that cannot be used; not written when left out. */
  readonly labelQuarantinePath?: string
}

export interface ReadOptions {
  /** Relative paths of the source start here. */
  readonly workingDirectory: string
  /** Which amounts are transactions (default: `DEFAULT_AMOUNTS`). */
  readonly amounts?: AmountRules
  readonly work: Pick<Work, 'signal' | 'reportProgress'>
  /** `if there`: columns of labels may lack, as in a file to score. As configured when left out. */
  readonly labels?: 'as configured' | 'if there'
  /** When a label is known of which nobody says when: so long after its transaction, for `source.labels`. */
  readonly labelDelayMs?: number
  /** Whether to look at the columns of the source themselves, for validation; not when left out. */
  readonly profile?: boolean
}

/** What came of reading a table beside the source, and how many transactions found a row of it. */
export type ReadTable = TableRead & LookupCounts

/** What came of reading a source. `inputRows` = `acceptedRows` + `quarantinedRows`, always. */
export interface ReadResult {
  readonly format: string
  readonly files: readonly SourceFile[]
  /** What of the mapping travels with a model; absent in results of before it did. */
  readonly served?: SourceMapping
  /** Columns of the source, as it names them. */
  readonly sourceColumns: readonly string[]
  /** Columns whose name an earlier one of the same header has, and by what name they are used. */
  readonly renamedColumns: readonly RenamedColumn[]
  /** The SQL expression of each field; null when the source has nothing for it. */
  readonly mapping: Readonly<Record<SourceField, string | null>>
  /** What the source has beside the fields, in the order of their columns; then what its tables give. */
  readonly attributes: readonly SourceAttribute[]
  /** The tables beside it, in the order in which they were looked up; absent where there are none. */
  readonly tables?: readonly ReadTable[]
  /** What `source.labels` says, and of how many transactions; absent where there is none. */
  readonly labels?: LabelTableRead & LabelHistoryCounts
  /** By which the amounts were read; in minor units of these decimals they stand in the prepared dataset. */
  readonly amounts: AmountRules
  readonly inputRows: number
  readonly acceptedRows: number
  readonly quarantinedRows: number
  /**
   * Quarantined rows by primary reason; reasons without rows are left out. They add up to `quarantinedRows`.
   */
  readonly reasons: readonly ReasonCount[]
  /** Accepted rows whose label says fraud. */
  readonly acceptedFrauds: number
  /**
   * Quarantined rows whose label can be read and says fraud, without those that repeat an accepted row as it
   * is or correct its label: the frauds that nobody will learn from. A row that is no row of the table has no
   * label to read.
   */
  readonly lostFrauds: number
  /** Fields whose times are typed without a zone and so taken as UTC, because no zone is configured. */
  readonly takenAsUtc: readonly SourceField[]
  /** Fields and attributes that have local times which a clock change repeats or skips. */
  readonly clockChanges: readonly ClockChanges[]
  /** Accepted rows that are earlier than the accepted row before them in the source. */
  readonly outOfOrderRows: number
  /** The columns of the source itself; null when reading was not asked for them. */
  readonly profile: SourceProfile | null
  /** Quarantined rows whose time is readable, by UTC day: epoch ms of its start, ascending. */
  readonly quarantinedByDay: readonly DayCount[]
}

/**
 * Reads the configured source into a prepared dataset; rows that cannot be used go to the quarantine with
 * their reasons.
 *
 * 1. The tables beside the source are read into memory (`openTables`), and the source becomes a view of text
 *    columns with row numbers (`openSourceRows`).
 * 2. Every field's expression is checked and bound (`mapFields`).
 * 3. One pass converts all rows into the table `mapped`: typed values and a set of reasons.
 * 4. Rows far after all others are set aside (`markFutureRows`). Good rows get what the tables have for them,
 *    as of their time (`lookUpRows`), and their amounts in the base currency, where there is one
 *    (`convertAmounts`); repeated ids are found among them.
 * 5. Good rows are sorted into arrival order and written; the others go to the quarantine file.
 *
 * @throws the DATASET_ errors of bad input; INTERRUPTED when the work is aborted
 */
export const readSource = async (
  connection: DuckDBConnection,
  source: SourceSettings,
  outputs: ReadOutputs,
  options: ReadOptions,
): Promise<ReadResult> => {
  const { workingDirectory, work, labels, amounts = DEFAULT_AMOUNTS, profile = false } = options
  const { signal, reportProgress } = work
  const interrupt = () => connection.interrupt()
  signal.addEventListener('abort', interrupt)
  try {
    throwIfAborted(signal)
    reportProgress({ activity: 'reading the source', done: 0, unit: 'rows' })
    await createMappingMacros(connection)
    await assertTimeZone(connection, source.time_zone)
    const tables = await openTables(connection, source, workingDirectory, signal)
    const told = await openLabels(connection, source, outputs, options)
    const rows = await openSourceRows(connection, source, workingDirectory, signal)
    const tell = (activity: string, done: number) =>
      reportProgress({ activity, done, total: rows.rows, unit: 'rows' })
    tell('reading the source', rows.rows)
    const fields = await mapFields(connection, fieldsOf(source, rows.columns), rows.columns, labels)
    const bound = await bindAttributes(connection, source, fields, rows.columns)
    throwIfAborted(signal)
    const conversion = { fields, attributes: bound, times: localTimesOf(source), amounts }
    const clocks = await convertRows(connection, conversion, false).catch((error: unknown) => {
      if (!isOfSomeRow(error)) throw error
      return convertRows(connection, conversion, true)
    })
    if (source.future === 'quarantine') await markFutureRows(connection)
    const { attributes, lookups } = await completeRows(connection, conversion, tables, outputs, signal)
    const labelled =
      told && (await applyLabelTable(connection, options.labelDelayMs ?? 0, outputs.labelsPath))
    const counts = await countRows(connection, amounts)
    const clockChanges = await countClockChanges(connection, clocks)
    const profiled = profile ? await profileSource(connection, allOf(conversion), rows.columns) : null
    throwIfAborted(signal)
    tell('writing the prepared dataset', 0)
    const written = await writeRows(connection, outputs, {
      rows,
      conversion,
      attributes,
      counts,
      order: source.order,
    })
    tell('writing the prepared dataset', rows.rows)
    const mapping = mappingOfSource(conversion, rows.format, await columnTypes(connection))
    const ofTables = mappingOfTables(tables, source, workingDirectory)
    return {
      ...resultOf(rows, conversion, counts, written),
      attributes,
      clockChanges: [...clockChanges, ...(told?.clockChanges ?? [])],
      ...(told !== undefined && { labels: { ...told, ...labelled! } }),
      ...(tables.length > 0 && { tables: tables.map(({ read }, at) => ({ ...read, ...lookups[at]! })) }),
      served: { ...mapping, ...(tables.length > 0 && { tables: ofTables }) },
      profile: profiled,
    }
  } catch (error) {
    throw asDatasetError(error, {
      activity: 'reading the source',
      path: String(source.path),
      format: source.format,
    })
  } finally {
    signal.removeEventListener('abort', interrupt)
    const references = Object.keys(source.tables).map(referenceName)
    for (const table of [...MADE, ...references, ...PROFILE_TABLES])
      await connection.run(`DROP TABLE IF EXISTS temp.${table} CASCADE`).catch(() => undefined)
  }
}

/** Step 1, where there are labels and they are asked for. */
const openLabels = async (
  connection: DuckDBConnection,
  source: SourceSettings,
  { labelQuarantinePath }: ReadOutputs,
  { workingDirectory, work, labels }: ReadOptions,
): Promise<LabelTableRead | undefined> => {
  assertLabelPath(source.labels)
  if (!hasLabelTable(source.labels) || labels === 'if there') return undefined
  const { signal } = work
  return readLabelTable(connection, source, workingDirectory, signal, labelQuarantinePath)
}

/** @throws DATASET_SETTING_INVALID where columns of a table are named, and no table */
const assertLabelPath = ({ path, ...columns }: SourceSettings['labels']): void => {
  const named = (['transaction_id', 'is_fraud', 'known_at'] as const).find(
    (key) => columns[key] !== undefined,
  )
  if (path === '' && named !== undefined)
    throw new VigiaError('DATASET_SETTING_INVALID', {
      setting: 'source.labels.path',
      got: '',
      allowed: `a file, because source.labels.${named} names what is in it`,
    })
}

/** A source whose labels come from a table needs none of its own. */
const fieldsOf = (
  { fields, labels }: SourceSettings,
  columns: readonly string[],
): SourceSettings['fields'] =>
  hasLabelTable(labels) && fields.is_fraud === undefined && columnNamed('is_fraud', columns) === undefined
    ? { ...fields, is_fraud: '' }
    : fields

/** Temporary tables of a reading, beside those of its tables and its profile. */
const MADE =
  'told_labels label_history mapped loaded rejected_rows row_shifts repeated_rows corrected_labels looked_up places converted'.split(
    ' ',
  )

interface Written {
  readonly accepted: number
  readonly quarantined: number
}

/** Writes both files. @throws DATASET_ROWS_LOST when they do not hold all rows together */
const writeRows = async (
  connection: DuckDBConnection,
  { preparedPath, quarantinePath }: ReadOutputs,
  {
    rows,
    conversion: { fields, amounts },
    attributes,
    counts,
    order,
  }: {
    readonly rows: SourceRows
    readonly conversion: Conversion
    readonly attributes: readonly SourceAttribute[]
    readonly counts: RowCounts
    readonly order: SourceSettings['order']
  },
): Promise<Written> => {
  const accepted = await writeAtomically(preparedPath, (path) =>
    writePrepared(connection, path, order, counts, preparedNames(attributes, amounts)),
  )
  const quarantined = await writeAtomically(quarantinePath, (path) =>
    writeQuarantine(connection, path, fields, rows.columns, amounts),
  )
  if (accepted + quarantined !== rows.rows)
    throw new VigiaError('DATASET_ROWS_LOST', { input: rows.rows, accepted, quarantined })
  return { accepted, quarantined }
}

const resultOf = (
  rows: SourceRows,
  { fields, times, amounts }: Conversion,
  counts: RowCounts,
  written: Written,
): Omit<ReadResult, 'profile' | 'served' | 'attributes' | 'tables' | 'labels' | 'clockChanges'> => ({
  format: rows.format,
  files: rows.files,
  sourceColumns: rows.columns,
  renamedColumns: rows.renamedColumns,
  mapping: Object.fromEntries(
    fields.map(({ field, expression }) => [field, expression]),
  ) as ReadResult['mapping'],
  amounts,
  inputRows: rows.rows,
  acceptedRows: written.accepted,
  quarantinedRows: written.quarantined,
  reasons: counts.reasons,
  acceptedFrauds: counts.acceptedFrauds,
  lostFrauds: counts.lostFrauds,
  takenAsUtc: fields
    .filter((field) => isTimeField(field.field) && isTakenAsUtc(field, times))
    .map(({ field }) => field),
  outOfOrderRows: counts.outOfOrder,
  quarantinedByDay: counts.badByDay,
})

/** Whether an expression has failed on the values of some row, rather than on all. */
const isOfSomeRow = (error: unknown): boolean =>
  /^(Conversion|Out of Range|Invalid Input) Error/.test(String((error as Error).message))

/** Step 3; returns whose clock changes the rows have. */
const convertRows = async (
  connection: DuckDBConnection,
  conversion: Conversion,
  careful: boolean,
): Promise<readonly string[]> => {
  const { query, columns, reasons, clocks } = convertedRows(conversion, careful)
  const names = preparedNames(conversion.attributes.map(({ attribute }) => attribute))
  // Numbering around rejected rows is a join, which does not keep the order; a plain scan does.
  const order = (await countRejected(connection)) > 0 ? 'ORDER BY source_row' : ''
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE mapped AS SELECT source_row, ${names.map((name) => `${columns.get(name)} AS ${name}`).join(', ')}, "__unreadable", ${clockColumns(clocks)}CAST(${reasons} AS INTEGER) AS reasons FROM (${query}) ${order}`,
  )
  return clocks.map(([name]) => name)
}

/** Step 4: the attributes of rows, those of tables too, and how often each table had a row. */
const completeRows = async (
  connection: DuckDBConnection,
  { attributes: bound, amounts }: Conversion,
  tables: readonly LoadedTable[],
  { tablePath }: ReadOutputs,
  signal: AbortSignal,
): Promise<{
  readonly attributes: readonly SourceAttribute[]
  readonly lookups: readonly LookupCounts[]
}> => {
  const attributes = [...bound.map(({ attribute }) => attribute), ...attributesOfTables(tables)]
  assertDistinct(attributes)
  for (const { definition } of tables)
    if (tablePath !== undefined) await writeSnapshot(connection, definition.name, tablePath(definition.name))
  const lookups = await lookUpRows(connection, tables, preparedNames(attributes), signal)
  await convertAmounts(connection, amounts, attributes)
  await markRepeatedIds(connection, preparedNames(attributes, amounts))
  return { attributes, lookups }
}

/**
 * Step 5. Sorts only when it must: rows that are all good and in order are written as they stand, on all
 * threads.
 */
const writePrepared = async (
  connection: DuckDBConnection,
  path: string,
  order: SourceSettings['order'],
  counts: RowCounts,
  names: readonly string[],
): Promise<number> => {
  const columns = `source_row, ${names.join(', ')}`
  const sorted = order === 'arrival' || counts.outOfOrder === 0
  const rows = `SELECT ${columns} FROM mapped WHERE reasons = 0${sorted ? '' : ' ORDER BY event_time_ms, source_row'}`
  const query =
    sorted && counts.bad === 0
      ? `SELECT rowid AS arrival, ${columns} FROM mapped`
      : `SELECT row_number() OVER () - 1 AS arrival, * FROM (${rows})`
  const written = await connection.run(
    `COPY (${query}) TO ${sqlLiteral(path)} (FORMAT parquet, COMPRESSION zstd)`,
  )
  return written.rowsChanged
}

const assertTimeZone = async (connection: DuckDBConnection, timeZone: string): Promise<void> => {
  if (timeZone === '') return
  const known = await connection.runAndReadAll(
    `SELECT 1 FROM pg_timezone_names() WHERE name = ${sqlLiteral(timeZone)} LIMIT 1`,
  )
  if (known.currentRowCount === 0)
    throw new VigiaError('DATASET_SETTING_INVALID', {
      setting: 'source.time_zone',
      got: timeZone,
      allowed: 'empty, or a name of the IANA time zone database such as Europe/Madrid',
    })
}

const throwIfAborted = (signal: AbortSignal): void => {
  if (signal.aborted) throw new VigiaError('INTERRUPTED', { activity: 'reading the source' })
}

const TIME_FIELDS: readonly SourceField[] = SOURCE_FIELDS.filter(
  ({ kind }) => kind === 'time' || kind === 'label-time',
).map(({ wire }) => wire)

const isTimeField = (field: SourceField): boolean => TIME_FIELDS.includes(field)
