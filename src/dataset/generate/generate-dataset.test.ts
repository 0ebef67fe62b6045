import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Value } from 'typebox/value'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { GenerateSchema, type GenerateSettings } from '../../config/sections/generate.ts'
import { withDatabase } from '../../disk/database.ts'
import { unwatchedWork } from '../../disk/work.ts'
import { type GenerateRequest, generateDataset } from './generate-dataset.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vigia-generate-'))
})
afterAll(() => rm(folder, { recursive: true }))

test('the same seed gives the same bytes, in every format and with any number of threads', async () => {
  for (const ending of ['parquet', 'csv', 'csv.gz']) {
    await generate(`one.${ending}`)
    await generate(`two.${ending}`, { work: unwatchedWork({ ...database(), threads: 2 }) })
    expect(await digest(`two.${ending}`)).toBe(await digest(`one.${ending}`))
  }
})

test('another seed gives other bytes', async () => {
  await generate('seed-1.csv')
  await generate('seed-2.csv', { seed: 2 })
  expect(await digest('seed-2.csv')).not.toBe(await digest('seed-1.csv'))
})

test('CSV and Parquet hold the same rows, exactly as many as asked, duplicates included', async () => {
  const disorder = { late_share: 0.1, duplicate_share: 0.1, same_second_share: 0.1 }
  const settings = settingsOf({ rows: 5003, disorder })
  const result = await generate('same.parquet', { settings })
  await generate('same.csv', { settings })
  expect(result).toMatchObject({ rows: 5003, duplicates: 500, frauds: 45 })
  const counts = (name: string) =>
    query(
      `SELECT count(*)::INTEGER AS rows, count(DISTINCT transaction_id)::INTEGER AS transactions FROM '${join(folder, name)}'`,
    )
  expect(await counts('same.parquet')).toEqual([{ rows: 5003, transactions: 4503 }])
  expect(await counts('same.csv')).toEqual([{ rows: 5003, transactions: 4503 }])
})

test('a row of the file reads as a source of another bank would', async () => {
  await generate('row.csv', { settings: settingsOf({ missing: NOTHING_MISSING }) })
  const [header, ...lines] = (await readFile(join(folder, 'row.csv'), 'utf8')).trimEnd().split('\n')
  expect(header).toBe(
    'transaction_id,user_id,timestamp,amount,currency,merchant_id,merchant_category,transaction_type,device_id,device_type,location,latitude,longitude,is_fraud,fraud_pattern',
  )
  const pattern =
    /^T\d{10},U\d{7},2025-01-\d\dT\d\d:\d\d:\d\dZ,\d+\.\d\d,EUR,M\d{6},\w+,\w+,D\d{10},\w+,[^,]+,-?[\d.]+,-?[\d.]+,(0,|1,\w+)$/
  // Honest or not, every line has the same shape: two decimals, identifiers of equal length.
  expect(lines.filter((line) => !pattern.test(line))).toEqual([])
  expect(lines).toHaveLength(2000)
})

test('an existing file stays unless overwriting is asked for', async () => {
  await writeFile(join(folder, 'kept.csv'), 'mine')
  await expect(generate('kept.csv')).rejects.toMatchObject({ code: 'DATASET_OUTPUT_EXISTS' })
  expect(await readFile(join(folder, 'kept.csv'), 'utf8')).toBe('mine')
  await generate('kept.csv', { overwrite: true })
  expect(await readFile(join(folder, 'kept.csv'), 'utf8')).toContain('transaction_id')
})

test('Ctrl-C half way leaves no file', async () => {
  const controller = new AbortController()
  const request: Partial<GenerateRequest> = {
    settings: settingsOf({ rows: 20_000 }),
    work: {
      signal: controller.signal,
      reportProgress: ({ done }) => done >= 4096 && controller.abort(),
      database: database(),
    },
  }
  await expect(generate('aborted/x.parquet', request)).rejects.toMatchObject({
    code: 'INTERRUPTED',
    exitCode: 130,
  })
  expect(await readdir(join(folder, 'aborted'))).toEqual([])
})

test('what cannot be written is refused with the reason', async () => {
  await expect(generate('x.xlsx')).rejects.toMatchObject({
    code: 'DATASET_OUTPUT_FORMAT',
    message: expect.stringContaining('.parquet, .csv, .csv.gz'),
  })
  await expect(generate('x.csv', { settings: settingsOf({ start: '2025-02-30' }) })).rejects.toMatchObject({
    code: 'DATASET_GENERATE_START',
  })
  await writeFile(join(folder, 'plain'), '')
  await expect(generate('plain/x.csv')).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringContaining('plain/x.csv'),
  })
  await mkdir(join(folder, 'directory.csv'))
  await expect(generate('directory.csv', { overwrite: true })).rejects.toMatchObject({ exitCode: 2 })
})

const NOTHING_MISSING = {
  currency: 0,
  merchant_category: 0,
  transaction_type: 0,
  device_id: 0,
  device_type: 0,
  location: 0,
  coordinates: 0,
}

const settingsOf = (overrides: Record<string, unknown>): GenerateSettings =>
  Value.Default(GenerateSchema, {
    rows: 2000,
    users: 100,
    merchants: 50,
    days: 30,
    ...overrides,
  }) as GenerateSettings

const database = () => ({ threads: 1, memoryLimit: '500MB', tempDirectory: join(folder, 'tmp') })

const generate = (name: string, overrides: Partial<GenerateRequest> = {}) =>
  generateDataset({
    settings: settingsOf({}),
    seed: 1,
    out: join(folder, name),
    overwrite: false,
    work: unwatchedWork(database()),
    ...overrides,
  })

const digest = async (name: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(join(folder, name)))
    .digest('hex')

const query = (sql: string) =>
  withDatabase(database(), async (connection) => (await connection.runAndReadAll(sql)).getRowObjects())
