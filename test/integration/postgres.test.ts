import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openPostgres } from '../../src/adapters/postgres/open-postgres.ts'
import { parseDatabaseAddress } from '../../src/config/database-address.ts'
import { withDatabase } from '../../src/disk/database.ts'
import { unwatchedWork } from '../../src/disk/work.ts'
import { withDatabaseFeatures } from '../../src/monitoring/database-features.ts'
import { SMALL_BANK, temporaryFolder, vigiaIn, vigiaWith } from '../end-to-end/vigia-in-process.ts'
import {
  POSTGRES_SERVER,
  POSTGRES_SERVER_MISSING,
  type PostgresServer,
  startPostgresServer,
} from './postgres-server.ts'

const suite = POSTGRES_SERVER === undefined ? describe.skip : describe

suite(`a real PostgreSQL (${POSTGRES_SERVER ?? POSTGRES_SERVER_MISSING})`, () => {
  const { path: work, remove } = temporaryFolder()
  const at = (...names: string[]): string => join(work, ...names)
  let server: PostgresServer
  const table = (name: string, more = ''): string => `${server.url}?table=cards.${name}${more}`
  const none = new AbortController().signal

  beforeAll(async () => {
    server = await startPostgresServer([], 'scram-sha-256')
    process.env['PGPASSWORD'] = 's3cret'
    const trained = await vigiaIn(work, ['run', '--out', at('run'), ...SMALL_BANK])
    expect([trained.status, trained.stderr]).toEqual([0, ''])
    await duck(
      `COPY (FROM '${at('run/generate/transactions.parquet')}' ORDER BY transaction_id) TO '${at('bank.csv')}' (HEADER)`,
    )
    const header = readFileSync(at('bank.csv'), 'utf8').split('\n', 1)[0]!.split(',')
    const types: Record<string, string> = {
      timestamp: 'timestamptz',
      labelled_at: 'timestamptz',
      amount: 'numeric(14, 2)',
      is_fraud: 'boolean',
      latitude: 'float8',
      longitude: 'float8',
    }
    const columns = header.map((name) => `"${name}" ${types[name] ?? 'text'}`).join(', ')
    await server.run(`SET ROLE vigia; CREATE TABLE cards.bank (${columns}, PRIMARY KEY (transaction_id))`)
    await load('bank', at('bank.csv'))
  }, 300_000)
  afterAll(() => {
    delete process.env['PGPASSWORD']
    server?.stop()
    remove()
  })

  it('gives the features that a file of the same rows gives, bit for bit, from a table and from a query', async () => {
    const settings = ['--set', 'resources.threads=1']
    const features = async (name: string, source: readonly string[]): Promise<string> => {
      const words = ['features', '--out', at(`${name}.parquet`), ...settings]
      const run = ['--set', `runs.directory=${at(name)}`]
      const { status, stderr } = await vigiaIn(work, [
        ...words,
        ...run,
        ...source.flatMap((one) => ['--set', one]),
      ])
      expect([status, stderr]).toEqual([0, ''])
      return createHash('sha256')
        .update(readFileSync(at(`${name}.parquet`)))
        .digest('hex')
    }
    const ofFile = await features('of-file', [`source.path=${at('bank.csv')}`])
    expect(await features('of-table', [`source.path=${table('bank')}`])).toBe(ofFile)
    const query = `source.query=SELECT * FROM cards.bank ORDER BY transaction_id;`
    expect(await features('of-query', [`source.path=${server.url}`, query])).toBe(ofFile)
  })

  it('is not read again until something was committed, and then only what has changed is computed', async () => {
    const words = ['features', '--out', at('again.parquet'), '--force']
    const settings = [
      `source.path=${table('bank')}`,
      `runs.directory=${at('of-table')}`,
      'resources.threads=1',
    ]
    const outcomes = async (): Promise<string> => {
      const { status } = await vigiaIn(work, [...words, ...settings.flatMap((one) => ['--set', one])])
      expect(status).toBe(0)
      const [name] = readdirSync(at('of-table'))
      const lines = readFileSync(at('of-table', name!, 'log.jsonl'), 'utf8')
        .trim()
        .split('\n')
      return lines
        .map((line) => JSON.parse(line))
        .slice(-6)
        .map(({ step, state }) => `${step} ${state}`)
        .join(', ')
    }
    const skipped = 'read skipped, validate skipped, split skipped, clean skipped, features skipped'
    expect(await outcomes()).toBe(`database skipped, ${skipped}`)
    await server.run('CREATE TABLE cards.other AS SELECT 1 AS one')
    expect(await outcomes()).toBe(`database ran, ${skipped}`)
  })

  it('puts scores into a table by transaction, again into the same rows, and marks what people should review', async () => {
    const words = ['predict', table('bank'), '--model', at('run'), '--history', 'none', '--ignore-labels']
    const score = () =>
      vigiaIn(work, [...words, '--to', table('scores'), '--out', at('scores.csv'), '--force'])
    expect(await score()).toMatchObject({ status: 0, stderr: '' })
    expect((await score()).stdout).toContain('3000 transactions written to')
    const { rows } = await server.run(
      `SELECT count(*)::int AS rows, count(*) FILTER (WHERE review)::int AS review,
       count(*) FILTER (WHERE review <> (flagged OR risk_level IN ('high', 'critical')))::int AS wrong FROM cards.scores`,
    )
    expect(rows[0]).toMatchObject({ rows: 3000, wrong: 0 })
    expect(rows[0].review).toBeGreaterThan(0)
    const scores = await server.run(
      'SELECT transaction_id, probability FROM cards.scores ORDER BY transaction_id COLLATE "C"',
    )
    const ofFile = await duck(`SELECT transaction_id, probability FROM '${at('scores.csv')}' ORDER BY 1`)
    expect(scores.rows.map((row) => [row.transaction_id, row.probability])).toEqual(ofFile)
    const review = await duck(`SELECT count_if(review)::INTEGER FROM '${at('scores.csv')}'`)
    expect(review).toEqual([[rows[0].review]])
  })

  it('changes nothing of a table that cannot take scores', async () => {
    await server.run(
      'SET ROLE vigia; CREATE TABLE cards.taken (transaction_id text PRIMARY KEY, probability text)',
    )
    const words = ['predict', at('bank.csv'), '--model', at('run'), '--history', 'none']
    const refused = await vigiaIn(work, [...words, '--to', table('taken')])
    expect(refused.status).toBe(2)
    expect(refused.stderr).toContain('its column probability is text; allowed: double precision')
    expect((await server.run('SELECT * FROM cards.taken')).rows).toEqual([])
  })

  it('copies a table of features for a look as the file that it was made from', async () => {
    const file = at('of-file.parquet')
    await duck(`COPY (FROM '${file}') TO '${at('features.csv')}' (HEADER)`)
    const described = await duck(`DESCRIBE FROM '${file}'`)
    const kinds: Record<string, string> = { BOOLEAN: 'boolean', DOUBLE: 'float8', BIGINT: 'int8' }
    const columns = described.map(([name, type]) => `"${name}" ${kinds[String(type)] ?? 'text'}`).join(', ')
    await server.run(`SET ROLE vigia; CREATE TABLE cards.features (${columns}, PRIMARY KEY (transaction_id))`)
    await load('features', at('features.csv'))
    const open = () => openPostgres(parseDatabaseAddress(server.url, 'test'), {})
    const request = { table: ['cards', 'features'], order: [] }
    const database = { threads: 1, memoryLimit: '1GB', tempDirectory: '' }
    const differing = await withDatabaseFeatures(
      { open, request, work: unwatchedWork(database), workFolder: work },
      (path) => {
        const all = described.map(([name, type]) => `"${name}"::${type} AS "${name}"`).join(', ')
        return duck(
          `SELECT count(*)::INTEGER FROM ((FROM '${file}') EXCEPT ALL (SELECT ${all} FROM '${path}'))
         UNION ALL SELECT count(*)::INTEGER FROM '${path}'`,
        )
      },
    )
    expect(differing).toEqual([[0], [3000]])
  })

  it('reads values as one text each, and refuses those that have none', async () => {
    const copied = await copy(
      `SELECT '2026-01-01 10:00+02'::timestamptz AS at, '2026-01-01 10:00'::timestamp AS local, 'NaN'::numeric AS n,
       '-Infinity'::float8 AS f, 0.1::float8 + 0.2 AS d, true AS ok, NULL AS none, E'a,"b"\\nc' AS t, repeat('9', 400)::numeric AS big`,
    )
    expect(copied).toBe(
      `at,local,n,f,d,ok,none,t,big\n2026-01-01 08:00:00+00,2026-01-01 10:00:00,NaN,-Infinity,0.30000000000000004,true,,"a,""b""\nc",${'9'.repeat(400)}\n`,
    )
    await expect(copy(`SELECT ARRAY[1] AS tags`)).rejects.toThrow('has the column "tags"')
    await expect(copy(`SELECT '\\x00'::bytea AS photo`)).rejects.toThrow('it is bytes')
    await expect(copy(`SELECT 1::money AS price`)).rejects.toThrow('lc_monetary')
    await expect(copy(`SELECT 1 AS a, 2 AS a`)).rejects.toThrow('an earlier column has the same name')
  })

  it('leaves nothing of rows that did not come whole, and writes nothing', async () => {
    await expect(copy('SELECT 1 / (5000 - i) AS x FROM generate_series(1, 9000) i')).rejects.toThrow(
      'division by zero',
    )
    await server.run('CREATE SEQUENCE cards.s; GRANT ALL ON cards.s TO vigia')
    await expect(copy(`SELECT nextval('cards.s')`)).rejects.toThrow('read-only transaction')
    await expect(
      copy('WITH gone AS (DELETE FROM cards.bank RETURNING 1) SELECT * FROM gone'),
    ).rejects.toThrow()
    // The server ends the connection in the middle of the rows that it sends.
    const broken = `SELECT i, CASE WHEN i = 50000 THEN pg_terminate_backend(pg_backend_pid())::text END AS x FROM generate_series(1, 90000) i`
    await expect(copy(broken)).rejects.toThrow('terminating connection')
    const slow = copy('SELECT pg_sleep(600)', '?statement_timeout=50ms')
    await expect(slow).rejects.toThrow('statement timeout')
    expect(readdirSync(work).filter((name) => name.startsWith('copy-'))).toEqual([])
  })

  it('knows when anything was committed to the server', async () => {
    await server.run('SET ROLE vigia; CREATE TABLE cards.twice AS SELECT i FROM generate_series(1, 10) i')
    const reading = await openPostgres(parseDatabaseAddress(server.url, 'test'), {})
    const before = await reading.stateOfData()
    expect(await reading.stateOfData()).toBe(before)
    await server.run('INSERT INTO cards.twice VALUES (11)')
    expect(await reading.stateOfData()).not.toBe(before)
    await reading.close()
  })

  it('never shows a password, and says what is wrong with an address', async () => {
    const { url, port } = server
    const named = `postgres://vigia:\${BANK_PASSWORD}@127.0.0.1:${port}/bank?table=cards.bank`
    const words = ['predict', named, '--model', at('run'), '--history', 'none', '--out', at('named.csv')]
    expect(await vigiaWith(work, words, { BANK_PASSWORD: 's3cret' })).toMatchObject({ status: 0 })
    const wrong = await vigiaWith(work, [...words, '--force'], { BANK_PASSWORD: 'wr0ng' })
    expect(wrong.status).toBe(2)
    expect(wrong.stderr).toContain('password authentication failed')
    expect(wrong.stderr).not.toContain('wr0ng')
    const literal = `${url.replace('vigia@', 'vigia:s3cret@')}?table=cards.bank`
    for (const asked of [
      ['config', 'show', '--set', `source.path=${literal}`],
      ['predict', literal, '--out', at('x.csv')],
    ]) {
      const { status, stdout, stderr } = await vigiaIn(work, asked)
      expect([status, `${stdout}${stderr}`.includes('s3cret')]).toEqual([2, false])
      expect(stderr).toContain('a password stands in it')
    }
    const plain = openPostgres(parseDatabaseAddress(`${url}?sslmode=require`, 'test'), {})
    await expect(plain).rejects.toThrow('does not support SSL')
  })

  const copy = async (query: string, settings = ''): Promise<string> => {
    const database = await openPostgres(parseDatabaseAddress(`${server.url}${settings}`, 'test'), {})
    const file = at(`copy-${createHash('md5').update(query).digest('hex')}.csv`)
    try {
      await database.copyRows({ query }, file, none)
      const text = readFileSync(file, 'utf8')
      rmSync(file)
      return text
    } finally {
      await database.close()
    }
  }

  const load = async (name: string, file: string): Promise<void> => {
    const text = readFileSync(file, 'utf8')
    const { default: pg } = await import('pg')
    const { from } = await import('pg-copy-streams')
    const { Readable } = await import('node:stream')
    const { pipeline } = await import('node:stream/promises')
    const client = new pg.Client({ host: '127.0.0.1', port: server.port, user: 'owner', database: 'bank' })
    await client.connect()
    await pipeline(
      Readable.from([text]),
      client.query(from(`COPY cards.${name} FROM STDIN (FORMAT csv, HEADER)`)),
    )
    await client.end()
  }
})

const duck = (sql: string): Promise<readonly (readonly unknown[])[]> =>
  withDatabase({ threads: 1, memoryLimit: '1GB', tempDirectory: '' }, async (connection) =>
    (await connection.runAndReadAll(sql)).getRows(),
  )
