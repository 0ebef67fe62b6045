import { VigiaError } from '../errors.ts'
import { DURATION_PATTERN, parseDuration } from '../foundation/duration.ts'

/** How much of TLS is asked for, in the words of PostgreSQL. */
export type SslMode = 'disable' | 'require' | 'verify-ca' | 'verify-full'

/** A database and what of it is read or written: `postgres://user@host:5432/bank?table=cards.payments`. */
export interface DatabaseAddress {
  /** For people and for files: without password and settings of the connection. */
  readonly name: string
  readonly host: string | undefined
  readonly port: number | undefined
  readonly user: string | undefined
  /** Name of the environment variable that has the password; undefined: PGPASSWORD or .pgpass. */
  readonly passwordVariable: string | undefined
  readonly database: string
  /** Schema and table, or the table alone; empty where the address names none. */
  readonly table: readonly string[]
  /** Columns that order the rows, before the primary key. */
  readonly order: readonly string[]
  /** undefined: `PGSSLMODE`, else verify-full, or disable for this machine. */
  readonly sslMode: SslMode | undefined
  /** File with the certificates of the authorities that are trusted; undefined: those of Node. */
  readonly sslRootCertificate: string | undefined
  /** The server ends a statement that takes longer, in ms; 0: as the server is set. */
  readonly statementTimeoutMs: number
}

const SCHEME = /^postgres(?:ql)?:\/\//i
const SSL_MODES: readonly SslMode[] = ['disable', 'require', 'verify-ca', 'verify-full']
const PARAMETERS = ['table', 'order', 'host', 'sslmode', 'sslrootcert', 'statement_timeout']

/** Whether a path is the address of a database, rather than of files. */
export const isDatabaseAddress = (path: unknown): path is string =>
  typeof path === 'string' && SCHEME.test(path)

/** An address as it may be printed, whatever is wrong with it: without what may be a password. */
export const shownAddress = (address: string): string => address.replace(/^([^:]+:\/\/).*@/s, '$1***@')

/**
 * Reads the address of a database.
 *
 * @param setting where it stands, for the error: `source.path`
 * @throws DATABASE_ADDRESS_INVALID, which never shows a password
 */
export const parseDatabaseAddress = (address: string, setting: string): DatabaseAddress => {
  const refuse = (reason: string): never => {
    throw new VigiaError('DATABASE_ADDRESS_INVALID', { setting, got: shownAddress(address), reason })
  }
  if (!isDatabaseAddress(address) || !URL.canParse(address))
    return refuse('it cannot be read as postgres://user@host:port/database')
  const url = new URL(address)
  const { searchParams: given } = url
  const decoded = (text: string): string => {
    try {
      return decodeURIComponent(text)
    } catch {
      return refuse('a % in it begins no escape: write %25')
    }
  }
  const unknown = [...given.keys()].find((key) => !PARAMETERS.includes(key))
  if (unknown !== undefined) refuse(`it has no setting ${unknown}; allowed: ${PARAMETERS.join(', ')}`)
  const database = decoded(url.pathname.slice(1))
  if (database === '' || database.includes('/')) refuse('after the host it needs the name of one database')
  const password = decoded(url.password)
  const [, passwordVariable] = /^\$\{(\w+)\}$/.exec(password) ?? []
  if (password !== '' && passwordVariable === undefined)
    refuse(
      `a password stands in it; allowed: none (PGPASSWORD or .pgpass have it), or the name of an environment variable as \${NAME}`,
    )
  const sslMode = given.get('sslmode') ?? undefined
  if (sslMode !== undefined && !SSL_MODES.includes(sslMode as SslMode))
    refuse(`sslmode is ${sslMode}; allowed: ${SSL_MODES.join(', ')}`)
  const timeout = given.get('statement_timeout') ?? '0ms'
  if (!new RegExp(DURATION_PATTERN).test(timeout))
    refuse(`statement_timeout is ${timeout}; allowed: a duration such as 30m`)
  const host = given.get('host') ?? decoded(url.hostname).replace(/^\[(.*)\]$/, '$1')
  const user = decoded(url.username)
  return {
    name: `postgres://${user === '' ? '' : `${user}@`}${url.host}/${database}`,
    host: host === '' ? undefined : host,
    port: url.port === '' ? undefined : Number(url.port),
    user: user === '' ? undefined : user,
    passwordVariable,
    database,
    table: namesIn(given.get('table') ?? '', '.') ?? refuse('table is no name, or schema.name'),
    order: namesIn(given.get('order') ?? '', ',') ?? refuse('order is no list of columns'),
    sslMode: sslMode as SslMode | undefined,
    sslRootCertificate: given.get('sslrootcert') ?? undefined,
    statementTimeoutMs: parseDuration(timeout),
  }
}

/**
 * Names with a separator between them, those with other characters in double quotes: `cards."A.B"`. Unlike
 * in SQL, a name without quotes keeps its case. undefined: some name is empty or not ended.
 */
const namesIn = (text: string, separator: string): readonly string[] | undefined => {
  if (text === '') return []
  const name = `(?:"(?:[^"]|"")+"|[^"${separator}]+)`
  if (!new RegExp(`^${name}(?:[${separator}]${name})*$`, 's').test(text)) return undefined
  const names = text.match(new RegExp(name, 'gs')) ?? []
  if (separator === '.' && names.length > 2) return undefined
  return names.map((one) => (one.startsWith('"') ? one.slice(1, -1).replaceAll('""', '"') : one.trim()))
}

/**
 * What is wrong with the databases of `source`, a sentence each, without passwords.
 *
 * @param path `source.path`
 * @param query `source.query`
 */
export const databaseProblems = (path: string | readonly string[], query: string): readonly string[] => {
  const paths = [path].flat()
  if (!paths.some(isDatabaseAddress))
    return query === '' ? [] : ['source.query is set, and source.path is no postgres:// address']
  if (paths.length > 1) return ['source.path has a database beside others; allowed: one address alone']
  try {
    const { table, order } = parseDatabaseAddress(paths[0]!, 'source.path')
    const isQuery = query !== ''
    if (isQuery === table.length > 0)
      return [
        `source.path and source.query name ${isQuery ? 'a table and a query' : 'nothing to read'}; allowed: ?table=schema.name in the address, or source.query`,
      ]
    return isQuery && order.length > 0
      ? ['source.path has an order beside source.query; allowed: ORDER BY in the query']
      : []
  } catch (error) {
    if (error instanceof VigiaError) return [`${error.message}. ${error.fix}`]
    throw error
  }
}
