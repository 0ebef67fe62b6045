import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { sqlIdentifier, sqlLiteral, withDatabase } from './database.ts'

const folder = mkdtempSync(join(tmpdir(), 'vigia-database-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('what does not fit in memory goes to the temporary folder, also where nothing of its path exists yet', async () => {
  const tempDirectory = join(folder, 'not', 'there', 'yet')
  const rows = await withDatabase({ threads: 1, memoryLimit: '60MB', tempDirectory }, async (connection) => {
    // 80 MB of numbers, sorted within 60 MB.
    await connection.run('CREATE TABLE sorted AS SELECT hash(i) AS h, i FROM range(5000000) t(i) ORDER BY h')
    return (await connection.runAndReadAll('SELECT count(*)::DOUBLE FROM sorted')).getRows()[0]?.[0]
  })
  expect(rows).toBe(5_000_000)
})

test('a second connection sees the tables of the first', async () => {
  const settings = { threads: 1, memoryLimit: '100MB', tempDirectory: join(folder, 'tmp') }
  const seen = await withDatabase(settings, async (connection, connect) => {
    await connection.run('CREATE TABLE shared AS SELECT 42 AS answer')
    const other = await connect()
    return (await other.runAndReadAll('SELECT answer FROM shared')).getRows()
  })
  expect(seen).toEqual([[42]])
})

test('text and names are quoted, whatever stands in them', () => {
  expect(sqlLiteral("it's")).toBe("'it''s'")
  expect(sqlIdentifier('a "b"')).toBe('"a ""b"""')
})
