import { describe, expect, test } from 'vitest'
import { type DayProfile, ProfileBook } from '../drift/profile-book.ts'
import { dateOf } from '../foundation/days.ts'
import { createRandom } from '../foundation/random.ts'
import { type DaysSource, monitorDays } from './monitor-days.ts'
import { FIRST_DAY, type InventedRow, inventedDay, watchedModel } from './monitored-log.test-kit.ts'
import { monitoredModel } from './monitored-model.ts'
import { unjudgedQuality } from './quality-section.ts'

const loaded = watchedModel(30)
const model = monitoredModel(loaded)

/** What is said of a day, by its date. */
type Verdicts = ReadonlyMap<string, unknown>

describe('law: what is said of a day follows from the days before it', () => {
  // A day is missing, one is wild, a feature is different from the 21st on and scores from the 34th on.
  const logged = servedDays(42, (row, day) => {
    const isMore = day === 9 || day >= 20
    return { ...row, visits: row.visits + (isMore ? 1 : 0), amount: row.amount * (day >= 33 ? 3 : 1) }
  }).filter(({ day }) => day !== FIRST_DAY + 15)

  test('and not from how many days are shown', async () => {
    for (const count of [12, 20, 21, 22, 24, 29, 35, 41]) {
      const days = logged.slice(0, count)
      const most = await verdictsOn(days, 14)
      for (const looks of [1, 2, 3, 7, 14]) {
        const verdicts = await verdictsOn(days, looks)
        expect(verdicts.size).toBe(Math.min(looks, count))
        for (const [date, verdict] of verdicts) expect([date, verdict]).toEqual([date, most.get(date)])
      }
    }
  })

  test('nor from the night on which they are', async () => {
    const told = new Map<string, unknown>()
    for (let count = 1; count <= logged.length; count++)
      for (const [date, verdict] of await verdictsOn(logged.slice(0, count), 7)) {
        if (!told.has(date)) told.set(date, verdict)
        expect([date, verdict]).toEqual([date, told.get(date)])
      }
    const severities = [...told.values()].map((verdict) => (verdict as { severity: string }).severity)
    expect(severities.slice(8, 11)).toEqual(['none', 'critical', 'none'])
    // The other feature goes on being news for eight days.
    expect(severities.slice(18, 27).map((severity) => /severe|critical/.test(severity))).toEqual([
      false,
      ...Array<boolean>(8).fill(true),
    ])
  })

  test('a day of training within a gap of the log is among them', async () => {
    const early = { ...logged[0]!, day: FIRST_DAY - 12 }
    const verdictOn = async (looks: number) =>
      (await verdictsOn([early, ...logged.slice(1, 4)], looks)).get(dateOf(FIRST_DAY + 3))
    expect(await verdictOn(1)).toMatchObject({ historyDays: 28 })
    expect(await verdictOn(4)).toEqual(await verdictOn(1))
  })
})

async function verdictsOn(days: readonly DayProfile[], looks: number): Promise<Verdicts> {
  const report = await monitorDays(sourceOf(days), { model, looks })
  return new Map(
    report.looks.map(({ date, severity, found, isRaised, statistic, limit, historyDays, reasons }) => [
      date,
      { severity, found, isRaised, statistic, limit, historyDays, reasons },
    ]),
  )
}

function servedDays(count: number, change: (row: InventedRow, day: number) => InventedRow): DayProfile[] {
  const random = createRandom(9)
  const book = new ProfileBook(loaded.artifact.reference, model.options)
  for (let n = 0; n < count; n++)
    for (const row of inventedDay(FIRST_DAY + n, random, (of) => change(of, n))) {
      const vector = Float64Array.of(row.visits, row.amount)
      book.add(
        row.eventTimeMs,
        vector,
        loaded.scorer.scoreOne([row.visits, row.amount]),
        row.type.trim().toLowerCase(),
      )
    }
  return book.takeDays()
}

function sourceOf(days: readonly DayProfile[]): DaysSource {
  return {
    names: ['log'],
    days: { days, unfinished: undefined, rows: 0, tooOld: 0, unreadable: 0, firstRecords: new Map() },
    outcomesOf: async () => ({
      performance: null,
      quality: unjudgedQuality(),
    }),
    eachOfDay: async () => undefined,
  }
}
