import { readFile } from 'node:fs/promises'
import type { Client, ClientConfig } from 'pg'
import type { DatabaseAddress } from '../../config/database-address.ts'
import { VigiaError } from '../../errors.ts'

type Environment = Readonly<Record<string, string | undefined>>

const CONNECT_TIMEOUT_MS = 15_000

/** One connection, and what ended it before its time. */
export interface PostgresConnection {
  readonly client: Client
  readonly name: string
  /** Set when the connection was lost. */
  readonly lost: () => Error | undefined
}

/**
 * What makes the same data the same text, whatever the settings of server, database and user.
 *
 * A sequential scan may begin where another one is (`synchronize_seqscans`), and workers give their rows in
 * any order: both off, or a table without a key would have another order each time.
 */
const SESSION = `SET TIME ZONE 'UTC';
SET datestyle = 'ISO, YMD';
SET intervalstyle = 'iso_8601';
SET extra_float_digits = 3;
SET client_encoding = 'UTF8';
SET synchronize_seqscans = off;
SET max_parallel_workers_per_gather = 0;
SET client_min_messages = 'error'`

/**
 * Opens one connection whose session writes the same data as the same text.
 *
 * @throws DATABASE_UNREACHABLE, DATABASE_ADDRESS_INVALID
 */
export const connectPostgres = async (
  address: DatabaseAddress,
  environment: Environment,
): Promise<PostgresConnection> => {
  // Loaded when it is used: no other command needs it.
  const { default: pg } = await import('pg')
  const client = new pg.Client(await clientConfig(address, environment))
  let lost: Error | undefined
  // Without a listener, a connection that breaks between two queries would end the process.
  client.on('error', (error) => {
    lost = error
  })
  try {
    await client.connect()
    await client.query(SESSION)
  } catch (error) {
    await client.end().catch(() => undefined)
    throw new VigiaError(
      'DATABASE_UNREACHABLE',
      { database: address.name, reason: reasonOf(error) },
      { cause: error },
    )
  }
  return { client, name: address.name, lost: () => lost }
}

/** What the server or the system says, on one line; of several addresses that were tried, each. */
export const reasonOf = (error: unknown): string => {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(reasonOf).join('; ')
  if (!(error instanceof Error)) return String(error)
  const { code, detail } = error as { readonly code?: string; readonly detail?: string }
  const told = [error.message === '' ? (code ?? error.name) : error.message, detail]
  return told
    .filter((text) => text !== undefined)
    .join(': ')
    .replace(/\s+/g, ' ')
}

const clientConfig = async (address: DatabaseAddress, environment: Environment): Promise<ClientConfig> => {
  const { host, port, user, database, statementTimeoutMs } = address
  return {
    host: host ?? environment['PGHOST'] ?? '127.0.0.1',
    port: port ?? Number(environment['PGPORT'] ?? 5432),
    ...(user !== undefined && { user }),
    database,
    ...passwordOf(address, environment),
    ssl: await sslOf(address, environment),
    application_name: 'vigia',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    // A machine that has gone is noticed, where nothing is sent for hours.
    keepAlive: true,
    ...(statementTimeoutMs > 0 && { statement_timeout: statementTimeoutMs }),
  }
}

/** Without one, `pg` asks PGPASSWORD and .pgpass when the server wants it. */
const passwordOf = (
  { passwordVariable, name }: DatabaseAddress,
  environment: Environment,
): Pick<ClientConfig, 'password'> => {
  if (passwordVariable === undefined) return {}
  const password = environment[passwordVariable]
  if (password === undefined || password === '')
    throw new VigiaError('DATABASE_ADDRESS_INVALID', {
      setting: 'The database',
      got: name,
      reason: `its password is in the environment variable ${passwordVariable}, which is not set`,
    })
  return { password }
}

const isThisMachine = (host: string | undefined): boolean =>
  host === undefined || /^(localhost|127\.\d+\.\d+\.\d+|::1|\/.*)$/i.test(host)

/** Words of libpq, but for what falls back to no TLS in silence: `allow` and `prefer`. */
const sslOf = async (
  { host, sslMode, sslRootCertificate, name }: DatabaseAddress,
  environment: Environment,
): Promise<ClientConfig['ssl']> => {
  const asked = sslMode ?? environment['PGSSLMODE']
  const mode = asked ?? (isThisMachine(host ?? environment['PGHOST']) ? 'disable' : 'verify-full')
  const certificate = sslRootCertificate ?? environment['PGSSLROOTCERT']
  const ca =
    certificate === undefined
      ? undefined
      : await readFile(certificate, 'utf8').catch((cause: unknown) => {
          const reason = `sslrootcert cannot be read: ${reasonOf(cause)}`
          throw new VigiaError('DATABASE_ADDRESS_INVALID', { setting: 'The database', got: name, reason })
        })
  const trusted = ca === undefined ? {} : { ca }
  switch (mode) {
    case 'disable':
      return false
    case 'require':
      return { rejectUnauthorized: false }
    case 'verify-ca':
      return { ...trusted, rejectUnauthorized: true, checkServerIdentity: () => undefined }
    case 'verify-full':
      return { ...trusted, rejectUnauthorized: true }
    default:
      throw new VigiaError('DATABASE_ADDRESS_INVALID', {
        setting: 'PGSSLMODE',
        got: mode,
        reason: 'allowed: disable, require, verify-ca, verify-full',
      })
  }
}
