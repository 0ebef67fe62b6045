import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { sqlLiteral, withDatabase } from '../../disk/database.ts'
import { readSplitRows, writeParts } from './split-rows.ts'

const folder = mkdtempSync(join(tmpdir(), 'vigia-split-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const database = { threads: 2, memoryLimit: '1GB', tempDirectory: folder }

it('reads rows by arrival; a label without a time of its own is known after the delay, a missing one is -1', async () => {
  const prepared = join(folder, 'prepared.parquet')
  const rows = await withDatabase(database, async (connection) => {
    await connection.run(
      `COPY (FROM (VALUES (0::BIGINT, 'ana', 10::BIGINT, 1::TINYINT, NULL::BIGINT),
                          (1, 'ben', 20, 0, 21), (2, 'ana', 30, NULL, NULL))
             t(arrival, user_id, event_time_ms, is_fraud, labelled_at_ms), (SELECT 't' AS transaction_id))
       TO ${sqlLiteral(prepared)} (FORMAT parquet)`,
    )
    return readSplitRows(connection, prepared, { delay: '7ms' })
  })
  expect([...rows.eventTimesMs]).toEqual([10, 20, 30])
  expect([...rows.labels]).toEqual([1, 0, -1])
  expect([...rows.knownAtMs]).toEqual([17, 21, 37])
  expect(rows.users[0]).toBe(rows.users[2])
  expect(new Set(rows.users)).toEqual(new Set([0, 1]))
})

it('writes every row with its part, in arrival order, also across chunks', async () => {
  const out = join(folder, 'split.parquet')
  const parts = Uint8Array.from({ length: 5000 }, (_, row) => row % 4)
  const read = await withDatabase(database, async (connection) => {
    await writeParts(connection, parts, out)
    return (
      await connection.runAndReadAll(`SELECT arrival, part FROM read_parquet(${sqlLiteral(out)})`)
    ).getRows()
  })
  expect(read.length).toBe(5000)
  expect(read.slice(0, 4)).toEqual([
    [0n, 'none'],
    [1n, 'train'],
    [2n, 'validation'],
    [3n, 'test'],
  ])
  expect(read.every(([arrival], row) => arrival === BigInt(row))).toBe(true)
})
