import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { VigiaError } from '../../errors.ts'
import type { BankDatabase, ResultColumn } from '../../ports/bank-database.ts'
import type { PostgresConnection } from './connect-postgres.ts'
import { inTransaction, quoted, quotedTable } from './in-transaction.ts'

const TYPES = { text: 'text', double: 'double precision', boolean: 'boolean' } as const

/** When a row was put there, by the server's clock. */
const WRITTEN_AT = 'written_at'

/** See `BankDatabase.putRows`: rows go into a table of this session, and from there by one statement. */
export const putRows = (
  connection: PostgresConnection,
  table: readonly string[],
  columns: readonly ResultColumn[],
  file: string,
  signal: AbortSignal,
): ReturnType<BankDatabase['putRows']> =>
  inTransaction(connection, { begin: 'BEGIN', activity: 'writing scores', signal }, async () => {
    const { client } = connection
    const isNew = await openTarget(connection, table, columns)
    const names = columns.map(({ name }) => quoted(name))
    const typed = columns.map(({ name, type }) => `${quoted(name)} ${TYPES[type]}`)
    await client.query(`CREATE TEMP TABLE vigia_rows (${typed.join(', ')}) ON COMMIT DROP`)
    const { from } = await import('pg-copy-streams')
    const copy = `COPY vigia_rows (${names.join(', ')}) FROM STDIN WITH (FORMAT csv, HEADER true)`
    await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), client.query(from(copy)))
    const replaced = names.slice(1).map((name) => `${name} = excluded.${name}`)
    const { rowCount } = await client.query(
      `INSERT INTO ${quotedTable(table)} (${names.join(', ')}, ${WRITTEN_AT})
       SELECT ${names.join(', ')}, now() FROM vigia_rows
       ON CONFLICT (${names[0]}) DO UPDATE SET ${[...replaced, `${WRITTEN_AT} = excluded.${WRITTEN_AT}`].join(', ')}`,
    )
    return { rows: rowCount ?? 0, isNew }
  })

/** Makes the table, or looks whether it can take the rows; answers whether it was made. */
const openTarget = async (
  { client, name: database }: PostgresConnection,
  table: readonly string[],
  columns: readonly ResultColumn[],
): Promise<boolean> => {
  const known = await client.query<{ name: string; type: string; isKey: boolean }>(
    `SELECT a.attname AS name, format_type(a.atttypid, NULL) AS type,
            EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisunique AND i.indpred IS NULL
                    AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum) AS "isKey"
     FROM pg_attribute a WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped`,
    [quotedTable(table)],
  )
  const wanted = [
    ...columns.map(({ name, type }) => ({ name, type: TYPES[type] as string })),
    { name: WRITTEN_AT, type: 'timestamp with time zone' },
  ]
  if (known.rows.length === 0) {
    const made = wanted.map(
      ({ name, type }, at) => `${quoted(name)} ${type}${at === 0 ? ' PRIMARY KEY' : ''}`,
    )
    await client.query(`CREATE TABLE ${quotedTable(table)} (${made.join(', ')})`)
    return true
  }
  const found = new Map(known.rows.map((row) => [row.name, row]))
  const refuse = (reason: string): never => {
    throw new VigiaError('DATABASE_TARGET_REFUSED', { database, table: table.join('.'), reason })
  }
  for (const { name, type } of wanted) {
    const got = found.get(name)?.type
    if (got === undefined) refuse(`it has no column ${name} (${type})`)
    if (got !== type && !(type === 'text' && got === 'character varying'))
      refuse(`its column ${name} is ${got}; allowed: ${type}`)
  }
  const key = columns[0]!.name
  if (found.get(key)?.isKey !== true) refuse(`its column ${key} is no primary key and has no unique index`)
  return false
}
