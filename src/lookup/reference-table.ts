import type { AttributeValue } from '../transaction/attributes.ts'
import type { TableMapping } from '../transaction/table-mapping.ts'
import type { ColumnStore } from './column-store.ts'
import { addressOf } from './ip-address.ts'
import { KEY_SEPARATOR, type TableIndex } from './table-index.ts'

/** A table beside the transactions in memory, ready to be looked up in. */
export interface ReferenceTable {
  readonly name: string
  readonly mapping: Pick<TableMapping, 'key' | 'range'>
  readonly index: TableIndex
  /** The values of each attribute that it gives, by name. */
  readonly columns: ReadonlyMap<string, ColumnStore>
  /** Rows that can be found. */
  readonly rows: number
}

/** The value of a field (by its name in requests) or an attribute of a transaction. */
export type ReadPart = (part: string) => AttributeValue | undefined

/** What a table says of a transaction that does not name what it is found by. */
export const NO_KEY = -2
/** What it says where it has no row. */
export const NOT_FOUND = -1

/** The place of the row that a transaction finds, or `NOT_FOUND`, or `NO_KEY`. */
export const placeIn = (
  { mapping: { key, range }, index }: Pick<ReferenceTable, 'mapping' | 'index'>,
  timeMs: number,
  read: ReadPart,
): number => {
  let joined = ''
  for (let at = 0; at < key.length; at++) {
    const value = read(key[at]!.of)
    if (value === undefined) return NO_KEY
    joined = at === 0 ? String(value) : `${joined}${KEY_SEPARATOR}${value}`
  }
  if (range === undefined) return index.find(joined, timeMs)
  const value = read(range.of)
  if (value === undefined) return NO_KEY
  const within = range.kind === 'number' ? (value as number) : addressOf(String(value))
  // Text that is no address lies in no range.
  return within === undefined ? NOT_FOUND : index.find(keyOfRange(joined, within), timeMs, within)
}

/** What rows of a range are found by beside it: those of IPv6 apart, which do not compare with IPv4. */
export const keyOfRange = (key: string, value: number | string): string =>
  typeof value === 'number' ? key : `${key}${KEY_SEPARATOR}6`
