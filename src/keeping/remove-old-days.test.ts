import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openLogReader } from '../adapters/segments/segment-files.ts'
import { readCatalog, rewriteCatalog } from '../decisions/log/archive-catalog.ts'
import { readLogBeginning, writeLogBeginning } from '../decisions/log/log-beginning.ts'
import { assertNoGaps } from '../decisions/log/log-gaps.ts'
import { LOG_DATABASE, type WrittenLog, writtenLog } from '../decisions/log/written-log.test-kit.ts'
import { removeOldDays } from './remove-old-days.ts'

/** Ten records of one day long ago, two in a segment; the first eight are Parquet. */
let written: WrittenLog
beforeEach(async () => {
  written = await writtenLog()
  await written.append(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
  for (const first of [1, 3, 5, 7]) await written.archive(`${String(first).padStart(12, '0')}.log`)
})
afterEach(() => written.remove())

const LATER = Date.UTC(2026, 0, 1)

const removeWith = (snapshots: readonly number[], isWhole: (sequence: number) => boolean = () => true) =>
  removeOldDays({
    folder: written.folder,
    log: written.log,
    snapshots,
    isWhole: async (sequence) => isWhole(sequence),
    beforeMs: LATER,
  })

const opens = () =>
  assertNoGaps({ log: written.log, folder: written.folder, database: LOG_DATABASE, states: undefined })

const archived = (): readonly string[] =>
  readdirSync(join(written.folder, 'predictions'), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.parquet'))
    .map((name) => Number(/\/(\d+)/.exec(name)![1]))
    .sort((a, b) => a - b)
    .map(String)

test('the log begins after the latest snapshot that lies in what is too old; a segment that goes beyond it stays', async () => {
  expect(await removeWith([2, 5, 9])).toEqual({ first: 6, records: 4, files: 2 })
  expect(await readLogBeginning(openLogReader(written.folder))).toEqual({ first: 6 })
  expect(archived()).toEqual(['5', '7'])
  expect((await readCatalog(written.folder)).map(({ first }) => first)).toEqual([5, 7])
  await opens()
})

test('without a snapshot, or with one that is damaged, everything stays', async () => {
  expect(await removeWith([])).toEqual({ first: 1, records: 0, files: 0 })
  expect(await removeWith([9])).toEqual({ first: 1, records: 0, files: 0 })
  expect(await removeWith([4], () => false)).toEqual({ first: 1, records: 0, files: 0 })
  expect(await removeWith([4, 6], (sequence) => sequence === 4)).toMatchObject({ first: 5 })
})

test('what is not too old stays, whatever snapshots there are', async () => {
  const kept = removeOldDays({
    folder: written.folder,
    log: written.log,
    snapshots: [2, 4],
    isWhole: async () => true,
    // The day of all records is not over yet.
    beforeMs: Date.UTC(2001, 8, 9, 23),
  })
  expect(await kept).toEqual({ first: 1, records: 0, files: 0 })
})

test('the beginning never goes back', async () => {
  await removeWith([6])
  expect(await removeWith([2])).toEqual({ first: 7, records: 0, files: 0 })
})

/** What a removal up to record 4 has done when its process is killed. */
const INTERRUPTED: readonly (readonly [string, () => Promise<void>])[] = [
  ['the beginning was written', async () => undefined],
  ['the first file is gone', async () => remove(1)],
  ['all files are gone', async () => [1, 3].forEach(remove)],
  [
    'the catalog is written anew',
    async () => {
      for (const first of [1, 3]) remove(first)
      const catalog = await readCatalog(written.folder)
      await rewriteCatalog(
        written.folder,
        catalog.filter(({ last }) => last > 4),
      )
    },
  ],
]

const remove = (segment: number): void => {
  const name = String(segment).padStart(12, '0')
  const days = join(written.folder, 'predictions')
  for (const file of readdirSync(days, { recursive: true }).map(String))
    if (file.includes(name)) rmSync(join(days, file))
}

test.each(INTERRUPTED)(
  'killed when %s, the log opens, and the next removal goes on',
  async (_, interrupt) => {
    await writeLogBeginning(written.log, { first: 5 })
    await interrupt()
    await opens()
    await removeWith([4])
    expect(archived()).toEqual(['5', '7'])
    expect((await readCatalog(written.folder)).map(({ first }) => first)).toEqual([5, 7])
    await opens()
  },
)

test('without the document that says so, the same files are a hole', async () => {
  ;[1, 3].forEach(remove)
  expect(existsSync(join(written.folder, 'documents', 'beginning.json'))).toBe(false)
  await expect(opens()).rejects.toMatchObject({ code: 'SERVING_LOG_GAPS' })
})

/** As of one of several servers: its records 1 to 10 have ten times these numbers in the store. */
const removeShared = (snapshots: readonly number[], isWhole: (sequence: number) => boolean = () => true) => {
  const asked: number[] = []
  const removed = removeOldDays({
    folder: written.folder,
    log: written.log,
    snapshots,
    isWhole: async (sequence) => isWhole(sequence),
    beforeMs: LATER,
    lastOf: async ({ last }) => {
      asked.push(last)
      return 10 * last
    },
  })
  return removed.then((done) => ({ ...done, asked }))
}

test('with numbers of a store that servers share, segments go whose highest number is in the snapshot', async () => {
  // Record 5 has the number 50: its segment goes up to 60.
  expect(await removeShared([15, 55])).toEqual({ first: 5, records: 4, files: 2, asked: [2, 4, 6] })
  expect(await readLogBeginning(openLogReader(written.folder))).toEqual({ first: 5, after: 55 })
  expect(archived()).toEqual(['5', '7'])
  await opens()
  // Later only what is left is looked at; a snapshot before the beginning changes nothing.
  expect(await removeShared([15])).toMatchObject({ first: 5, records: 0, asked: [] })
  expect(await removeShared([55, 80])).toMatchObject({ first: 9, records: 4, asked: [6, 8] })
  expect(await readLogBeginning(openLogReader(written.folder))).toEqual({ first: 9, after: 80 })
  await opens()
})

test('such a log begins with an earlier snapshot where the latest is damaged, and stays without one', async () => {
  expect(await removeShared([])).toMatchObject({ first: 1, records: 0 })
  expect(await removeShared([45], () => false)).toMatchObject({ first: 1, records: 0 })
  expect(await removeShared([25, 65], (sequence) => sequence === 25)).toMatchObject({ first: 3, records: 2 })
  expect(await readLogBeginning(openLogReader(written.folder))).toEqual({ first: 3, after: 25 })
})
