import type { DatabaseAddress } from '../config/database-address.ts'

/** What of a database is copied: a table with the order of its rows, or a query with its own. */
export type CopyRequest =
  | { readonly table: readonly string[]; readonly order: readonly string[] }
  | { readonly query: string }

/** What was copied into a file. */
export interface CopiedTable {
  readonly columns: readonly string[]
  readonly rows: number
}

/** A column of a table of results: its type, in words that every database has. */
export interface ResultColumn {
  readonly name: string
  readonly type: 'text' | 'double' | 'boolean'
}

/** What became of rows that were put into a table. */
export interface PutRows {
  readonly rows: number
  /** Whether the table was made. */
  readonly isNew: boolean
}

/**
 * A database of the bank, on one connection. Laws:
 *
 * 1. `copyRows` writes one state of the data, as of one instant, whole or not at all: rows that others write
 *    meanwhile are not in it, and a connection that breaks is an error.
 * 2. It changes nothing: a query that writes is an error.
 * 3. Times with a zone are written in UTC, with their offset; without one as they are. Numbers are written
 *    with all their digits, booleans as true and false, missing values as nothing.
 * 4. The same data gives the same bytes.
 * 5. `putRows` adds all rows and replaces those of the same key, or changes nothing.
 */
export interface BankDatabase {
  /**
   * A text that is another one once anything was committed to the server: what was read at the same text is
   * what would be read now.
   */
  readonly stateOfData: () => Promise<string>
  /**
   * Writes rows into a CSV file (RFC 4180, UTF-8, with a header) that must not exist.
   *
   * @throws DATABASE_FAILED, DATABASE_COLUMN_UNREADABLE, INTERRUPTED; the file is then gone
   */
  readonly copyRows: (request: CopyRequest, file: string, signal: AbortSignal) => Promise<CopiedTable>
  /**
   * Puts the rows of a CSV file with these columns into a table, which is made when it is not there. The
   * first column is the key, and no two rows have the same.
   *
   * @throws DATABASE_TARGET_REFUSED, DATABASE_FAILED, INTERRUPTED
   */
  readonly putRows: (
    table: readonly string[],
    columns: readonly ResultColumn[],
    file: string,
    signal: AbortSignal,
  ) => Promise<PutRows>
  readonly close: () => Promise<void>
}

/**
 * Connects to a database.
 *
 * @throws DATABASE_UNREACHABLE, DATABASE_ADDRESS_INVALID
 */
export type OpenBankDatabase = (
  address: DatabaseAddress,
  environment: Readonly<Record<string, string | undefined>>,
) => Promise<BankDatabase>
