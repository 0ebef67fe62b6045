import { DOUBLE, type DuckDBConnection, DuckDBDataChunk, type DuckDBVector, UTINYINT } from '@duckdb/node-api'
import type { LabelsSettings } from '../../config/sections/labels.ts'
import { sqlLiteral } from '../../disk/database.ts'
import { writeAtomically } from '../../disk/write-atomically.ts'
import { parseDuration } from '../../foundation/duration.ts'
import { judgedLabelSql } from '../unlabelled.ts'
import { PART_NAMES, type SplitRows, UNLABELLED } from './part.ts'

/** Each transaction is its own user where the bank knows none. */
const USER = 'coalesce(user_id, transaction_id)'

/** Rows of one DuckDB vector. */
const CHUNK_ROWS = 2048

/**
 * Reads what a split looks at from a prepared dataset: 21 bytes a row, indexed by `arrival`. A label without
 * a time of its own is known `labels.delay` after its transaction.
 */
export const readSplitRows = async (
  connection: DuckDBConnection,
  prepared: string,
  labels: LabelsSettings,
): Promise<SplitRows> => {
  const source = `read_parquet(${sqlLiteral(prepared)})`
  const labelDelayMs = parseDuration(labels.delay)
  const counted = await connection.runAndReadAll(`SELECT count(*)::DOUBLE FROM ${source}`)
  const count = counted.getRows()[0]![0] as number
  const rows: SplitRows = {
    eventTimesMs: new Float64Array(count),
    labels: new Int8Array(count),
    knownAtMs: new Float64Array(count),
    users: new Uint32Array(count),
  }
  const result = await connection.stream(
    `SELECT arrival::DOUBLE, event_time_ms::DOUBLE, coalesce(${judgedLabelSql(labels, source)}, ${UNLABELLED})::DOUBLE,
            coalesce(labelled_at_ms, event_time_ms + ${labelDelayMs})::DOUBLE, user_number::DOUBLE
     FROM (SELECT *, ${USER} AS own_user FROM ${source}) JOIN (
       SELECT own_user, row_number() OVER () - 1 AS user_number FROM (SELECT DISTINCT ${USER} AS own_user FROM ${source})
     ) USING (own_user)`,
  )
  for (;;) {
    const chunk = await result.fetchChunk()
    if (chunk === null || chunk.rowCount === 0) return rows
    const [arrival, time, label, known, user] = [0, 1, 2, 3, 4].map((index) =>
      numbersOf(chunk.getColumnVector(index)),
    )
    for (let i = 0; i < chunk.rowCount; i++) {
      // The join gives rows in any order; each says its own place.
      const row = arrival![i]!
      rows.eventTimesMs[row] = time![i]!
      rows.labels[row] = label![i]!
      rows.knownAtMs[row] = known![i]!
      rows.users[row] = user![i]!
    }
  }
}

/**
 * Writes one row a transaction, in arrival order: `arrival` BIGINT and `part` VARCHAR (train, validation,
 * test, none), and `weight` DOUBLE where there are weights.
 */
export const writeParts = async (
  connection: DuckDBConnection,
  parts: Uint8Array,
  out: string,
  weights?: Float64Array,
): Promise<void> => {
  const types = weights === undefined ? [UTINYINT] : [UTINYINT, DOUBLE]
  const columns = ['part UTINYINT', ...(weights === undefined ? [] : ['weight DOUBLE'])].join(', ')
  await connection.run(`CREATE OR REPLACE TEMP TABLE assigned_parts (${columns})`)
  const appender = await connection.createAppender('assigned_parts')
  for (let from = 0; from < parts.length; from += CHUNK_ROWS) {
    const slice = parts.subarray(from, from + CHUNK_ROWS)
    const chunk = DuckDBDataChunk.create(types, slice.length)
    fillColumn(chunk, 0, slice)
    if (weights !== undefined) fillColumn(chunk, 1, weights.subarray(from, from + CHUNK_ROWS))
    appender.appendDataChunk(chunk)
  }
  appender.closeSync()
  const names = PART_NAMES.map(sqlLiteral).join(', ')
  await writeAtomically(out, (path) =>
    connection.run(
      `COPY (SELECT rowid AS arrival, list_extract([${names}], part + 1) AS part${weights === undefined ? '' : ', weight'} FROM assigned_parts ORDER BY rowid)
       TO ${sqlLiteral(path)} (FORMAT parquet, COMPRESSION zstd)`,
    ),
  )
  await connection.run('DROP TABLE assigned_parts')
}

const fillColumn = (chunk: DuckDBDataChunk, index: number, values: Uint8Array | Float64Array): void => {
  const vector = chunk.getColumnVector(index) as unknown as {
    readonly items: { set(from: ArrayLike<number>): void }
    flush(): void
  }
  vector.items.set(values)
  vector.flush()
}

const numbersOf = (vector: DuckDBVector): Float64Array =>
  (vector as unknown as { readonly items: Float64Array }).items
