import { expect, test } from 'vitest'
import { DAY_MS, dateOf } from '../foundation/days.ts'
import { createRandom } from '../foundation/random.ts'
import type { DataFault } from '../quality/data-fault.ts'
import { FAULTS, feedOfDay } from '../quality/simulated-feed.test-kit.ts'
import { summarizeWindow, type WindowSummary } from '../quality/window-summary.ts'
import { faultInWords } from './fault-in-words.ts'
import { qualityOf, severityOfFault } from './quality-of-days.ts'

const BROKEN_FROM = 50
const cents = FAULTS.find(({ name }) => name === 'units for cents')!
/** Fifty days as ever, and sixty on which amounts are in another unit. */
const summaries: readonly WindowSummary[] = Array.from({ length: 110 }, (_, day) => {
  const feed = feedOfDay('bank', day)
  return summarizeWindow(day < BROKEN_FROM ? feed : cents.inject(feed, createRandom(day)))
})
const firstDay = summaries[0]!.startMs / DAY_MS
const never = (): WindowSummary => {
  throw new Error('every day has rows')
}
const judge = (day: number) => qualityOf(summaries, firstDay + day, firstDay + day, never)

test('days with faults are no history for later ones: the tenth broken day is as broken as the first', () => {
  const first = judge(BROKEN_FROM)
  expect([first.severity, first.blockedDays]).toEqual(['critical', [dateOf(firstDay + BROKEN_FROM)]])
  const tenth = judge(BROKEN_FROM + 9)
  expect([tenth.severity, tenth.blockedDays.length]).toEqual(['critical', 10])
  expect(tenth.historyDays).toBe(56 - 9)
  // Whether a day is looked at alone or as the last of seven is the same.
  const last = firstDay + BROKEN_FROM + 9
  const { days, ...ofSeven } = qualityOf(summaries, last - 6, last, never)
  expect({ ...ofSeven, days: days.slice(-1) }).toEqual(tenth)
})

test('what has lasted for more than six weeks is what the feed is like now', () => {
  const late = judge(BROKEN_FROM + 55)
  expect([late.severity, late.reasons, late.historyDays]).toEqual(['none', [], 56])
})

test('a day without rows is made up for, days of long ago begin no history', () => {
  const stray = { ...summarizeWindow(feedOfDay('bank', 0)), startMs: (firstDay - 300) * DAY_MS, rows: 3 }
  const gap = summaries.slice(0, 40).filter((_, day) => day !== 38)
  const made: number[] = []
  const found = qualityOf([stray, ...gap], firstDay + 38, firstDay + 39, (day) => {
    made.push(day - firstDay)
    const none = new Float64Array(0)
    const feed = feedOfDay('bank', 38)
    return summarizeWindow({
      startMs: feed.startMs,
      timesMs: none,
      isDuplicate: new Uint8Array(0),
      isLate: new Uint8Array(0),
      fields: Object.fromEntries(
        Object.entries(feed.fields).map(([name, column]) => [
          name,
          column.kind === 'number'
            ? { kind: 'number', range: column.range, values: none }
            : { kind: 'category', known: column.known, values: [] },
        ]),
      ),
    })
  })
  expect(made).toEqual([38])
  expect(found.days.map(({ rows, severity }) => [rows > 0, severity])).toEqual([
    [false, 'critical'],
    [true, 'none'],
  ])
})

test('every kind of fault has words and a severity', () => {
  for (const { kind, inject } of FAULTS) {
    const today = summarizeWindow(inject(feedOfDay('bank', 42), createRandom('words')))
    const [fault] = qualityOf([...summaries.slice(0, 42), today], firstDay + 42, firstDay + 42, never)
      .days[0]!.faults as readonly DataFault[]
    expect(fault!.kind).toBe(kind)
    expect(faultInWords(fault!)).toMatch(/^[a-z0-9].{20,}/)
    expect(faultInWords(fault!)).not.toMatch(/undefined|NaN/)
    expect(severityOfFault(fault!)).not.toBe('none')
  }
})
