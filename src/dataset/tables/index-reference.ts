import type { DuckDBConnection } from '@duckdb/node-api'
import { sqlIdentifier } from '../../disk/database.ts'
import { VigiaError } from '../../errors.ts'
import { type ColumnStore, columnStore } from '../../lookup/column-store.ts'
import { addressOf, networkOf } from '../../lookup/ip-address.ts'
import { keyOfRange, type ReferenceTable } from '../../lookup/reference-table.ts'
import { KEY_SEPARATOR, tableIndexBuilder } from '../../lookup/table-index.ts'
import { type Attribute, attributeColumn } from '../../transaction/attributes.ts'
import type { TableDefinition } from './table-definition.ts'
import { type FoundBy, foundByOf } from './table-query.ts'

/** The temporary table of the connection that has the rows: `place` and a column for each attribute. */
export const referenceName = (table: string): string => sqlIdentifier(`reference_${table}`)

/** What is read into memory. */
export interface IndexedTable extends Pick<TableDefinition, 'name' | 'mapping'> {
  readonly attributes: readonly Attribute[]
}

/** A table in memory, and what of its rows could not be used. */
export interface Indexed {
  readonly table: ReferenceTable
  readonly unreadableRows: number
  /** Rows whose range is none, which only reading addresses shows, and the first of them. */
  readonly badRanges: number
  readonly firstBadRange: number
}

/** A row of the reference table, by the names of `columnsRead`. */
type Cells = readonly unknown[]

/**
 * Reads the usable rows of `referenceName` into memory, some at a time.
 *
 * @throws DATASET_TABLE_ROWS_CLASH, DATASET_TABLE_TOO_LARGE
 */
export const indexReference = async (
  connection: DuckDBConnection,
  { name, mapping, attributes }: IndexedTable,
  signal: AbortSignal,
): Promise<Indexed> => {
  const counted = await connection.runAndReadAll(
    `SELECT count(*)::DOUBLE FROM ${referenceName(name)} WHERE why IS NULL`,
  )
  const rows = counted.getRows()[0]![0] as number
  if (rows > MOST_ROWS)
    throw new VigiaError('DATASET_TABLE_TOO_LARGE', { table: name, rows, allowed: MOST_ROWS })
  const foundBy = foundByOf(mapping)
  const stores = attributes.map((attribute) => columnStore(attribute.kind, rows))
  const isSame = (place: number, other: number): boolean =>
    stores.every((store) => store.get(place) === store.get(other))
  const builder = tableIndexBuilder(name, rows, isSame)
  const readRow = rowReader(foundBy, mapping.range?.kind)
  let unreadableRows = 0
  let badRanges = 0
  let firstBadRange = 0
  const columns = columnsRead(foundBy, attributes)
  const result = await connection.stream(
    `SELECT ${columns.join(', ')} FROM ${referenceName(name)} WHERE why IS NULL ORDER BY place`,
  )
  const firstValue = columns.length - attributes.length
  for (;;) {
    signal.throwIfAborted()
    const chunk = await result.fetchChunk()
    if (chunk === null || chunk.rowCount === 0) break
    for (const cells of chunk.getRows() as readonly Cells[]) {
      const place = Number(cells[0])
      for (const [at, store] of stores.entries()) store.set(place, cells[firstValue + at])
      const row = readRow(cells)
      if (row === undefined) {
        badRanges++
        firstBadRange ||= Number(cells[1])
        continue
      }
      if (cells[2] === true) unreadableRows++
      builder.add(row)
    }
  }
  const index = builder.finish()
  const byName = new Map<string, ColumnStore>(attributes.map(({ name: of }, at) => [of, stores[at]!]))
  return {
    table: { name, mapping, index, columns: byName, rows: rows - badRanges },
    unreadableRows,
    badRanges,
    firstBadRange,
  }
}

/** Keys of a Map of JavaScript are at most 2^24. */
const MOST_ROWS = 16_000_000

const FIXED = ['place::DOUBLE', 'source_row::DOUBLE', 'unreadable']
const NOTHING = 'NULL::DOUBLE'

const columnsRead = (
  { keys, from, to, network, validFrom, validTo, knownFrom }: FoundBy,
  attributes: readonly Attribute[],
): readonly string[] => [
  ...FIXED,
  ...keys,
  network ?? from ?? NOTHING,
  to ?? NOTHING,
  ...[validFrom, validTo, knownFrom].map((time) => (time === undefined ? NOTHING : `${time}::DOUBLE`)),
  ...attributes.map(({ name, kind }) => {
    const column = sqlIdentifier(attributeColumn(name))
    return kind === 'time' ? `${column}::DOUBLE` : column
  }),
]

/** Makes a row of the index; undefined where its addresses are none. */
const rowReader = ({ keys, network }: FoundBy, range: 'number' | 'address' | undefined) => {
  const first = FIXED.length + keys.length
  const endsOf = (from: unknown, to: unknown): readonly (number | string)[] | undefined => {
    if (range === 'number') return [from as number, to as number]
    if (network !== undefined) return networkOf(from as string)
    const [first, last] = [addressOf(from as string), addressOf(to as string)]
    return first === undefined || last === undefined ? undefined : [first, last]
  }
  return (cells: Cells) => {
    const ends = range === undefined ? [] : endsOf(cells[first], cells[first + 1])
    if (ends === undefined) return undefined
    const [from, to] = ends
    if (typeof from !== typeof to || from! > to!) return undefined
    const key = cells.slice(FIXED.length, first).join(KEY_SEPARATOR)
    return {
      place: cells[0] as number,
      sourceRow: cells[1] as number,
      key: from === undefined ? key : keyOfRange(key, from),
      ...(from !== undefined && to !== undefined && { from, to }),
      validFromMs: (cells[first + 2] as number | null) ?? Number.NEGATIVE_INFINITY,
      validToMs: (cells[first + 3] as number | null) ?? Number.POSITIVE_INFINITY,
      knownFromMs: (cells[first + 4] as number | null) ?? Number.NEGATIVE_INFINITY,
    }
  }
}
