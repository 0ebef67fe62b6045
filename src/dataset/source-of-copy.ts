import { type DatabaseAddress, parseDatabaseAddress } from '../config/database-address.ts'
import type { SourceSettings } from '../config/sections/source.ts'
import { VigiaError } from '../errors.ts'

/** What of which database a source is. */
export interface DatabaseOfSource {
  readonly address: DatabaseAddress
  readonly request:
    | { readonly table: readonly string[]; readonly order: readonly string[] }
    | { readonly query: string }
  /** The database and its table, for reports; without passwords. */
  readonly name: string
}

/** @throws DATABASE_ADDRESS_INVALID, also where neither the address names a table nor is there a query */
export const databaseOfSource = (
  { path, query }: Pick<SourceSettings, 'path' | 'query'>,
  setting = 'source.path',
): DatabaseOfSource => {
  const address = parseDatabaseAddress(String(path), setting)
  const { table, order } = address
  if (query === '' && table.length === 0)
    throw new VigiaError('DATABASE_ADDRESS_INVALID', {
      setting,
      got: address.name,
      reason: 'it names no table: ?table=schema.name',
    })
  return query === ''
    ? { address, request: { table, order }, name: `${address.name} ${table.join('.')}` }
    : { address, request: { query }, name: `${address.name} (source.query)` }
}

/** `source` for the file that a database was copied into: mapped as any file, in the form that it has. */
export const sourceOfCopy = (source: SourceSettings, file: string): SourceSettings => ({
  ...source,
  path: file,
  query: '',
  format: 'csv',
  csv: { delimiter: ',', quote: '"', encoding: 'utf-8' },
})

/**
 * The server has counted the rows that it sent.
 *
 * @throws DATASET_ROWS_LOST when others were read of the copy
 */
export const assertAllRead = (
  copied: { readonly rows: number },
  read: { readonly inputRows: number; readonly acceptedRows: number; readonly quarantinedRows: number },
): void => {
  if (copied.rows !== read.inputRows)
    throw new VigiaError('DATASET_ROWS_LOST', {
      input: copied.rows,
      accepted: read.acceptedRows,
      quarantined: read.quarantinedRows,
    })
}
