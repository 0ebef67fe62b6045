import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, expect, it } from 'vitest'
import { sqlLiteral, withDatabase } from '../disk/database.ts'
import { estimateRows } from './estimate-rows.ts'

const folder = mkdtempSync(join(tmpdir(), 'vigia-estimate-'))
afterAll(() => rmSync(folder, { recursive: true }))

const csv = (rows: number): string =>
  `id,amount\n${Array.from({ length: rows }, (_, at) => `t${at},${(at * 7919) % 50_000}\n`).join('')}`

it('says how many rows files have: exactly for Parquet and small ones, about for text', async () => {
  writeFileSync(join(folder, 'small.csv'), csv(100).trimEnd())
  writeFileSync(join(folder, 'large.csv'), csv(100_000))
  writeFileSync(join(folder, 'large.csv.gz'), gzipSync(csv(100_000)))
  const small = await rowsOf('small.csv')
  const [large, zipped] = [await rowsOf('large.csv'), await rowsOf('large.csv.gz')]
  expect(small).toBe(100)
  for (const rows of [large, zipped]) expect(Math.abs(rows - 100_000)).toBeLessThan(10_000)
  expect(await rowsOf('small.csv', 'large.csv')).toBe(small + large)
  await database((connection) =>
    connection.run(
      `COPY (FROM range(12345)) TO ${sqlLiteral(join(folder, 'rows.parquet'))} (FORMAT parquet)`,
    ),
  )
  expect(await rowsOf('rows.parquet')).toBe(12_345)
})

const database = <T>(work: Parameters<typeof withDatabase<T>>[1]): Promise<T> =>
  withDatabase({ threads: 1, memoryLimit: '100MB', tempDirectory: join(folder, 'spill') }, work)

const rowsOf = (...path: string[]): Promise<number> =>
  database((connection) => estimateRows(connection, { path, format: 'auto' }, folder))
