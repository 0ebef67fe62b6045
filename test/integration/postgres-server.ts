import { spawnSync } from 'node:child_process'
import {
  chownSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { freePort } from './redis-server.ts'

/** `pg_ctl` of a PostgreSQL; `npm run test:integration` looks for one. */
export const POSTGRES_SERVER = process.env['POSTGRES_SERVER']

/** Why there is none. */
export const POSTGRES_SERVER_MISSING =
  process.env['POSTGRES_SERVER_MISSING'] ?? 'no server was looked for (npm run test:integration does)'

export interface PostgresServer {
  readonly port: number
  /** `postgres://vigia@127.0.0.1:<port>/bank`, for a user that owns nothing but its schema. */
  readonly url: string
  /** Runs statements as the owner of the server, each with a connection of its own. */
  run(sql: string): Promise<pg.QueryResult>
  /** Waits until the server has ended; without effect the second time. */
  stop(): void
}

/** PostgreSQL refuses to run as root, so that root runs it as this user. */
const UNPRIVILEGED = 65_534

/**
 * Starts a server of its own on a free port of 127.0.0.1 with the database `bank`, and the user `vigia` with
 * the password `s3cret` there. Local connections need no password unless `authentication` says so.
 *
 * @param settings lines of postgresql.conf
 */
export const startPostgresServer = async (
  settings: readonly string[] = [],
  authentication = 'trust',
): Promise<PostgresServer> => {
  const isRoot = process.getuid?.() === 0
  // The temporary folder of a run is of its own user alone, whom root does not start a server as.
  const place = isRoot ? (existsSync('/dev/shm') ? '/dev/shm' : '/tmp') : tmpdir()
  const folder = mkdtempSync(join(place, 'vigia-postgres-'))
  if (isRoot) chownSync(folder, UNPRIVILEGED, UNPRIVILEGED)
  const data = join(folder, 'data')
  const run = (program: string, words: readonly string[]): void => {
    const ended = spawnSync(program, words, {
      cwd: folder,
      encoding: 'utf8',
      // What the server goes on writing to would be waited for.
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', HOME: folder },
      ...(isRoot && { uid: UNPRIVILEGED, gid: UNPRIVILEGED }),
    })
    if (ended.status === 0) return
    const log = join(folder, 'log')
    const told = existsSync(log) ? readFileSync(log, 'utf8') : ''
    throw new Error(`${program} ${words.join(' ')}: ${ended.stderr}\n${told}`)
  }
  const control = POSTGRES_SERVER ?? ''
  const port = await freePort()
  // What lies beside it, where it is a link to it: Debian keeps the programs out of PATH.
  run(join(dirname(realpathSync(control)), 'initdb'), [
    ...['-D', data, '-U', 'owner', '--auth', 'trust', '--no-sync', '-E', 'UTF8', '--locale', 'C.UTF-8'],
  ])
  writeFileSync(
    join(data, 'postgresql.auto.conf'),
    [
      `port = ${port}`,
      "listen_addresses = '127.0.0.1'",
      "unix_socket_directories = ''",
      'fsync = off',
      ...settings,
      '',
    ].join('\n'),
  )
  writeFileSync(
    join(data, 'pg_hba.conf'),
    `host all owner 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 ${authentication}\n`,
  )
  let runs = false
  const stop = (): void => {
    if (runs) run(control, ['-D', data, '-m', 'immediate', '-w', 'stop'])
    runs = false
    rmSync(folder, { recursive: true, force: true })
  }
  run(control, ['-D', data, '-l', join(folder, 'log'), '-w', 'start'])
  runs = true
  const runIn = async (database: string, sql: string): Promise<pg.QueryResult> => {
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'owner', database })
    await client.connect()
    try {
      return await client.query(sql)
    } finally {
      await client.end()
    }
  }
  await runIn('postgres', 'CREATE DATABASE bank')
  await runIn('bank', `CREATE ROLE vigia LOGIN PASSWORD 's3cret'; CREATE SCHEMA cards AUTHORIZATION vigia`)
  return { port, url: `postgres://vigia@127.0.0.1:${port}/bank`, run: (sql) => runIn('bank', sql), stop }
}
