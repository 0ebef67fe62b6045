import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { encodeDays } from '../drift/days-encoding.ts'
import { DAY_MS } from '../foundation/days.ts'
import { createRandom } from '../foundation/random.ts'
import { DecisionsByDay } from './decisions-by-day.ts'
import { decidedOf, type KeptDays, MOST_DAYS, nothingKept, withDecided } from './kept-days.ts'
import { decodeKeptDays, encodeKeptDays, readKeptDays, writeKeptDays } from './kept-days-file.ts'
import { watchedModel as loadedModel } from './monitored-log.test-kit.ts'
import { watchedModel } from './monitored-model.ts'
import { RecentRecords } from './recent-records.ts'

const MODEL = watchedModel(loadedModel(0))
const { loaded } = MODEL
const BY = { key: loaded.key, computed: loaded.scorer.featureNames }

interface Row {
  readonly day: number
  readonly type?: string
  readonly isTooOld?: boolean
}

/** Decisions of these rows, the first of number `first`. */
const decided = (rows: readonly Row[], first: number, known: readonly string[] = []) => {
  const byDay = new DecisionsByDay(MODEL, { known })
  addAll(byDay, rows, first)
  return byDay.take()
}

const addAll = (byDay: DecisionsByDay, rows: readonly Row[], first: number): void => {
  for (const [n, { day, type, isTooOld = false }] of rows.entries()) {
    const at = first + n
    const of = { eventTimeMs: day * DAY_MS + at, ...(type !== undefined && { transactionType: type }) }
    byDay.add(at, of, isTooOld, BY, [1 + (at % 5), 10 * at], (at % 10) / 10)
  }
}

const through = (sequence: number) => ({ through: sequence, mark: { sequence, hash: 5 } })

const plain = (kept: KeptDays) => ({
  ...kept,
  days: [...kept.days].map(([day, { firstRecord, bytes }]) => [day, firstRecord, [...bytes]]),
})

describe('kept days', () => {
  test('law: however records are parted, they are what all of them at once are', () => {
    const random = createRandom(3)
    const rows = Array.from({ length: 400 }, () => ({
      day: 100 + random.integer(6),
      type: `type ${random.integer(80)}`,
      isTooOld: random.integer(20) === 0,
    }))
    const whole = decided(rows, 1)
    let kept = nothingKept(0, false)
    for (let from = 0; from < rows.length; ) {
      const to = Math.min(from + 1 + random.integer(90), rows.length)
      // A server knows no names of before when it counts; they are bounded when they are put together.
      const byDay = new DecisionsByDay(MODEL, { segments: 1000 })
      addAll(byDay, rows.slice(from, to), from + 1)
      kept = withDecided(kept, byDay.take(), through(to), MODEL)
      from = to
    }
    const all = decidedOf(kept, MODEL)
    expect(all.segments).toEqual(whole.segments)
    expect(all.segments).toHaveLength(50)
    expect([all.rows, all.tooOld, all.unreadable]).toEqual([whole.rows, whole.tooOld, 0])
    expect(whole.tooOld).toBeGreaterThan(0)
    for (const [at, day] of whole.days.entries()) {
      expect(all.days[at]!.firstRecord).toBe(day.firstRecord)
      const sorted = (of: typeof day) => ({
        ...of,
        segments: new Map([...of.segments!].sort(([a], [b]) => (a < b ? -1 : 1))),
      })
      expect(encodeDays([sorted(all.days[at]!)])).toEqual(encodeDays([sorted(day)]))
    }
  })

  test('are the latest ones, and a day that was dropped does not come back', () => {
    const days = Array.from({ length: MOST_DAYS + 5 }, (_, day) => ({ day }))
    let kept = withDecided(nothingKept(0, false), decided(days, 1), through(days.length), MODEL)
    expect([kept.days.size, [...kept.days.keys()][0], kept.rows]).toEqual([MOST_DAYS, 5, MOST_DAYS + 5])
    kept = withDecided(kept, decided([{ day: 2 }, { day: 7 }], 500), through(501), MODEL)
    expect([kept.days.size, [...kept.days.keys()][0]]).toEqual([MOST_DAYS, 5])
    expect(kept.days.get(7)!.firstRecord).toBe(8)
  })

  test('that were taken and could not be kept are put back', () => {
    const byDay = new DecisionsByDay(MODEL)
    const rows = [{ day: 1, type: 'a' }, { day: 2 }, { day: 1, type: 'b', isTooOld: true }]
    addAll(byDay, rows, 1)
    byDay.putBack(byDay.take())
    addAll(byDay, rows, 4)
    const { days, ...counts } = byDay.take()
    expect(counts).toEqual({ segments: ['a'], rows: 4, tooOld: 2, unreadable: 0 })
    expect(days.map(({ day, profile, firstRecord }) => [day, profile.rows, firstRecord])).toEqual([
      [1, 2, 1],
      [2, 2, 2],
    ])
  })
})

describe('a file of kept days', () => {
  const kept = withDecided(
    nothingKept(7, true),
    decided([{ day: 3, type: 'Kauf ü' }, { day: -2 }, { day: 3 }], 8),
    through(10),
    MODEL,
  )
  const file = { kept, recent: ['8 abc', '9 def'] }

  test('has them as they were', () => {
    const read = decodeKeptDays(encodeKeptDays(file, MODEL), MODEL)
    if (typeof read === 'string') throw new Error(read)
    expect([plain(read.kept), read.recent]).toEqual([plain(kept), file.recent])
    const none = decodeKeptDays(encodeKeptDays({ kept: nothingKept(0, false), recent: [] }, MODEL), MODEL)
    expect(none).toEqual({ kept: nothingKept(0, false), recent: [] })
  })

  test('law: with any byte changed or cut off it is refused', () => {
    const bytes = encodeKeptDays(file, MODEL)
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice()
      damaged[at]! ^= 1 << (at % 8)
      expect(decodeKeptDays(damaged, MODEL)).toMatch(/does not begin|version|damaged/)
      expect(decodeKeptDays(bytes.slice(0, at), MODEL)).toMatch(/does not begin|damaged/)
    }
  })

  test('of another model, other bins or another threshold is refused', () => {
    const bytes = encodeKeptDays(file, MODEL)
    const other = { ...loaded, description: { ...loaded.description, sha256: 'f'.repeat(64) } }
    expect(decodeKeptDays(bytes, { ...MODEL, loaded: other })).toBe('it is of another model')
    const moved = watchedModel({ ...loaded, scorer: { ...loaded.scorer, threshold: 0.7 } })
    expect(decodeKeptDays(bytes, moved)).toMatch(/other bins, or for another threshold/)
  })

  test('is written whole, and there is none where there is none', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vigia-kept-'))
    const path = join(folder, 'monitoring', 'a.days')
    expect(await readKeptDays(path, MODEL)).toBeUndefined()
    await writeKeptDays(path, file, MODEL)
    expect(await readKeptDays(path, MODEL)).toMatchObject({ recent: file.recent })
    rmSync(folder, { recursive: true })
  })
})

test('a record that comes again is known, also by whoever is told the latest names', () => {
  const recent = new RecentRecords()
  expect([recent.isRepeated(1, 'a'), recent.isRepeated(1, 'b'), recent.isRepeated(1, 'a')]).toEqual([
    false,
    false,
    true,
  ])
  for (let n = 2; n < 1000; n++) recent.isRepeated(n, 'c')
  expect(recent.latest()).toHaveLength(512)
  const next = new RecentRecords(recent.latest())
  expect([next.isRepeated(999, 'c'), next.isRepeated(999, 'd'), next.isRepeated(100, 'c')]).toEqual([
    true,
    false,
    false,
  ])
})
