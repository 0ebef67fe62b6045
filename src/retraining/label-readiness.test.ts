import { describe, expect, test } from 'vitest'
import { createRandom } from '../foundation/random.ts'
import { untoldEvent } from '../performance/decided-event.test-kit.ts'
import { type DecidedEvent, decidedRows } from '../performance/decided-rows.ts'
import { censoredCounts, markRows } from './censoring.ts'
import { labelReadiness } from './label-readiness.ts'
import { bankOfDays, DAY_MS, dayMs, RULES } from './retraining.test-kit.ts'

const ASKING = { changedMs: dayMs(0), leftOutDays: [], wantsRecency: true }
const rows = (to: number) => decidedRows(bankOfDays(-60, to))

describe('labels that have matured', () => {
  test('of ten frauds a day, four known after five days: eighty need eight days that are six days old', () => {
    expect(labelReadiness(rows(13), ASKING, dayMs(13), RULES)).toMatchObject({
      order: undefined,
      matureDays: 6,
      frauds: 70,
      wanted: 80,
    })
    const ready = labelReadiness(rows(14), ASKING, dayMs(14), RULES)
    expect(ready.order).toEqual({
      trainFromMs: dayMs(4) - RULES.windowMs,
      validationFromMs: dayMs(3),
      judgedFromMs: dayMs(4),
      judgedToMs: dayMs(8),
      halfLifeMs: DAY_MS,
      leftOutDays: [],
    })
  })

  test('it says for how many it waits, and until when', () => {
    const { why, expectedMs } = labelReadiness(rows(13), ASKING, dayMs(13), RULES)
    expect(why).toBe(
      'labels mature: 70 of 80 frauds since 2026-01-01 are known whose decisions are 6 days old or more; expected about 2026-01-15',
    )
    expect(expectedMs).toBe(dayMs(14))
  })

  test('quick labels of young days count for nothing: they are those of what was flagged', () => {
    // Sixty frauds a day are flagged and known at once, and still no day but the old ones is mature.
    const flood: DecidedEvent[] = Array.from({ length: 600 }, (_, at) => ({
      ...bankOfDays(0, 1)[0]!,
      decidedAtMs: dayMs(8) + at * 60_000,
      knownAtMs: dayMs(9),
    }))
    const flooded = decidedRows([...bankOfDays(-60, 10), ...flood])
    expect(labelReadiness(flooded, ASKING, dayMs(10), RULES).frauds).toBe(40)
  })

  test('frauds of days with broken data are not counted', () => {
    const left = { ...ASKING, leftOutDays: [Math.floor(dayMs(2) / DAY_MS)] }
    expect(labelReadiness(rows(14), left, dayMs(14), RULES)).toMatchObject({ order: undefined, frauds: 70 })
    expect(labelReadiness(rows(15), left, dayMs(15), RULES).order!.leftOutDays).toEqual(left.leftOutDays)
  })

  test('days that the champion has learnt from compare nothing', () => {
    const asking = { ...ASKING, learntUntilMs: dayMs(5) }
    expect(labelReadiness(rows(14), asking, dayMs(14), RULES).order).toBeUndefined()
    expect(labelReadiness(rows(15), asking, dayMs(15), RULES).order!.judgedFromMs).toBe(dayMs(5))
  })

  test('where nothing has changed, all of the window counts, and no row is weighed', () => {
    const plain = { changedMs: null, leftOutDays: [], wantsRecency: false }
    const { order } = labelReadiness(rows(3), plain, dayMs(3), RULES)
    expect(order).toMatchObject({ judgedToMs: dayMs(-3), judgedFromMs: dayMs(-7), halfLifeMs: null })
  })

  test('the half-life is never longer than a third of the time since the change', () => {
    const order = labelReadiness(rows(90), ASKING, dayMs(90), RULES).order!
    expect(order.halfLifeMs).toBe(RULES.halfLifeMs)
    const soon = labelReadiness(rows(14), ASKING, dayMs(14), RULES).order!
    expect(soon.halfLifeMs).toBe((soon.validationFromMs - ASKING.changedMs) / 3)
  })

  test('law: the parts follow each other, and hold at least what is asked for', () => {
    const random = createRandom('readiness')
    let ready = 0
    for (let trial = 0; trial < 200; trial++) {
      const asOf = 5 + random.integer(60)
      const least = { leastFrauds: 1 + random.integer(200), leastJudgedFrauds: 1 + random.integer(200) }
      const { order } = labelReadiness(rows(asOf), ASKING, dayMs(asOf), { ...RULES, ...least })
      if (order === undefined) continue
      ready++
      const { trainFromMs, validationFromMs, judgedFromMs, judgedToMs } = order
      const ends = [trainFromMs, ASKING.changedMs, validationFromMs, judgedFromMs, judgedToMs]
      expect(ends).toEqual([...ends].sort((a, b) => a - b))
      expect(new Set(ends).size).toBe(5)
      expect((judgedToMs - judgedFromMs) / DAY_MS).toBeGreaterThanOrEqual(least.leastJudgedFrauds / 10)
      expect((judgedFromMs - dayMs(0)) / DAY_MS).toBeGreaterThanOrEqual(least.leastFrauds / 10)
      expect(judgedToMs).toBeLessThanOrEqual(dayMs(asOf) - 6 * DAY_MS)
    }
    expect(ready).toBeGreaterThan(50)
  })
})

describe('marks of rows', () => {
  const event = (changes: Partial<DecidedEvent>): DecidedEvent =>
    untoldEvent({ decidedAtMs: dayMs(0), ...changes })
  const marked = decidedRows([
    event({ flagged: true, label: 1, knownAtMs: dayMs(1), origin: 'alert' }),
    event({ label: 1, knownAtMs: dayMs(6), origin: 'customer' }),
    event({ label: 0, knownAtMs: dayMs(2), origin: 'sample', propensity: 0.02 }),
    event({ flagged: true }),
    event({}),
    event({ flagged: true, decidedAtMs: dayMs(8) }),
    event({ label: 1, knownAtMs: dayMs(12), origin: 'customer' }),
  ])

  test('who told, who was never asked, and what is still young', () => {
    const marks = markRows(marked, dayMs(10), 7)
    expect(censoredCounts(marked, marks, { fromMs: dayMs(0), toMs: dayMs(10) })).toEqual({
      alert: 1,
      customer: 1,
      sample: 1,
      censored: 1,
      silent: 2,
      young: 1,
      frauds: 2,
      flaggedFrauds: 1,
    })
  })

  test('count within a stretch of time alone', () => {
    const marks = markRows(marked, dayMs(10), 7)
    expect(censoredCounts(marked, marks, { fromMs: dayMs(8), toMs: dayMs(10) })).toMatchObject({
      young: 1,
      alert: 0,
      frauds: 0,
    })
  })
})
