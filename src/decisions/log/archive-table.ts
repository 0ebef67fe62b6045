import {
  DOUBLE,
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBDoubleVector,
  type DuckDBType,
} from '@duckdb/node-api'
import { sqlIdentifier } from '../../disk/database.ts'
import { withOneNaN } from '../../foundation/one-nan.ts'
import { DECISION_COLUMNS, featureColumn, LABEL_COLUMNS, REPAIR_COLUMNS } from './archive-columns.ts'
import type { LogEntry } from './log-record.ts'
import type { ModelDocument } from './model-document.ts'

/** Rows handed to the database at a time: under a millisecond of the event loop. */
export const CHUNK_ROWS = 128

/** Rows of one file of the archive, gathered in a table of the database. */
export interface ArchiveTable {
  /** Of the table. */
  readonly name: string
  /** Of the file that it will be. */
  readonly path: string
  add(entry: LogEntry): void
  /** After the last row. */
  finish(): void
}

/** For decisions of one model: `DECISION_COLUMNS`, then its features. */
export const createDecisionTable = (
  connection: DuckDBConnection,
  name: string,
  path: string,
  model: ModelDocument,
): Promise<ArchiveTable> =>
  createTable(
    connection,
    name,
    path,
    [
      ...DECISION_COLUMNS,
      ...model.computed.map((feature) => ({ name: featureColumn(feature), type: DOUBLE })),
    ],
    (entry) => {
      if (entry.kind !== 'decision') return []
      const values = DECISION_COLUMNS.map(({ write }) => write(entry, model) ?? null)
      for (const number of entry.vector) values.push(number)
      return values
    },
  )

/** For labels: `LABEL_COLUMNS`. */
export const createLabelTable = (
  connection: DuckDBConnection,
  name: string,
  path: string,
): Promise<ArchiveTable> =>
  createTable(connection, name, path, LABEL_COLUMNS, (entry) =>
    entry.kind === 'label' ? LABEL_COLUMNS.map(({ write }) => write(entry) ?? null) : [],
  )

/** For repaired states: `REPAIR_COLUMNS`. */
export const createRepairTable = (
  connection: DuckDBConnection,
  name: string,
  path: string,
): Promise<ArchiveTable> =>
  createTable(connection, name, path, REPAIR_COLUMNS, (entry) =>
    entry.kind === 'repair' ? REPAIR_COLUMNS.map(({ write }) => write(entry) ?? null) : [],
  )

const createTable = async (
  connection: DuckDBConnection,
  name: string,
  path: string,
  columns: readonly { readonly name: string; readonly type: DuckDBType }[],
  rowOf: (entry: LogEntry) => unknown[],
): Promise<ArchiveTable> => {
  const types = columns.map(({ type }) => type)
  const definitions = columns.map((column) => `${sqlIdentifier(column.name)} ${column.type.toString()}`)
  await connection.run(`CREATE TEMP TABLE ${name} (${definitions.join(', ')})`)
  const appender = await connection.createAppender(name)
  let rows: unknown[][] = []
  const flush = (): void => {
    if (rows.length === 0) return
    const chunk = DuckDBDataChunk.create(types, rows.length)
    for (let column = 0; column < types.length; column++) {
      chunk.setColumnValues(column, rows.map((row) => row[column]) as never)
      const vector = chunk.getColumnVector(column)
      if (!(vector instanceof DuckDBDoubleVector)) continue
      withOneNaN((vector as unknown as { readonly items: Float64Array }).items)
      vector.flush()
    }
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
