import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ATTRIBUTES, SMALL_FIT, smallSettings } from '../../test/oracle/random-histories.ts'
import { sqlLiteral, withDatabase } from '../disk/database.ts'
import { unwatchedWork } from '../disk/work.ts'
import { preparedColumns } from '../transaction/attributes.ts'
import { type ReplayOptions, replay } from './replay.ts'
import { asReplayError } from './replay-errors.ts'

const folder = mkdtempSync(join(tmpdir(), 'vigia-replay-'))
const prepared = join(folder, 'prepared.parquet')
const database = { threads: 1, memoryLimit: '500MB', tempDirectory: join(folder, 'tmp') }
beforeAll(() => writePrepared(prepared, 5000))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('a replay that is interrupted', () => {
  test('before it starts, in the middle or at the last row: leaves no file and no thread', async () => {
    for (const atRow of [0, 2000, 5000]) {
      const target = newFolder()
      const threads = runningThreads()
      const abort = new AbortController()
      if (atRow === 0) abort.abort()
      const interrupted = run({
        out: join(target, 'features.parquet'),
        statesOut: target,
        batchRows: 500,
        work: {
          signal: abort.signal,
          reportProgress: ({ done }) => {
            if (done >= atRow) abort.abort()
          },
          database,
        },
      })
      await expect(interrupted).rejects.toMatchObject({ code: 'INTERRUPTED', exitCode: 130 })
      expect(readdirSync(target)).toEqual([])
      expect(runningThreads()).toBe(threads)
    }
  })

  test('keeps the file that was there', async () => {
    const out = join(newFolder(), 'features.parquet')
    writeFileSync(out, 'the last good one')
    const abort = new AbortController()
    const interrupted = run({
      out,
      batchRows: 500,
      work: { signal: abort.signal, reportProgress: () => abort.abort(), database },
    })
    await expect(interrupted).rejects.toMatchObject({ code: 'INTERRUPTED' })
    expect(readFileSync(out, 'utf8')).toBe('the last good one')
  })
})

describe('a replay that cannot work says why', () => {
  test('the prepared dataset is missing', async () => {
    const missing = join(folder, 'nothing.parquet')
    await expectFailure({ prepared: missing }, 'DATASET_PREPARED_MISSING', missing)
  })

  test('the prepared dataset is cut short, or is no Parquet', async () => {
    const cut = join(folder, 'cut.parquet')
    writeFileSync(cut, readFileSync(prepared).subarray(0, 3000))
    await expectFailure({ prepared: cut }, 'DATASET_FORMAT_BROKEN', cut)
    writeFileSync(cut, 'text')
    await expectFailure({ prepared: cut }, 'DATASET_FORMAT_BROKEN', cut)
  })

  test('the folder of the file to write is missing', async () => {
    const out = join(folder, 'nowhere', 'features.parquet')
    await expectFailure({ out }, 'DATASET_NOT_WRITABLE', out)
    expect(existsSync(join(folder, 'nowhere'))).toBe(false)
  })

  test('the file to write is a folder', async () => {
    const out = newFolder()
    await expectFailure({ out }, 'DATASET_NOT_WRITABLE', out)
  })

  test('the folder of the states is missing', async () => {
    const statesOut = join(folder, 'no-states')
    await expectFailure({ statesOut }, 'DATASET_NOT_WRITABLE', statesOut)
  })

  test('the disk is full, wherever that was noticed', () => {
    const files = { prepared, out: '/full/features.parquet' }
    const reason =
      'IO Error: Could not write file "/full/features.parquet.unfinished": No space left on device'
    expect(asReplayError(new Error(reason), files)).toMatchObject({
      code: 'DATASET_NO_SPACE',
      details: { path: '/full/features.parquet' },
    })
  })
})

test('an empty dataset gives an empty file with every column', async () => {
  const empty = join(folder, 'empty.parquet')
  await writePrepared(empty, 0)
  const out = join(newFolder(), 'features.parquet')
  const { rows, featureNames } = await run({ prepared: empty, out })
  const [columns] = await query(
    `SELECT count(*)::INTEGER AS columns FROM (DESCRIBE FROM read_parquet(${sqlLiteral(out)}))`,
  )
  expect([rows, columns]).toEqual([0, { columns: 6 + featureNames.length }])
})

let folders = 0
const newFolder = (): string => {
  const path = join(folder, `target-${folders++}`)
  mkdirSync(path)
  return path
}

const run = (options: Partial<ReplayOptions>) =>
  replay({
    prepared,
    out: join(newFolder(), 'features.parquet'),
    settings: smallSettings(),
    fitted: SMALL_FIT,
    workers: 2,
    work: unwatchedWork(database),
    ...options,
  })

/** Fails with `code`, names `path`, and leaves nothing unfinished beside the file that it was to write. */
const expectFailure = async (options: Partial<ReplayOptions>, code: string, path: string): Promise<void> => {
  const target = newFolder()
  const failure = run({ out: join(target, 'features.parquet'), ...options })
  await expect(failure).rejects.toMatchObject({ code, exitCode: 2, message: expect.stringContaining(path) })
  expect(readdirSync(target)).toEqual([])
}

const runningThreads = (): number =>
  process.getActiveResourcesInfo().filter((name) => name === 'MessagePort' || name === 'Worker').length

const query = (sql: string) =>
  withDatabase(database, async (connection) => (await connection.runAndReadAll(sql)).getRowObjects())

/**
 * Rows a second apart of five users at three merchants; every fourth has a label of its own time, so labels
 * are sorted.
 */
function writePrepared(path: string, rows: number): Promise<unknown> {
  const given: Readonly<Record<string, string>> = {
    arrival: 'i',
    source_row: 'i + 1',
    transaction_id: `'t' || i`,
    user_id: `'user' || i % 5`,
    merchant_id: `'shop' || i % 3`,
    event_time_ms: '1000000000000 + i * 1000',
    amount_minor: '100 + i',
    is_fraud: 'i % 7 = 0',
    labelled_at_ms: 'CASE WHEN i % 4 = 0 THEN 1000000040000 + i * 1000 END',
  }
  const columns = Object.entries(preparedColumns(ATTRIBUTES)).map(
    ([name, type]) => `(${given[name] ?? 'NULL'})::${type.replace(' NOT NULL', '')} AS ${name}`,
  )
  return query(
    `COPY (SELECT ${columns.join(', ')} FROM range(${rows}) t(i)) TO ${sqlLiteral(path)} (FORMAT parquet)`,
  )
}
