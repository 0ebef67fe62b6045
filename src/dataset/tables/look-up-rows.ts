import { BIGINT, type DuckDBConnection, DuckDBDataChunk, INTEGER } from '@duckdb/node-api'
import { sqlIdentifier } from '../../disk/database.ts'
import { VigiaError } from '../../errors.ts'
import { NO_KEY, placeIn } from '../../lookup/reference-table.ts'
import { type AttributeValue, attributeColumn } from '../../transaction/attributes.ts'
import { isIdField } from '../../transaction/entities.ts'
import { referenceName } from './index-reference.ts'
import type { LoadedTable } from './read-table.ts'

/** How often the usable transactions of a source found a row of a table. */
export interface LookupCounts {
  readonly found: number
  /** It has no row for them, at their time. */
  readonly missing: number
  /** They do not name what it is found by. */
  readonly withoutKey: number
}

/**
 * Gives every usable row of the temporary table `mapped` what the tables have for it, as of its time: by the
 * code that serving runs, so the two cannot differ.
 *
 * @param names columns of `mapped`, as SQL
 * @throws DATASET_SETTING_INVALID when a table is found by an attribute that the source does not have
 * @returns the counts of each table, in the order of `tables`
 */
export const lookUpRows = async (
  connection: DuckDBConnection,
  tables: readonly LoadedTable[],
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly LookupCounts[]> => {
  if (tables.length === 0) return []
  const parts = partsRead(tables)
  for (const { part, of } of parts)
    if (!names.includes(columnOf(part)))
      throw new VigiaError('DATASET_SETTING_INVALID', {
        setting: `source.tables.${of}`,
        got: part,
        allowed: 'found by fields and attributes that the source has',
      })
  const counts = await writePlaces(connection, tables, parts, signal)
  const given = tables.flatMap(({ definition: { name, attributes } }) =>
    attributes.map(({ name: of }) => {
      const column = sqlIdentifier(attributeColumn(of))
      return `${referenceName(name)}.${column} AS ${column}`
    }),
  )
  const joins = tables.map(
    ({ definition: { name } }, at) =>
      `LEFT JOIN ${referenceName(name)} ON ${referenceName(name)}.place = places.p${at}`,
  )
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE looked_up AS
     SELECT rows.*, ${given.join(', ')} FROM mapped AS rows LEFT JOIN places ON places.row = rows.source_row ${joins.join(' ')} ORDER BY rows.source_row`,
  )
  await connection.run('DROP TABLE mapped')
  await connection.run('ALTER TABLE looked_up RENAME TO mapped')
  await connection.run('DROP TABLE places')
  return counts
}

interface PartRead {
  readonly part: string
  /** The table that is found by it. */
  readonly of: string
}

/** What tables are found by and the source has, each once; the rest other tables give. */
const partsRead = (tables: readonly LoadedTable[]): readonly PartRead[] => {
  const given = new Set(tables.flatMap(({ table }) => [...table.columns.keys()]))
  const parts = new Map<string, PartRead>()
  for (const { definition } of tables) {
    const { key, range } = definition.mapping
    for (const { of } of [...key, ...(range === undefined ? [] : [range])])
      if (!given.has(of) && !parts.has(of)) parts.set(of, { part: of, of: definition.name })
  }
  return [...parts.values()]
}

const columnOf = (part: string): string => (isIdField(part) ? part : sqlIdentifier(attributeColumn(part)))

/** Fills the table `places`: for each usable row the places that it finds, NULL where it finds none. */
const writePlaces = async (
  connection: DuckDBConnection,
  tables: readonly LoadedTable[],
  parts: readonly PartRead[],
  signal: AbortSignal,
): Promise<readonly LookupCounts[]> => {
  const columns = tables.map((_, at) => `p${at} INTEGER`)
  await connection.run(`CREATE OR REPLACE TEMP TABLE places (row BIGINT, ${columns.join(', ')})`)
  const counts = tables.map(() => ({ found: 0, missing: 0, withoutKey: 0 }))
  const selected = ['source_row', 'event_time_ms::DOUBLE', ...parts.map(({ part }) => columnOf(part))]
  const last = await lastRow(connection)
  const appender = await connection.createAppender('places', 'main', 'temp')
  const types = [BIGINT, ...tables.map(() => INTEGER)]
  const chained = columnsForOthers(tables)
  const values = new Map<string, AttributeValue | undefined>()
  const read = (part: string): AttributeValue | undefined => values.get(part)
  // In parts, since a connection that streams a result cannot be appended to.
  for (let from = 0; from <= last; from += ROWS_AT_ONCE) {
    signal.throwIfAborted()
    const reader = await connection.runAndReadAll(
      `SELECT ${selected.join(', ')} FROM mapped WHERE reasons = 0 AND source_row >= ${from} AND source_row < ${from + ROWS_AT_ONCE}`,
    )
    const rows = reader.getRows()
    for (let start = 0; start < rows.length; start += CHUNK) {
      const found = rows.slice(start, start + CHUNK).map((row) => {
        for (const [at, { part }] of parts.entries())
          values.set(part, (row[2 + at] as AttributeValue | null) ?? undefined)
        const places = tables.map(({ table }, at) => {
          const place = placeIn(table, row[1] as number, read)
          for (const [name, store] of chained[at]!) values.set(name, place < 0 ? undefined : store.get(place))
          if (place >= 0) counts[at]!.found++
          else if (place === NO_KEY) counts[at]!.withoutKey++
          else counts[at]!.missing++
          return place < 0 ? null : place
        })
        return [row[0] as bigint, ...places]
      })
      const chunk = DuckDBDataChunk.create(types, found.length)
      chunk.setRows(found)
      appender.appendDataChunk(chunk)
    }
  }
  appender.closeSync()
  return counts
}

/** Of each table the columns that others are found by. */
const columnsForOthers = (tables: readonly LoadedTable[]) => {
  const parts = new Set(
    tables.flatMap(({ definition: { mapping } }) => [
      ...mapping.key.map(({ of }) => of),
      ...(mapping.range === undefined ? [] : [mapping.range.of]),
    ]),
  )
  return tables.map(({ table }) => [...table.columns].filter(([name]) => parts.has(name)))
}

const ROWS_AT_ONCE = 100_000
/** Rows of a chunk of DuckDB. */
const CHUNK = 2048

const lastRow = async (connection: DuckDBConnection): Promise<number> => {
  const reader = await connection.runAndReadAll('SELECT max(source_row)::DOUBLE FROM mapped')
  return (reader.getRows()[0]![0] as number | null) ?? -1
}
