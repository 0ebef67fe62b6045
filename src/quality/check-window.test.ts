import { describe, expect, it } from 'vitest'
import { createRandom } from '../foundation/random.ts'
import { blocksRetraining, checkWindow } from './check-window.ts'
import { EFFECTS, FAULT_KINDS } from './data-fault.ts'
import { FAULTS, feedOfDay } from './simulated-feed.test-kit.ts'
import {
  type CategoryColumn,
  type NumberColumn,
  summarizeWindow,
  type WindowRows,
  type WindowSummary,
} from './window-summary.ts'

const DAYS = 42
const history = Array.from({ length: DAYS }, (_, day) => summarizeWindow(feedOfDay('bank', day)))
const next = feedOfDay('bank', DAYS)

describe('the summary of a day', () => {
  it('counts what a glance at the rows counts', () => {
    const summary = summarizeWindow(small)
    expect(summary).toMatchObject({ rows: 4, duplicates: 0.25, late: 0.5 })
    expect(summary.rowsByHour.slice(0, 3)).toEqual([2, 1, 1])
    expect(summary.fields['amount']).toMatchObject({
      present: 3,
      missing: 0.25,
      outOfRange: 1 / 3,
      whole: 2 / 3,
      hundreds: 1 / 3,
      topShare: 1 / 3,
      groups: { EUR: { rows: 2, median: 1.5 }, USD: { rows: 1, median: 300 } },
    })
    expect(summary.fields['kind']).toEqual({
      kind: 'category',
      present: 4,
      missing: 0,
      unknown: 0.25,
      topShare: 0.75,
      shares: { a: 0.75, z: 0.25 },
    })
  })

  it('of a day without rows has no shares', () => {
    const empty = summarizeWindow({
      startMs: 0,
      timesMs: new Float64Array(0),
      isDuplicate: new Uint8Array(0),
      isLate: new Uint8Array(0),
      fields: { amount: { kind: 'number', values: new Float64Array(0), range: [0, 1] } },
    })
    expect(empty).toMatchObject({ rows: 0, duplicates: 0, late: 0 })
    expect(empty.fields['amount']).toMatchObject({ present: 0, missing: 0, outOfRange: 0 })
  })
})

describe('a day of data', () => {
  it.each(FAULTS)('$name: found on the same day', ({ kind, field, inject }) => {
    const findings = checkWindow(history, summarizeWindow(inject(next, createRandom('fault'))))
    expect(findings.map((finding) => [finding.kind, finding.field])).toEqual([[kind, field]])
    expect(blocksRetraining(findings)).toBe(kind !== 'volume_surge')
    expect(findings[0]!.whatToDo).not.toBe('')
  })

  it('has no finding where nothing is wrong: two months of days that differ by more than chance', () => {
    const days = [...history]
    const found: unknown[] = []
    for (let day = DAYS; day < DAYS + 60; day++) {
      const today = summarizeWindow(feedOfDay('bank', day))
      found.push(...checkWindow(days.slice(-DAYS), today))
      days.push(today)
    }
    expect(found).toEqual([])
  })

  it('without any rows is a silent feed', () => {
    const findings = checkWindow(history, summarizeWindow(nothingOf(next)))
    expect(findings[0]).toMatchObject({ kind: 'silent_hours' })
    expect(blocksRetraining(findings)).toBe(true)
  })

  it('says by which numbers: the clock is five hours ahead, amounts are one for a hundred', () => {
    const of = (name: string) =>
      checkWindow(
        history,
        summarizeWindow(FAULTS.find((fault) => fault.name === name)!.inject(next, any)),
      )[0]!
    const any = createRandom(1)
    expect(of('a clock of another zone').effect).toBe(5)
    expect(of('units for cents').evidence['factor']).toBe(0.01)
    expect(of('cents for units in one currency').evidence).toMatchObject({ groups: 'GBP', factor: 100 })
    expect(of('two numbers swapped').evidence['with']).toBe('seconds_since_last')
    expect(of('three hours of silence').evidence['hours']).toBe('11, 12, 13')
  })

  describe('is no fault of the feed where one user does it alone', () => {
    const someone = mostActive(next)
    const share = shareOfUser(next, someone)
    const lone = (change: (day: WindowRows, isTheirs: (row: number) => boolean) => WindowRows) =>
      checkWindow(history, summarizeWindow(change(next, (row) => next.users![row] === someone)))
    const categories = (field: string, value: string | null) =>
      lone((day, isTheirs) => {
        const column = day.fields[field] as CategoryColumn
        const values = column.values.map((old, row) => (isTheirs(row) ? value : old))
        return { ...day, fields: { ...day.fields, [field]: { ...column, values } } }
      })

    it('is said of a user with more rows than the least share of a fault', () => {
      expect(share).toBeGreaterThan(0.015)
    })
    it('who travels: a country that training did not know', () => {
      expect(categories('country', 'far away')).toEqual([])
    })
    it('who has no channel', () => {
      expect(categories('channel', null)).toEqual([])
    })
    it('who pays more than anybody did', () => {
      const found = lone((day, isTheirs) => {
        const amount = day.fields['amount'] as NumberColumn
        const values = amount.values.map((value, row) => (isTheirs(row) ? 1e7 + row : value))
        return { ...day, fields: { ...day.fields, amount: { ...amount, values } } }
      })
      expect(found).toEqual([])
    })
    it('who pays the same twice, or comes late', () => {
      const flagged = (flags: Uint8Array, isTheirs: (row: number) => boolean) =>
        flags.map((flag, row) => (isTheirs(row) ? 1 : flag))
      expect(lone((day, isTheirs) => ({ ...day, isDuplicate: flagged(day.isDuplicate, isTheirs) }))).toEqual(
        [],
      )
      expect(lone((day, isTheirs) => ({ ...day, isLate: flagged(day.isLate, isTheirs) }))).toEqual([])
    })
    it('and is one where as many rows are of many users', () => {
      const country = next.fields['country'] as CategoryColumn
      const every = Math.floor(1 / share)
      const values = country.values.map((value, row) => (row % every === 0 ? 'elsewhere' : value))
      const day = { ...next, fields: { ...next.fields, country: { ...country, values } } }
      expect(checkWindow(history, summarizeWindow(day))).toMatchObject([
        { kind: 'unknown_categories', field: 'country' },
      ])
    })
  })

  it('is told of a feed of few users, whose shares all rise', () => {
    const of3 = (day: WindowRows): WindowRows => ({ ...day, users: day.timesMs.map((_, row) => row % 3) })
    const days = Array.from({ length: 42 }, (_, day) => summarizeWindow(of3(feedOfDay(5, day))))
    const fault = FAULTS.find(({ name }) => name === 'a fifth of a field is lost')!
    const broken = of3(fault.inject(feedOfDay(5, 42), createRandom(3)))
    expect(checkWindow(days, summarizeWindow(broken))).toMatchObject([{ kind: 'missing' }])
  })

  it('is judged by two weeks at least, of the same fields', () => {
    const today = summarizeWindow(next)
    expect(() => checkWindow(history.slice(0, 13), today)).toThrow('at least 14 days of summaries, got 13')
    const other: WindowSummary = { ...history[0]!, fields: {} }
    expect(() => checkWindow([...history, other], today)).toThrow('no field "amount"')
  })

  it('every kind has a fault that it is found by, and words for its effect', () => {
    expect([...new Set(FAULTS.map(({ kind }) => kind))].sort()).toEqual([...FAULT_KINDS].sort())
    expect(Object.keys(EFFECTS).sort()).toEqual([...FAULT_KINDS].sort())
  })
})

const small: WindowRows = {
  startMs: 0,
  timesMs: Float64Array.of(0, 1, 3_600_000, 7_200_000),
  isDuplicate: Uint8Array.of(0, 1, 0, 0),
  isLate: Uint8Array.of(1, 1, 0, 0),
  fields: {
    amount: {
      kind: 'number',
      values: Float64Array.of(1.5, 300, Number.NaN, 7),
      range: [0, 100],
      groups: ['EUR', 'USD', 'EUR', 'EUR'],
    },
    kind: { kind: 'category', values: ['a', 'a', 'z', 'a'], known: new Set(['a']) },
  },
}

function mostActive({ users }: WindowRows): number {
  const counts = new Map<number, number>()
  for (const user of users!) counts.set(user, (counts.get(user) ?? 0) + 1)
  return [...counts].reduce((most, one) => (one[1] > most[1] ? one : most))[0]
}

function shareOfUser({ users }: WindowRows, user: number): number {
  return users!.filter((one) => one === user).length / users!.length
}

function nothingOf(day: WindowRows): WindowRows {
  return {
    startMs: day.startMs,
    timesMs: new Float64Array(0),
    isDuplicate: new Uint8Array(0),
    isLate: new Uint8Array(0),
    fields: Object.fromEntries(
      Object.entries(day.fields).map(([name, column]) => [
        name,
        column.kind === 'number'
          ? { kind: 'number', range: column.range, values: new Float64Array(0) }
          : { kind: 'category', known: column.known, values: [] },
      ]),
    ),
  }
}
