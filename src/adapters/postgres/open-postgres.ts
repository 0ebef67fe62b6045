import { VigiaError } from '../../errors.ts'
import type { OpenBankDatabase } from '../../ports/bank-database.ts'
import { connectPostgres, type PostgresConnection, reasonOf } from './connect-postgres.ts'
import { copyRows } from './copy-rows.ts'
import { putRows } from './put-rows.ts'

/** A PostgreSQL, or what speaks as one. */
export const openPostgres: OpenBankDatabase = async (address, environment) => {
  const connection = await connectPostgres(address, environment)
  return {
    stateOfData: () => stateOfData(connection),
    copyRows: (request, file, signal) => copyRows(connection, request, file, signal),
    putRows: (table, columns, file, signal) => putRows(connection, table, columns, file, signal),
    close: () => connection.client.end().catch(() => undefined),
  }
}

/** Since when the server runs, and which transactions it knows as ended: a commit that writes changes it. */
const stateOfData = async ({ client, name }: PostgresConnection): Promise<string> => {
  try {
    const { rows } = await client.query<{ state: string }>(
      `SELECT extract(epoch FROM pg_postmaster_start_time()) || ' ' || txid_current_snapshot() AS state`,
    )
    return rows[0]!.state
  } catch (error) {
    throw new VigiaError(
      'DATABASE_FAILED',
      { activity: 'asking for the state of the data', database: name, reason: reasonOf(error) },
      { cause: error },
    )
  }
}
