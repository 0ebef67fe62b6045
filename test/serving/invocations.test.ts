import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sqlLiteral, withDatabase } from '../../src/disk/database.ts'
import { createRandom } from '../../src/foundation/random.ts'
import { createTestServer } from '../../src/serving/serving.test-kit.ts'
import type { Attribute } from '../../src/transaction/attributes.ts'
import { NO_SHAPE } from '../../src/transaction/shape.ts'
import type { SourceMapping } from '../../src/transaction/source-mapping.ts'

const ATTRIBUTES: readonly Attribute[] = [
  { name: 'balance', kind: 'number' },
  { name: 'browser', kind: 'category' },
  { name: 'is_vip', kind: 'boolean' },
  { name: 'born', kind: 'time' },
]
const MAPPING: SourceMapping = {
  version: 1,
  format: 'csv',
  columns: [],
  fields: {},
  attributes: {},
  timeZone: 'Europe/Madrid',
}

let server: Awaited<ReturnType<typeof createTestServer>>
beforeEach(async () => {
  server = await createTestServer({ settings: { limits: { batch_rows: 3, event_loop_delay: '0s' } } })
  Object.assign(server.pipeline, {
    shape: { ...NO_SHAPE, attributes: ATTRIBUTES },
    mapping: { mapping: MAPPING },
  })
})
afterEach(() => server.app.close())

const folder = mkdtempSync(join(tmpdir(), 'vigia-invocations-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const send = (payload: string | Buffer, type = 'application/json') =>
  server.app.inject({ method: 'POST', url: '/invocations', payload, headers: { 'content-type': type } })
/** The transactions as they were decided on; fails when one was not. */
const decided = async (payload: string | Buffer, type?: string) => {
  const answer = await send(payload, type)
  expect([answer.statusCode, answer.json().message]).toEqual([200, undefined])
  const ids = (answer.json().predictions as { transaction_id: string }[]).map((one) => one.transaction_id)
  return Promise.all(
    ids.map(async (id) => (await server.app.inject(`/predictions/${id}`)).json().transaction),
  )
}
const refused = async (payload: string | Buffer, type?: string) => {
  const answer = await send(payload, type)
  return [answer.statusCode, answer.json().message] as const
}

const TIME = '2026-01-31T09:30:00Z'

const parquet = async (select: string): Promise<Buffer> => {
  const path = join(folder, 'sent.parquet')
  const database = { threads: 1, memoryLimit: '256MB', tempDirectory: join(folder, 'tmp') }
  await withDatabase(database, (connection) =>
    connection.run(`COPY (${select}) TO ${sqlLiteral(path)} (FORMAT parquet)`),
  )
  return readFileSync(path)
}
const PARQUET = 'application/vnd.apache.parquet'

describe("what SageMaker's serializers write", () => {
  const row = { transaction_id: 's1', user_id: 'ada', timestamp: TIME, amount: 12.34 }

  test('is read as a bare list, and told apart where its CSV has no header', async () => {
    const rows = [row, { ...row, transaction_id: 's2', 'attributes.balance': 7 }]
    expect(await decided(JSON.stringify(rows))).toMatchObject([
      { transaction_id: 's1' },
      { transaction_id: 's2', attributes: { balance: 7 } },
    ])
    for (const table of [`s3,ada,${TIME},12.34\n`, `s3,ada,${TIME},12.34\ns4,ada,${TIME},1\n`])
      expect(await refused(table, 'text/csv')).toEqual([
        400,
        expect.stringContaining('the header is missing'),
      ])
    expect(await refused('[]')).toEqual([422, expect.stringContaining('a list of 1 to 3 objects')])
    expect((await refused('[1]'))[0]).toBe(422)
  })
})

describe('reasons', () => {
  const reasonsFor = async (body: object) => {
    const answer = await send(JSON.stringify(body))
    expect([answer.statusCode, answer.json().message]).toEqual([200, undefined])
    return answer.json().predictions[0].reasons
  }
  const row = { transaction_id: 'r1', user_id: 'ada', timestamp: TIME, amount: 12.34 }

  test('are given as Vertex AI and MLflow ask for them', async () => {
    expect(await reasonsFor({ instances: [row], parameters: { reasons: 1 } })).toMatchObject([
      { feature: 'amount', text: 'amount is large' },
    ])
    expect(await reasonsFor({ dataframe_records: [row], params: { reasons: 2 } })).toHaveLength(2)
    expect(await reasonsFor({ instances: [row], parameters: null })).toBeUndefined()
    const asked = await server.app.inject({
      method: 'POST',
      url: '/invocations?reasons=1',
      payload: `transaction_id,user_id,timestamp,amount\nr9,ada,${TIME},12.5\n`,
      headers: { 'content-type': 'text/csv' },
    })
    expect(asked.json().predictions[0].reasons).toHaveLength(1)
    expect(
      (await server.app.inject({ method: 'POST', url: '/invocations?top=1', payload: {} })).statusCode,
    ).toBe(422)
  })

  test('and nothing else can be asked for', async () => {
    for (const asked of [{ params: { top: 3 } }, { parameters: { reasons: -1 } }, { parameters: 'all' }])
      expect(await refused(JSON.stringify({ instances: [row], ...asked }))).toEqual([
        422,
        expect.stringContaining('ask for what cannot be had'),
      ])
  })
})

describe('JSON as libraries of data frames write it', () => {
  test('has bare NaN and the text NaT where a value is missing, and keeps such words in texts', async () => {
    const [first, second] = await decided(`{"dataframe_split": {
      "columns": ["transaction_id", "user_id", "timestamp", "amount", "latitude", "location", "attributes.balance", "attributes.born"],
      "data": [["n1", "ada", "${TIME}", 10, NaN, NaN, NaN, "NaT"],
               ["n2", "NaN", "${TIME}", 10, 40.4, "NaT", 5, NaT]]}}`)
    expect(first).toEqual({
      transaction_id: 'n1',
      user_id: 'ada',
      amount: 10,
      timestamp: '2026-01-31T09:30:00.000Z',
    })
    expect(second).toMatchObject({ user_id: 'NaN', location: 'NaT', attributes: { balance: 5 } })
    expect(second.attributes).not.toHaveProperty('born')
  })

  test('is read nowhere else', async () => {
    const body = `{"transaction_id": "n1", "user_id": "ada", "timestamp": "${TIME}", "amount": 1, "latitude": NaN}`
    const answer = await server.app.inject({
      method: 'POST',
      url: '/predict',
      headers: { 'content-type': 'application/json' },
      payload: body,
    })
    expect([answer.statusCode, answer.json().error.code]).toEqual([400, 'REQUEST_NOT_JSON'])
    expect(await refused('{"instances": [{"amount": Infinity}]}')).toEqual([
      400,
      expect.stringContaining('JSON'),
    ])
    // What else is wrong is told, not the NaN in front of it.
    expect((await refused('{"instances": [NaN, {]}'))[1]).not.toContain('"N"')
  })

  test('may be a transaction by itself', async () => {
    const [only] = await decided(
      `{"transaction_id": "o1", "user_id": "ada", "timestamp": "${TIME}", "amount": 10, "attributes.balance": NaN, "attributes": {"is_vip": true}}`,
    )
    expect(only).toMatchObject({ transaction_id: 'o1', attributes: { is_vip: true } })
  })

  test('has times without a zone, which are of the zone that training read such times in', async () => {
    const rows = [
      ['z1', '2026-01-31T09:30:00', '1980-07-01T12:00:00.123456789'],
      ['z2', '2026-07-01 09:30:00.250', '1980-07-01T00:00:00'],
      ['z3', TIME, '1980-07-01'],
    ].map(([transaction_id, timestamp, born]) => ({
      transaction_id,
      timestamp,
      user_id: 'ada',
      amount: 1,
      attributes: { born },
    }))
    const read = await decided(JSON.stringify({ instances: rows }))
    expect(read.map(({ timestamp, attributes }) => [timestamp, attributes.born])).toEqual([
      ['2026-01-31T08:30:00.000Z', Date.parse('1980-07-01T10:00:00.123Z')],
      ['2026-07-01T07:30:00.250Z', Date.parse('1980-06-30T22:00:00Z')],
      ['2026-01-31T09:30:00.000Z', Date.parse('1980-07-01T00:00:00Z')],
    ])
    const [, impossible] = await refused(
      JSON.stringify({ instances: [{ ...rows[0], timestamp: '2026-02-30T09:30:00' }] }),
    )
    expect(impossible).toContain('[0].timestamp is no instant')
    Object.assign(server.pipeline, { mapping: { mapping: { ...MAPPING, timeZone: '' } } })
    const unknown = await refused(JSON.stringify({ instances: [rows[0]] }))
    expect(unknown).toEqual([422, expect.stringContaining('[0].timestamp has no time zone')])
  })
})

describe('CSV', () => {
  const HEADER = 'transaction_id,user_id,timestamp,amount,latitude,location,attributes.is_vip,attributes.born'

  test('is rows by their columns; empty cells are missing, and NaN where a number or a time is meant', async () => {
    const [first, second] = await decided(
      `\ufeff${HEADER}\r\nc1,ada,2026-01-31 09:30:00+00:00,10.50,,"Madrid, ""centro""",True,NaT\r\nc2,7,1769851800000,10,NaN,nan,,\r\n`,
      'text/csv; charset=utf-8',
    )
    expect(first).toEqual({
      transaction_id: 'c1',
      user_id: 'ada',
      timestamp: '2026-01-31T09:30:00.000Z',
      amount: 10.5,
      location: 'Madrid, "centro"',
      attributes: { is_vip: true },
    })
    expect(second).toEqual({
      transaction_id: 'c2',
      user_id: '7',
      timestamp: '2026-01-31T09:30:00.000Z',
      amount: 10,
      location: 'nan',
    })
  })

  test('may have the index of a data frame in front, which has no name', async () => {
    const [only] = await decided(`,transaction_id,user_id,timestamp,amount\n0,i1,ada,${TIME},1\n`, 'text/csv')
    expect(only).toMatchObject({ transaction_id: 'i1', amount: 1 })
  })

  test.each([
    ['', 400, 'its first line has no names'],
    [`${HEADER}\n`, 422, 'is no list of rows'],
    ['transaction_id,user_id\nc1\n', 400, 'Expected Number of Columns: 2 Found: 1'],
    ['transaction_id,user_id\nc1,"a\n', 400, 'unterminated quote'],
    [`transaction_id,user_id,timestamp,amount,colour\nc1,ada,${TIME},1,red\n`, 422, '[0].colour is no field'],
    [`transaction_id,user_id,timestamp,amount,amount\nc1,ada,${TIME},1,2\n`, 422, '[0].amount_2 is no field'],
    [`transaction_id\n${'c\n'.repeat(4)}`, 413, 'limits.batch_rows'],
    [`${'a,'.repeat(100_000)}b\n1\n`, 400, 'it has 100001 columns'],
    [Buffer.from([0x61, 0x0a, 0xff]), 400, 'it is not UTF-8'],
  ])('is refused with the reason, %#', async (body, status, says) => {
    const [answered, message] = await refused(body, 'text/csv')
    expect([answered, message]).toEqual([
      status,
      expect.stringMatching(new RegExp(says.replaceAll('[', '\\['))),
    ])
    expect(message).not.toContain('vigia-bodies')
  })
})

describe('Parquet', () => {
  test('is rows by their columns and types', async () => {
    const body = await parquet(`
      SELECT 9007199254740993 AS transaction_id, 'ada' AS user_id, TIMESTAMP '2026-07-01 09:30:00.25' AS timestamp,
        12.34::FLOAT AS amount, 'NaN'::DOUBLE AS latitude, NULL::VARCHAR AS location, 5::INTEGER AS merchant_category,
        12::BIGINT AS "attributes.balance", true AS "attributes.is_vip", DATE '1980-07-01' AS "attributes.born", 0 AS __index_level_0__
      UNION ALL SELECT 2, 'bob', TIMESTAMP '2026-01-31 09:30:00', 1, 40.4, 'Madrid', NULL, NULL, NULL, NULL, 1`)
    const [first, second] = await decided(body, PARQUET)
    expect(first).toEqual({
      transaction_id: '9007199254740993',
      user_id: 'ada',
      timestamp: '2026-07-01T07:30:00.250Z',
      amount: 12.34,
      merchant_category: '5',
      attributes: { balance: 12, is_vip: true, born: Date.UTC(1980, 6, 1) },
    })
    expect(second).toMatchObject({ transaction_id: '2', latitude: 40.4, location: 'Madrid' })
    const [zoned] = await decided(
      await parquet(`SELECT 'p1' AS transaction_id, 'ada' AS user_id, TIMESTAMPTZ '2026-07-01 09:30:00+02' AS timestamp,
        12.30::DECIMAL(10,2) AS amount, TIMESTAMP_NS '1980-07-01 00:00:00.123456789' AS "attributes.born"`),
      'application/x-parquet',
    )
    expect(zoned).toMatchObject({
      timestamp: '2026-07-01T07:30:00.000Z',
      amount: 12.3,
      attributes: { born: Date.parse('1980-06-30T22:00:00.123Z') },
    })
  })

  test('is refused with the reason', async () => {
    const rows = "SELECT 'p' || i AS transaction_id FROM range(100000) t(i)"
    expect(await refused(await parquet(rows), PARQUET)).toEqual([
      413,
      expect.stringContaining('limits.batch_rows'),
    ])
    expect(await refused(await parquet("SELECT {'a': 1} AS amount, 'x' AS transaction_id"), PARQUET)).toEqual(
      [422, expect.stringContaining('amount is a column of a type that is not read')],
    )
    expect(await refused(await parquet("SELECT 'p1' AS transaction_id, 'red' AS colour"), PARQUET)).toEqual([
      422,
      expect.stringContaining('[0].colour is no field'),
    ])
    const long = await refused(
      await parquet("SELECT repeat('x', 1000000) AS transaction_id FROM range(3)"),
      PARQUET,
    )
    expect(long).toEqual([422, expect.stringContaining('[0].transaction_id has 1024 UTF-16 units')])
    const whole = await parquet("SELECT 'p1' AS transaction_id")
    for (const bytes of [Buffer.alloc(0), Buffer.from('PAR1PAR1'), whole.subarray(0, whole.length - 9)]) {
      const [status, message] = await refused(bytes, PARQUET)
      expect([status, message]).toEqual([
        400,
        expect.stringContaining('The body is no Parquet that can be used'),
      ])
      expect(message).not.toContain('vigia-bodies')
    }
  })
})

describe('Parquet with bytes that were changed', () => {
  test('is read or refused, and never a failure of the server', async () => {
    const rows = `SELECT 'p' || i AS transaction_id, 'ada' AS user_id, TIMESTAMPTZ '${TIME}' AS timestamp, i + 1 AS amount FROM range(3) t(i)`
    const whole = await parquet(rows)
    const random = createRandom(7)
    const below = (bound: number): number => Math.floor(random.next() * bound)
    for (let n = 0; n < 60; n++) {
      const bytes = Buffer.from(whole)
      bytes[below(bytes.length)] = below(256)
      const answer = await send(bytes, PARQUET)
      expect([200, 400, 409, 413, 422]).toContain(answer.statusCode)
    }
  })
})

describe('lines of JSON', () => {
  test('are a transaction each', async () => {
    const line = (id: string) =>
      `{"transaction_id": "${id}", "user_id": "ada", "timestamp": "${TIME}", "amount": 1, "latitude": NaN}`
    for (const [n, type] of [
      'application/jsonlines',
      'application/x-ndjson',
      'application/jsonl',
    ].entries()) {
      const read = await decided(`${line(`a${n}`)}\n\n${line(`b${n}`)}\r\n`, type)
      expect(read.map(({ transaction_id }) => transaction_id)).toEqual([`a${n}`, `b${n}`])
    }
    expect(await refused(`${line('c')}\n\n{"a"`, 'application/jsonl')).toEqual([
      400,
      expect.stringContaining('line 3: '),
    ])
    expect((await refused('', 'application/jsonl'))[0]).toBe(422)
  })
})
