import {
  DOUBLE,
  type DuckDBAppender,
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBDoubleVector,
  type DuckDBType,
} from '@duckdb/node-api'
import { type DatabaseSettings, type OpenDatabase, openDatabase, sqlIdentifier } from '../../disk/database.ts'
import { withOneNaN } from '../../foundation/one-nan.ts'
import { DECISION_COLUMNS, featureColumn, LABEL_COLUMNS, REPAIR_COLUMNS } from './archive-columns.ts'
import type { LogEntry } from './log-record.ts'
import type { ModelDocument } from './model-document.ts'

/** Rows handed to the database at a time: under a millisecond of the event loop. */
export const CHUNK_ROWS = 128

/** Rows of one file of the archive, gathered in a table of the database until they are written. */
export interface ArchiveTable {
  /** Of the file that it will be. */
  readonly path: string
  readonly columns: number
  /** @param bytes of its record: what it weighs until it is written */
  add(entry: LogEntry, bytes: number): Promise<void>
  /** Bytes of the records that were not written yet. */
  readonly bytes: number
  /** Every row so far had a number above the one before it. */
  readonly isInOrder: boolean
  /** `write` gets the rows since the last time, as a query. After it the table is empty. */
  empty(write: (connection: DuckDBConnection, query: string) => Promise<void>): Promise<void>
  close(): void
}

/** For decisions of one model: `DECISION_COLUMNS`, then its features. */
export const createDecisionTable = (
  database: DatabaseSettings,
  path: string,
  model: ModelDocument,
): Promise<ArchiveTable> =>
  createTable(
    database,
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
export const createLabelTable = (database: DatabaseSettings, path: string): Promise<ArchiveTable> =>
  createTable(database, path, LABEL_COLUMNS, (entry) =>
    entry.kind === 'label' ? LABEL_COLUMNS.map(({ write }) => write(entry) ?? null) : [],
  )

/** For repaired states: `REPAIR_COLUMNS`. */
export const createRepairTable = (database: DatabaseSettings, path: string): Promise<ArchiveTable> =>
  createTable(database, path, REPAIR_COLUMNS, (entry) =>
    entry.kind === 'repair' ? REPAIR_COLUMNS.map(({ write }) => write(entry) ?? null) : [],
  )

const createTable = async (
  database: DatabaseSettings,
  path: string,
  columns: readonly { readonly name: string; readonly type: DuckDBType }[],
  rowOf: (entry: LogEntry) => unknown[],
): Promise<ArchiveTable> => {
  const types = columns.map(({ type }) => type)
  const definitions = columns.map((column) => `${sqlIdentifier(column.name)} ${column.type.toString()}`)
  let gathered: Gathered | undefined
  const chunk = DuckDBDataChunk.create(types)
  let rows: unknown[][] = []
  let bytes = 0
  let isInOrder = true
  let last = 0
  const flush = async (): Promise<Gathered> => {
    gathered ??= await openGathered(database, definitions.join(', '))
    if (rows.length > 0) {
      fill(chunk, types, rows)
      gathered.appender.appendDataChunk(chunk)
      rows = []
    }
    return gathered
  }
  return {
    path,
    columns: columns.length,
    get bytes() {
      return bytes
    },
    get isInOrder() {
      return isInOrder
    },
    add: async (entry, recordBytes) => {
      rows.push(rowOf(entry))
      bytes += recordBytes
      if (entry.sequence <= last) isInOrder = false
      last = entry.sequence
      if (rows.length === CHUNK_ROWS) await flush()
    },
    empty: async (write) => {
      const { appender, open } = await flush()
      appender.closeSync()
      await write(open.connection, `SELECT * FROM ${GATHERED}`)
      open.close()
      gathered = undefined
      bytes = 0
    },
    close: () => gathered?.open.close(),
  }
}

const GATHERED = 'gathered'

/**
 * Rows in a database of their own. It ends with them: what DuckDB keeps for later, and what its results hold
 * until JavaScript's memory is collected, would add up over the parts of a long segment.
 */
interface Gathered {
  readonly open: OpenDatabase
  readonly appender: DuckDBAppender
}

const openGathered = async (database: DatabaseSettings, columns: string): Promise<Gathered> => {
  const open = await openDatabase(database)
  try {
    await open.connection.run(`CREATE TEMP TABLE ${GATHERED} (${columns})`)
    return { open, appender: await open.connection.createAppender(GATHERED) }
  } catch (error) {
    open.close()
    throw error
  }
}

/**
 * One chunk serves all rows of a table: it has room for 2048 of them outside of what V8 sees, and would be
 * there until V8 collects, which has no reason to.
 */
const fill = (
  chunk: DuckDBDataChunk,
  types: readonly DuckDBType[],
  rows: readonly (readonly unknown[])[],
): void => {
  chunk.reset()
  chunk.rowCount = rows.length
  for (let column = 0; column < types.length; column++) {
    chunk.setColumnValues(column, rows.map((row) => row[column]) as never)
    const vector = chunk.getColumnVector(column)
    if (!(vector instanceof DuckDBDoubleVector)) continue
    withOneNaN((vector as unknown as { readonly items: Float64Array }).items)
    vector.flush()
  }
}
