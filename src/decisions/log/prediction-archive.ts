import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  BOOLEAN,
  DOUBLE,
  type DuckDBConnection,
  DuckDBDataChunk,
  type DuckDBType,
  VARCHAR,
} from '@duckdb/node-api'
import { type DatabaseSettings, sqlIdentifier, sqlLiteral, withDatabase } from '../../disk/database.ts'
import { writeAtomically } from '../../disk/write-atomically.ts'
import { VigiaError } from '../../errors.ts'
import type { LogRecord } from '../../ports/prediction-log.ts'
import type { Transaction } from '../../transaction/transaction.ts'
import { type DecisionEntry, decodeLogEntry, type LabelEntry, type LogEntry } from './log-record.ts'
import type { ModelDocument } from './model-document.ts'

/** What a segment of the log became. */
export interface ArchivedSegment {
  readonly files: readonly string[]
  readonly records: number
  /** Of the log, not of the entries in it. */
  readonly lastSequence: number
}

/**
 * The log as dated Parquet, for whoever analyses, trains and compares:
 *
 *     <folder>/predictions/date=2026-11-23/000000000001-0f3a9c….parquet   one file per segment, model and UTC day of the decision
 *     <folder>/labels/date=2026-11-23/000000000001.parquet
 *
 * A prediction's row: its place, answer, model and transaction (`DECISION_COLUMNS`), then every computed
 * feature by its name.
 */
export interface PredictionArchive {
  readonly folder: string
  /** Writes one segment; a repetition writes the same files again. */
  write(segment: string, records: AsyncIterable<LogRecord>): Promise<ArchivedSegment>
  /** The record of that sequence number among all files; undefined when none has it. */
  find(sequence: number): Promise<LogEntry | undefined>
}

export interface PredictionArchiveOptions {
  readonly folder: string
  readonly database: DatabaseSettings
  /** What a log record's model computed. @throws SERVING_LOG_DAMAGED when nobody knows */
  readonly modelOf: (key: string) => Promise<ModelDocument>
}

/** Rows handed to the database at a time: under a millisecond of the event loop. */
const CHUNK_ROWS = 128

/** Columns before the features, in order, with what they hold. */
const DECISION_COLUMNS: Readonly<
  Record<
    string,
    readonly [DuckDBType, (sequence: number, decision: DecisionEntry, model: ModelDocument) => unknown]
  >
> = {
  sequence: [DOUBLE, (sequence) => sequence],
  decided_at_ms: [DOUBLE, (_, { decidedAtMs }) => decidedAtMs],
  probability: [DOUBLE, (_, { probability }) => probability],
  is_flagged: [BOOLEAN, (_, { isFlagged }) => isFlagged],
  risk_level: [VARCHAR, (_, { riskLevel }) => riskLevel],
  threshold: [DOUBLE, (_, { threshold }) => threshold],
  model_key: [VARCHAR, (_, { model }) => model],
  model_name: [VARCHAR, (_, __, { name }) => name],
  model_version: [VARCHAR, (_, __, { version }) => version],
  role: [VARCHAR, (_, { role }) => role],
  latency_ms: [DOUBLE, (_, { latencyMs }) => latencyMs],
  shadow_model_key: [VARCHAR, (_, { shadow }) => shadow?.model],
  shadow_probability: [DOUBLE, (_, { shadow }) => shadow?.probability],
  shadow_is_flagged: [BOOLEAN, (_, { shadow }) => shadow?.isFlagged],
  transaction_id: [VARCHAR, (_, { transaction }) => transaction.transactionId],
  user_id: [VARCHAR, (_, { transaction }) => transaction.userId],
  event_time_ms: [DOUBLE, (_, { transaction }) => transaction.eventTimeMs],
  amount_minor: [DOUBLE, (_, { transaction }) => transaction.amountMinor],
  currency: [VARCHAR, (_, { transaction }) => transaction.currency],
  merchant_id: [VARCHAR, (_, { transaction }) => transaction.merchantId],
  merchant_category: [VARCHAR, (_, { transaction }) => transaction.merchantCategory],
  transaction_type: [VARCHAR, (_, { transaction }) => transaction.transactionType],
  device_id: [VARCHAR, (_, { transaction }) => transaction.deviceId],
  device_type: [VARCHAR, (_, { transaction }) => transaction.deviceType],
  location: [VARCHAR, (_, { transaction }) => transaction.location],
  latitude: [DOUBLE, (_, { transaction }) => transaction.latitude],
  longitude: [DOUBLE, (_, { transaction }) => transaction.longitude],
}

/** The transaction's fields by column. */
const TRANSACTION_COLUMNS: Readonly<Record<string, keyof Transaction>> = {
  transaction_id: 'transactionId',
  user_id: 'userId',
  event_time_ms: 'eventTimeMs',
  amount_minor: 'amountMinor',
  currency: 'currency',
  merchant_id: 'merchantId',
  merchant_category: 'merchantCategory',
  transaction_type: 'transactionType',
  device_id: 'deviceId',
  device_type: 'deviceType',
  location: 'location',
  latitude: 'latitude',
  longitude: 'longitude',
}

const LABEL_COLUMNS: Readonly<
  Record<string, readonly [DuckDBType, (sequence: number, label: LabelEntry) => unknown]>
> = {
  sequence: [DOUBLE, (sequence) => sequence],
  received_at_ms: [DOUBLE, (_, { receivedAtMs }) => receivedAtMs],
  transaction_id: [VARCHAR, (_, { transactionId }) => transactionId],
  is_fraud: [BOOLEAN, (_, { isFraud }) => isFraud],
  is_applied: [BOOLEAN, (_, { isApplied }) => isApplied],
  user_id: [VARCHAR, (_, { userId }) => userId],
  merchant_id: [VARCHAR, (_, { merchantId }) => merchantId],
  device_id: [VARCHAR, (_, { deviceId }) => deviceId],
  event_time_ms: [DOUBLE, (_, { eventTimeMs }) => eventTimeMs],
}

export const createPredictionArchive = (options: PredictionArchiveOptions): PredictionArchive => {
  const { folder, database, modelOf } = options
  const predictions = join(folder, 'predictions')
  const labels = join(folder, 'labels')
  return {
    folder,
    write: (segment, records) =>
      withDatabase(database, async (connection) => {
        const tables = new Map<string, TableWriter>()
        let count = 0
        let lastSequence = 0
        for await (const { sequence, payload } of records) {
          const entry = decodeLogEntry(payload)
          if (entry === undefined)
            throw new VigiaError('SERVING_LOG_DAMAGED', {
              segment,
              offset: 0,
              reason: `record ${sequence} is of an unknown kind`,
            })
          const table = await tableFor(connection, tables, entry, segment)
          table.add(entry)
          count++
          lastSequence = sequence
          if (count % CHUNK_ROWS === 0) await nextTurn()
        }
        const files: string[] = []
        for (const table of tables.values()) {
          table.finish()
          await mkdir(join(table.path, '..'), { recursive: true })
          await writeAtomically(table.path, (path) =>
            connection.run(
              `COPY (SELECT * FROM ${table.name} ORDER BY sequence) TO ${sqlLiteral(path)} (FORMAT parquet, COMPRESSION zstd)`,
            ),
          )
          files.push(table.path)
        }
        return { files, records: count, lastSequence }
      }),
    find: (sequence) =>
      withDatabase(database, async (connection) => {
        for await (const entry of readArchive(connection, [folder], modelOf, sequence)) return entry
        return undefined
      }),
  }

  async function tableFor(
    connection: DuckDBConnection,
    tables: Map<string, TableWriter>,
    entry: LogEntry,
    segment: string,
  ): Promise<TableWriter> {
    const at = entry.kind === 'decision' ? entry.decision.decidedAtMs : entry.label.receivedAtMs
    const date = new Date(at).toISOString().slice(0, 10)
    const key = entry.kind === 'decision' ? `${date} ${entry.decision.model}` : `${date} labels`
    const known = tables.get(key)
    if (known !== undefined) return known
    const name = `archived_${tables.size}`
    const dated = `date=${date}`
    const base = segment.replace(/\.[a-z]+$/, '')
    const made =
      entry.kind === 'decision'
        ? await decisionTable(
            connection,
            name,
            join(predictions, dated, `${base}-${entry.decision.model}.parquet`),
            await modelOf(entry.decision.model),
          )
        : await labelTable(connection, name, join(labels, dated, `${base}.parquet`))
    tables.set(key, made)
    return made
  }
}

/**
 * The entries in the archives `folders` in the order of their sequence numbers; with `only`, those of that
 * number alone. A record that was moved to two logs stands in both and comes once. Different records with one
 * number come one after the other: a Redis that lost its last second has given the number again. The database
 * sorts, on disk where they do not fit in memory.
 */
export async function* readArchive(
  connection: DuckDBConnection,
  folders: readonly string[],
  modelOf: PredictionArchiveOptions['modelOf'],
  only?: number,
): AsyncGenerator<LogEntry> {
  const filesOf = async (kind: string): Promise<string[]> =>
    (await Promise.all(folders.map((folder) => parquetFiles(join(folder, kind))))).flat()
  const where = only === undefined ? '' : `WHERE sequence = ${only}`
  const query = (files: readonly string[]): string =>
    `SELECT * FROM read_parquet([${files.map(sqlLiteral).join(', ')}], union_by_name = true, hive_partitioning = false) ${where} ORDER BY sequence, transaction_id`
  const labelFiles = await filesOf('labels')
  const labels: LogEntry[] = []
  if (labelFiles.length > 0) {
    const rows = await connection.runAndReadAll(query(labelFiles))
    labels.push(
      ...rows
        .getRowObjects()
        .filter((row, at, all) => !isSameRecord(row, all[at - 1]))
        .map(labelEntry),
    )
  }
  const decisionFiles = await filesOf('predictions')
  let nextLabel = 0
  let last: RecordName | undefined
  if (decisionFiles.length > 0) {
    const result = await connection.stream(query(decisionFiles))
    const columns = new Map(result.columnNames().map((name, at) => [name, at]))
    for (;;) {
      const chunk = await result.fetchChunk()
      if (chunk === null || chunk.rowCount === 0) break
      const vectors = Array.from({ length: chunk.columnCount }, (_, at) => chunk.getColumnVector(at))
      for (let row = 0; row < chunk.rowCount; row++) {
        const value = (name: string): unknown => vectors[columns.get(name)!]!.getItem(row) ?? undefined
        const sequence = value('sequence') as number
        const name: RecordName = { sequence, transaction_id: value('transaction_id') }
        if (isSameRecord(name, last)) continue
        last = name
        while (nextLabel < labels.length && labels[nextLabel]!.sequence < sequence) yield labels[nextLabel++]!
        const { computed } = await modelOf(value('model_key') as string)
        const vector = Float64Array.from(
          computed,
          (name) => (value(name) as number | undefined) ?? Number.NaN,
        )
        yield decisionEntry(value, vector)
      }
    }
  }
  while (nextLabel < labels.length) yield labels[nextLabel++]!
}

type RecordName = Readonly<Record<'sequence' | 'transaction_id', unknown>>

/** Sorted, a record of two logs stands beside itself. */
const isSameRecord = (row: Partial<RecordName>, before: Partial<RecordName> | undefined): boolean =>
  row.sequence === before?.sequence && row.transaction_id === before?.transaction_id

/** Rows of one file, gathered in a table. */
interface TableWriter {
  readonly name: string
  readonly path: string
  add(entry: LogEntry): void
  finish(): void
}

const decisionTable = async (
  connection: DuckDBConnection,
  name: string,
  path: string,
  model: ModelDocument,
): Promise<TableWriter> => {
  const base = Object.entries(DECISION_COLUMNS)
  const types = [...base.map(([, [type]]) => type), ...model.computed.map(() => DOUBLE)]
  const names = [...base.map(([column]) => column), ...model.computed]
  return tableWriter(connection, name, path, names, types, (entry) => {
    if (entry.kind !== 'decision') return []
    const values = base.map(([, [, value]]) => value(entry.sequence, entry.decision, model) ?? null)
    for (const number of entry.vector) values.push(number)
    return values
  })
}

const labelTable = (connection: DuckDBConnection, name: string, path: string): Promise<TableWriter> => {
  const base = Object.entries(LABEL_COLUMNS)
  return tableWriter(
    connection,
    name,
    path,
    base.map(([column]) => column),
    base.map(([, [type]]) => type),
    (entry) =>
      entry.kind === 'label' ? base.map(([, [, value]]) => value(entry.sequence, entry.label) ?? null) : [],
  )
}

const tableWriter = async (
  connection: DuckDBConnection,
  name: string,
  path: string,
  names: readonly string[],
  types: readonly DuckDBType[],
  rowOf: (entry: LogEntry) => unknown[],
): Promise<TableWriter> => {
  const columns = names.map((column, at) => `${sqlIdentifier(column)} ${types[at]!.toString()}`)
  await connection.run(`CREATE TEMP TABLE ${name} (${columns.join(', ')})`)
  const appender = await connection.createAppender(name)
  let rows: unknown[][] = []
  const flush = (): void => {
    if (rows.length === 0) return
    const chunk = DuckDBDataChunk.create(types, rows.length)
    for (let column = 0; column < types.length; column++)
      chunk.setColumnValues(column, rows.map((row) => row[column]) as never)
    appender.appendDataChunk(chunk)
    rows = []
  }
  return {
    name,
    path,
    add: (entry) => {
      rows.push(rowOf(entry))
      if (rows.length === CHUNK_ROWS) flush()
    },
    finish: () => {
      flush()
      appender.closeSync()
    },
  }
}

const decisionEntry = (value: (name: string) => unknown, vector: Float64Array): LogEntry => {
  const transaction = Object.fromEntries(
    Object.entries(TRANSACTION_COLUMNS)
      .map(([column, field]) => [field, value(column)] as const)
      .filter(([, field]) => field !== undefined),
  ) as unknown as Transaction
  const shadow = value('shadow_model_key') as string | undefined
  return {
    sequence: value('sequence') as number,
    kind: 'decision',
    vector,

    decision: {
      transaction,
      decidedAtMs: value('decided_at_ms') as number,
      probability: value('probability') as number,
      isFlagged: value('is_flagged') as boolean,
      riskLevel: value('risk_level') as DecisionEntry['riskLevel'],
      threshold: value('threshold') as number,
      model: value('model_key') as string,
      role: value('role') as DecisionEntry['role'],
      latencyMs: value('latency_ms') as number,
      ...(shadow !== undefined && {
        shadow: {
          model: shadow,
          probability: value('shadow_probability') as number,
          isFlagged: value('shadow_is_flagged') as boolean,
        },
      }),
    },
  }
}

const labelEntry = (row: Readonly<Record<string, unknown>>): LogEntry => {
  const optional = (column: string, name: string) => (row[column] === null ? {} : { [name]: row[column] })
  return {
    sequence: row['sequence'] as number,
    kind: 'label',

    label: {
      transactionId: row['transaction_id'] as string,
      isFraud: row['is_fraud'] as boolean,
      isApplied: row['is_applied'] as boolean,
      receivedAtMs: row['received_at_ms'] as number,
      userId: row['user_id'] as string,
      ...optional('merchant_id', 'merchantId'),
      ...optional('device_id', 'deviceId'),
      eventTimeMs: row['event_time_ms'] as number,
    },
  }
}

const parquetFiles = async (root: string): Promise<string[]> => {
  const names = await readdir(root, { recursive: true }).catch(() => [])
  return names
    .filter((name) => name.endsWith('.parquet'))
    .map((name) => join(root, name).replaceAll('\\', '/'))
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
