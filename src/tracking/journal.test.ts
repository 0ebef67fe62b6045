import { appendFile, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { JOURNAL_FILE, openJournal, readJournal } from './journal.ts'
import { decodeEntry, encodeEntry, type JournalEntry } from './journal-entry.ts'
import { isUnchanged } from './keep-artifact.ts'

describe('a journal', () => {
  test('is found again as it was written, in the order of the calls', async () => {
    const journal = await openJournal(folder)
    await Promise.all([tagged('a'), tagged('b'), tagged('c')].map((entry) => journal.append(entry)))
    expect((await openJournal(folder)).before).toEqual([tagged('a'), tagged('b'), tagged('c')])
  })

  test('law: cut anywhere, as by a crash, it has its whole lines and goes on after them', async () => {
    await (await openJournal(folder)).append(tagged('first'), tagged('último'), tagged('third'))
    const bytes = await readFile(join(folder, JOURNAL_FILE))
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: bytes.length }), async (cut) => {
        await writeFile(join(folder, JOURNAL_FILE), bytes.subarray(0, cut))
        const whole = bytes.subarray(0, cut).toString('latin1').split('\n').length - 1
        const journal = await openJournal(folder)
        await journal.append(tagged('next'))
        const all = [tagged('first'), tagged('último'), tagged('third')].slice(0, whole)
        expect((await openJournal(folder)).before).toEqual([...all, tagged('next')])
      }),
    )
  })

  test('a line that is being written is not read yet', async () => {
    await (await openJournal(folder)).append(tagged('a'))
    await appendFile(join(folder, JOURNAL_FILE), '{"op":"ent')
    expect((await readJournal(folder)).map(({ entry }) => entry)).toEqual([tagged('a')])
  })

  test('a line that is damaged is there without its entry', async () => {
    await (await openJournal(folder)).append(tagged('a'))
    await appendFile(join(folder, JOURNAL_FILE), 'what?\n')
    expect((await readJournal(folder)).map(({ entry }) => entry)).toEqual([tagged('a'), undefined])
  })

  test('values that JSON lacks come back as they were', () => {
    const metrics = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0.1].map((value) => ({
      key: 'loss',
      value,
      timestampMs: 1,
      step: 0,
    }))
    const entry: JournalEntry = { op: 'entries', run: 'run', metrics }
    expect(decodeEntry(encodeEntry(entry))).toEqual(entry)
  })
})

describe('a copy of an artifact', () => {
  test('outlives the file that it was made of, and takes no room as long as that is there', async () => {
    const file = join(root, 'report.html')
    await writeFile(file, 'old')
    const journal = await openJournal(folder)
    const kept = await journal.keep('run', file, 'report.html')
    expect((await stat(join(folder, kept.copy))).nlink).toBe(2)
    // As files of a run are replaced.
    await writeFile(`${file}.tmp`, 'new')
    await rename(`${file}.tmp`, file)
    expect(await readFile(join(folder, kept.copy), 'utf8')).toBe('old')
    expect(await isUnchanged(folder, kept)).toBe(true)
  })

  test('of the same content is kept once, a folder with all it holds', async () => {
    await mkdir(join(root, 'model', 'inner'), { recursive: true })
    await writeFile(join(root, 'model', 'inner', 'MLmodel'), 'flavors')
    const journal = await openJournal(folder)
    const first = await journal.keep('run', join(root, 'model'), 'model')
    const second = await journal.keep('run', join(root, 'model'), 'again')
    expect(second.copy).toBe(first.copy)
    expect(await readFile(join(folder, first.copy, 'inner', 'MLmodel'), 'utf8')).toBe('flavors')
    expect(first.bytes).toBe(7)
  })

  test('that was altered, renamed within or removed is noticed', async () => {
    await mkdir(join(root, 'model'))
    await writeFile(join(root, 'model', 'MLmodel'), 'flavors')
    const journal = await openJournal(folder)
    const kept = await journal.keep('run', join(root, 'model'), 'model')
    await rename(join(folder, kept.copy, 'MLmodel'), join(folder, kept.copy, 'other'))
    expect(await isUnchanged(folder, kept)).toBe(false)
    await rm(join(folder, kept.copy), { recursive: true })
    expect(await isUnchanged(folder, kept)).toBe(false)
  })
})

let root: string
let folder: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'vigia-journal-'))
  folder = join(root, 'tracking', 'key')
})
afterEach(() => rm(root, { recursive: true, force: true }))

const tagged = (value: string): JournalEntry => ({ op: 'entries', run: 'run', tags: { value } })
