import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { openFileJournal } from './file-journal.ts'

interface Entry {
  readonly n: number
}

test('what one process appends, every other sees, once and in order', async () => {
  const { open } = place()
  const [a, b] = [open(), open()]
  await append(a, 1)
  await append(b, 2)
  await append(a, 3)
  expect(await unseen(b)).toEqual([3])
  expect(await unseen(b)).toEqual([])
  expect(await unseen(open())).toEqual([1, 2, 3])
})

test('twenty that append at once leave twenty entries, and none saw another between its look and its line', async () => {
  const { open } = place()
  const totals = await Promise.all(
    Array.from({ length: 20 }, () =>
      open().transact((entries) => ({ append: { n: entries.length }, result: entries.length })),
    ),
  )
  expect(totals.toSorted((x, y) => x - y)).toEqual(Array.from({ length: 20 }, (_, i) => i))
})

test('a line that a crash cut short is cut off', async () => {
  const { open, path } = place()
  await append(open(), 1)
  appendFileSync(path, '{"n":2')
  const journal = open()
  await append(journal, 3)
  expect(await unseen(open())).toEqual([1, 3])
})

test('a call that fails has taken nothing in: the next one reads it again', async () => {
  const { open, path } = place()
  const [a, b] = [open(), open()]
  await append(b, 1)
  const refused = a.transact(() => {
    throw new Error('no')
  })
  await expect(refused).rejects.toThrow('no')
  expect(await unseen(a)).toEqual([1])
  await append(b, 2)
  await append(b, 3)
  const whole = readFileSync(path, 'utf8')
  writeFileSync(path, whole.replace('{"n":2}', '{"n":2 '))
  for (let i = 0; i < 2; i++) await expect(unseen(a)).rejects.toMatchObject({ code: 'ALERT_JOURNAL_FAILED' })
  writeFileSync(path, whole)
  expect(await unseen(a)).toEqual([2, 3])
})

test('one that is replaced begins anew for every other handle', async () => {
  const { open } = place()
  const [a, b] = [open(), open()]
  for (const n of [1, 2, 3]) await append(a, n)
  await unseen(b)
  await a.transact(() => ({ replace: { n: 6 }, result: undefined }))
  await append(a, 7)
  const seen = await b.transact((entries, isAnew) => ({ result: { ns: entries.map(({ n }) => n), isAnew } }))
  expect(seen).toEqual({ ns: [6, 7], isAnew: true })
})

test('what is left out when it is replaced is appended to the history first, behind a line that a crash cut short', async () => {
  const { open, folder } = place()
  const journal = open()
  await append(journal, 1)
  const replace = (n: number, history: readonly object[]) =>
    journal.transact(() => ({ replace: { n }, history, result: undefined }))
  await replace(2, [{ left: 1 }])
  const path = join(folder, 'alerts/history.jsonl')
  appendFileSync(path, '{"left":')
  await replace(3, [{ left: 2 }, { left: 3 }])
  await replace(4, [])
  expect(readFileSync(path, 'utf8')).toBe('{"left":1}\n{"left":\n{"left":2}\n{"left":3}\n')
  expect(await unseen(open())).toEqual([4])
})

test('a history that cannot be written keeps the journal as it is', async () => {
  const { open, folder, path } = place()
  await append(open(), 1)
  mkdirSync(join(folder, 'alerts/history.jsonl'))
  const before = readFileSync(path, 'utf8')
  const replaced = open().transact(() => ({ replace: { n: 2 }, history: [{ left: 1 }], result: undefined }))
  await expect(replaced).rejects.toMatchObject({ code: 'ALERT_JOURNAL_FAILED' })
  expect(readFileSync(path, 'utf8')).toBe(before)
})

test('what the work throws is thrown as it is, and nothing is written', async () => {
  const { open, path } = place()
  await append(open(), 1)
  const before = readFileSync(path, 'utf8')
  const error = new TypeError('mine')
  await expect(
    open().transact(() => {
      throw error
    }),
  ).rejects.toBe(error)
  expect(readFileSync(path, 'utf8')).toBe(before)
})

test('a folder that cannot be made, and a journal that is damaged, are said', async () => {
  const { open, path, folder } = place()
  writeFileSync(join(folder, 'file'), '')
  await expect(append(open(join(folder, 'file/below')), 1)).rejects.toMatchObject({
    code: 'ALERT_JOURNAL_FAILED',
  })
  await append(open(), 1)
  appendFileSync(path, 'no JSON\n')
  await expect(unseen(open())).rejects.toMatchObject({ code: 'ALERT_JOURNAL_FAILED' })
})

const made: string[] = []
afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true })
})

const place = () => {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-journal-'))
  made.push(folder)
  const owner = { processId: process.pid, host: 'here', isAlive: () => true }
  const open = (at = join(folder, 'alerts')) =>
    openFileJournal<Entry>({ folder: at, owner, now: Date.now, failure: 'ALERT_JOURNAL_FAILED' })
  return { open, folder, path: join(folder, 'alerts/journal.jsonl') }
}

type Journal = ReturnType<ReturnType<typeof place>['open']>

const append = (journal: Journal, n: number) => journal.transact(() => ({ append: { n }, result: undefined }))

const unseen = (journal: Journal) => journal.transact((entries) => ({ result: entries.map(({ n }) => n) }))
