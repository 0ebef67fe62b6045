import type { OpenBankDatabase } from '../ports/bank-database.ts'

/** Connects to a database of the bank. Its client is loaded when it is used: most commands need none. */
export const openDatabase: OpenBankDatabase = async (address, environment) => {
  const { openPostgres } = await import('../adapters/postgres/open-postgres.ts')
  return openPostgres(address, environment)
}
