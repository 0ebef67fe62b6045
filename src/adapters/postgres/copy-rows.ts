import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import type { Client, FieldDef } from 'pg'
import { VigiaError } from '../../errors.ts'
import type { BankDatabase, CopyRequest } from '../../ports/bank-database.ts'
import type { PostgresConnection } from './connect-postgres.ts'
import { inTransaction, quoted, quotedTable } from './in-transaction.ts'

/** One state of the data for all that is read, and nothing is written: a query that would is refused. */
const BEGIN = 'BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY'

/** See `BankDatabase.copyRows`. */
export const copyRows = async (
  connection: PostgresConnection,
  request: CopyRequest,
  file: string,
  signal: AbortSignal,
): ReturnType<BankDatabase['copyRows']> => {
  const { client, name } = connection
  try {
    return await inTransaction(connection, { begin: BEGIN, activity: 'reading rows', signal }, async () => {
      const from = 'query' in request ? `(${trimmed(request.query)}\n) AS source` : quotedTable(request.table)
      const described = await client.query(`SELECT * FROM ${from} LIMIT 0`)
      const columns = await describeColumns(client, described.fields)
      assertReadable(name, columns)
      const order = 'query' in request ? [] : await orderOf(client, request)
      const sorted = order.length === 0 ? '' : ` ORDER BY ${order.join(', ')}`
      const rows = await copyTo(
        connection,
        `SELECT ${columns.map(asText).join(', ')} FROM ${from}${sorted}`,
        file,
      )
      return { columns: columns.map((column) => column.name), rows }
    })
  } catch (error) {
    await rm(file, { force: true })
    throw error
  }
}

/** The rows are counted by the server; without its count they are not all here. */
const copyTo = async ({ client }: PostgresConnection, select: string, file: string): Promise<number> => {
  const { to } = await import('pg-copy-streams')
  const rows = client.query(to(`COPY (${select}) TO STDOUT WITH (FORMAT csv, HEADER true)`))
  await pipeline(rows, createWriteStream(file, { flags: 'wx', highWaterMark: 1 << 20 }))
  const { rowCount } = rows as unknown as { readonly rowCount: number | null | undefined }
  if (typeof rowCount !== 'number') throw new Error('the connection ended before the last row')
  return rowCount
}

const trimmed = (query: string): string => query.trim().replace(/;\s*$/, '')

interface Column {
  readonly name: string
  /** As PostgreSQL names it: `timestamp with time zone`. */
  readonly type: string
  readonly category: string
}

const describeColumns = async (client: Client, fields: readonly FieldDef[]): Promise<readonly Column[]> => {
  const { rows } = await client.query<{ oid: number; type: string; category: string }>(
    // A domain is written as the type that it stands on.
    `SELECT t.oid::int8::float8 AS oid, format_type(coalesce(nullif(t.typbasetype, 0), t.oid), NULL) AS type,
            t.typcategory AS category FROM pg_type t WHERE t.oid = ANY($1::oid[])`,
    [fields.map(({ dataTypeID }) => dataTypeID)],
  )
  const types = new Map(rows.map((row) => [row.oid, row]))
  return fields.map(({ name, dataTypeID }) => {
    const { type = 'unknown', category = 'X' } = types.get(dataTypeID) ?? {}
    return { name, type, category }
  })
}

/** Types whose text says less than the value or hangs on settings of the server: what to write instead. */
const assertReadable = (database: string, columns: readonly Column[]): void => {
  const seen = new Set<string>()
  for (const { name, type, category } of columns) {
    const column = quoted(name)
    const refuse = (reason: string, suggestion: string): never => {
      throw new VigiaError('DATABASE_COLUMN_UNREADABLE', { database, column, reason, suggestion })
    }
    if (seen.has(name)) refuse('an earlier column has the same name', `${column} AS other_name`)
    seen.add(name)
    if (category === 'A') refuse(`it is an array (${type})`, `array_to_string(${column}, ';')`)
    if (category === 'C') refuse(`it is a row of its own (${type})`, `to_json(${column})::text`)
    if (type === 'bytea') refuse('it is bytes (bytea)', `encode(${column}, 'hex')`)
    if (type === 'money')
      refuse('it is money, whose text hangs on lc_monetary of the server', `${column}::numeric`)
  }
}

/** Booleans as true and false, as files have them; all else as PostgreSQL writes it. */
const asText = ({ name, type }: Column): string =>
  type === 'boolean' ? `${quoted(name)}::text AS ${quoted(name)}` : quoted(name)

/** The columns that were asked for, then the primary key; text by its bytes, whatever the locale. */
const orderOf = async (
  client: Client,
  { table, order }: Extract<CopyRequest, { readonly table: readonly string[] }>,
): Promise<readonly string[]> => {
  const { rows } = await client.query<{ name: string; isKey: boolean; isText: boolean }>(
    `SELECT a.attname AS name, coalesce(array_position(i.indkey::int2[], a.attnum), -1) AS place,
            i.indrelid IS NOT NULL AS "isKey", a.attcollation <> 0 AS "isText"
     FROM pg_attribute a LEFT JOIN pg_index i
       ON i.indrelid = a.attrelid AND i.indisprimary AND a.attnum = ANY(i.indkey)
     WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY place, a.attnum`,
    [quotedTable(table)],
  )
  const keys = rows.filter(({ name, isKey }) => isKey && !order.includes(name)).map(({ name }) => name)
  const texts = new Set(rows.filter(({ isText }) => isText).map(({ name }) => name))
  return [...order, ...keys].map((name) => `${quoted(name)}${texts.has(name) ? ' COLLATE "C"' : ''}`)
}
