import { describe, expect, it } from 'vitest'
import { createRandom } from '../foundation/random.ts'
import {
  profileCodes,
  profileNumbers,
  profileNumbersLike,
  type ReferenceProfile,
} from '../model/reference-profile.ts'
import { DriftDetector } from './drift-detector.ts'
import type { DriftLook } from './drift-look.ts'
import { DRIFT_DEFAULTS, driftSettings } from './drift-settings.ts'
import { normalScores } from './normal-scores.ts'
import type { DayProfile } from './profile-book.ts'
import { profileLayoutOf } from './profile-layout.ts'
import { numericBinsOf, shapedReference, shapedRows } from './profiles.test-kit.ts'
import { confirmedSeverity, severityOf, weightedEffect } from './severity.ts'
import { SimulatedBank } from './simulated-bank.test-kit.ts'
import { WindowProfile } from './window-profile.ts'

const bank = new SimulatedBank(1, { rowsPerDay: 1500, features: 20 })
const history = bank.days(0, 42)
const [today, tomorrow] = [bank.day(42), bank.day(43)]
const detector = () => new DriftDetector({ layout: bank.layout, history })

const shifted = (day: DayProfile, by: number, feature = 'plain_0') =>
  bank.changed(day, feature, (values) => {
    for (let i = 0; i < values.length; i++) values[i]! += by
  })

describe('a look at a day without drift', () => {
  const look = detector().assess(today)

  it('raises nothing, on any feature that grows, remembers or follows the calendar', () => {
    expect(look.isRaised).toBe(false)
    expect([look.found, look.severity]).toEqual(['none', 'none'])
    expect(look.basis).toBe('chart')
    // The week before is no history yet.
    expect(look.historyDays).toBe(35)
    expect(look.statistic).toBeLessThanOrEqual(look.limit)
    expect(look.features.map(({ feature }) => feature)).toEqual(bank.names)
    expect(look.segments.map(({ segment }) => segment)).toEqual(['phone', 'post', 'shop', 'web'])
  })

  it('although p-values call drift', () => {
    expect(look.features.filter(({ tests }) => tests.adjustedPValue < 0.05).length).toBeGreaterThan(3)
    expect(look.features[0]!.tests.assumption).toBe('assumes independent rows')
  })

  it('tells what has moved since training, and calls it no drift', () => {
    const weekday = look.features.find(({ feature }) => feature === 'growing_0')!
    expect(weekday.sinceTraining.shift).toBeGreaterThan(0.25)
    expect(weekday.effect.shift).toBeLessThan(weekday.sinceTraining.shift)
    expect(look.reasons.join(' ')).toContain('Since training')
  })

  it('says the same of the same day, and is JSON', () => {
    const one = detector()
    expect(one.assess(today)).toEqual(look)
    expect(one.look(today)).toEqual(look)
    expect(JSON.parse(JSON.stringify(look))).toMatchObject({ day: 42, severity: 'none' })
  })
})

describe('drift of one feature', () => {
  it('is found the same day, on that feature, with its direction', () => {
    const look = detector().assess(shifted(today, 0.4))
    expect(look.isRaised).toBe(true)
    const beyond = look.features.filter(({ chart }) => chart?.isBeyond)
    expect(beyond.map(({ feature }) => feature)).toEqual(['plain_0'])
    expect(beyond[0]!.effect.shift).toBeCloseTo(0.4, 1)
    expect(beyond[0]!.direction).toContain('values are higher than expected by 0.')
    expect(detector().assess(shifted(today, -0.4)).reasons[0]).toContain('plain_0: values are lower')
  })

  it('is severe when it is found on two days of three, and moderate until then', () => {
    const one = detector()
    const first = one.look(shifted(today, 0.4))
    expect([first.found, first.severity]).toEqual(['severe', 'moderate'])
    expect(first.reasons.join(' ')).toContain('Severe is told when it is found on 2 of 3 days')
    expect(one.look(shifted(tomorrow, 0.4)).severity).toBe('severe')
    // Whether the day before was looked at or is among what is known.
    const resumed = new DriftDetector({ layout: bank.layout, history: [...history, shifted(today, 0.4)] })
    expect(resumed.look(shifted(tomorrow, 0.4)).severity).toBe('severe')
  })

  it('is never critical while the score stays', () => {
    expect(detector().assess(shifted(today, 3)).found).toBe('severe')
  })

  it('weighs by importance', () => {
    const importance = Object.fromEntries(bank.names.map((name) => [name, name === 'plain_0' ? 0.001 : 0.05]))
    const look = new DriftDetector({ layout: bank.layout, history, importance }).assess(shifted(today, 0.4))
    expect([look.isRaised, look.found]).toEqual([true, 'none'])
    expect(look.reasons).toContain('The change is real and small: no effect reaches the limits of moderate.')
  })

  it('that is small is found within days by the smoothed chart', () => {
    const one = detector()
    const looks = bank.days(42, 6).map((day) => one.look(shifted(day, 0.09)))
    const own = looks.map(({ features }) => features.find(({ feature }) => feature === 'plain_0')!.chart!)
    expect(own.some(({ isBeyond, chart }) => isBeyond && chart === 'smoothed')).toBe(true)
  })

  it('values that go missing', () => {
    const look = detector().assess(
      bank.changed(today, 'gaps_0', (values, { next }) => {
        for (let i = 0; i < values.length; i++) if (next() < 0.06) values[i] = Number.NaN
      }),
    )
    const drift = look.features.find(({ feature }) => feature === 'gaps_0')!
    expect(drift.chart).toMatchObject({ series: 'share of missing values', isBeyond: true })
    expect(drift.tests.missing.current).toBeGreaterThan(0.06)
    expect(drift.direction).toMatch(
      /^share of missing values is [789]\.\d\d %, where 2\.\d\d % was expected$/,
    )
  })

  it('a category that nobody knew', () => {
    const look = detector().assess(
      bank.changed(today, 'category_0', (values) => {
        for (let i = 0; i < values.length; i += 20) values[i] = 77
      }),
    )
    const drift = look.features.find(({ feature }) => feature === 'category_0')!
    expect(drift.chart).toMatchObject({ series: 'share of unseen categories', isBeyond: true })
    expect(drift.tests.newCategory.current).toBeCloseTo(0.05, 2)
  })

  it('a column that is all missing, or of one value', () => {
    for (const value of [Number.NaN, 0]) {
      const look = detector().assess(bank.changed(today, 'plain_0', (values) => values.fill(value)))
      expect(look.features.find(({ feature }) => feature === 'plain_0')!.chart!.isBeyond).toBe(true)
    }
  })

  it('a value beyond all that a constant ever had', () => {
    const flat = constantDays(40, 5)
    const one = new DriftDetector({ layout: flat.layout, history: flat.days })
    expect(one.assess(flat.day(40, 5)).isRaised).toBe(false)
    expect(one.assess(flat.day(40, 6)).features[0]).toMatchObject({ severity: 'severe' })
  })
})

describe('drift of the score', () => {
  const withScores = (of: DayProfile, score: number, share: number): DayProfile => {
    const more = Math.round(of.profile.rows * share)
    const column = bank.layout.columns.at(-1)!
    const extra = new WindowProfile(bank.layout)
    extra.addRows(new Float64Array(more * bank.layout.features), new Float64Array(more).fill(score))
    const counts = of.profile.counts.slice()
    for (let at = column.from; at < counts.length; at++) counts[at]! += extra.counts[at]!
    const profile = new WindowProfile(bank.layout)
    profile.restore(counts, of.profile.rows, of.profile.alerts + extra.alerts)
    return { ...of, profile }
  }

  it('many more alerts are critical at once', () => {
    const look = detector().assess(withScores(today, 0.99, 0.3))
    expect(look.score.chart!.isBeyond).toBe(true)
    expect(look.score.alertRate).toBeGreaterThan(5 * look.score.usualAlertRate)
    expect(look.severity).toBe('critical')
    expect(look.reasons[0]).toContain('The score: share ')
  })

  it('with it a feature may be critical too', () => {
    const look = detector().assess(withScores(shifted(today, 3), 0.99, 0.3))
    expect(look.features.find(({ feature }) => feature === 'plain_0')!.severity).toBe('critical')
  })

  it('a segment that is no more is beyond', () => {
    const segments = new Map(today.segments)
    segments.delete('shop')
    const look = detector().assess({ ...today, segments })
    const shop = look.segments.find(({ segment }) => segment === 'shop')!
    expect(shop.chart).toMatchObject({ series: 'share of all rows', isBeyond: true })
    expect([shop.rows, shop.severity]).toEqual([0, 'severe'])
  })
})

describe('a change that lasts', () => {
  const from = 77
  const days = [...history, ...bank.days(42, 63)]
  /** What is said of each day, knowing the days up to it, where a feature is another from `first` on. */
  const looksFrom = (first: number, until: number) => {
    const known = days.map((day) => (day.day < first ? day : shifted(day, 0.4)))
    const one = new DriftDetector({ layout: bank.layout, history: known })
    return known.slice(first, until).map((day) => one.assess(day))
  }
  const own = ({ features }: DriftLook) => features.find(({ feature }) => feature === 'plain_0')!

  it('is news for eight days at least, whatever day it begins on', () => {
    for (const first of [from, from + 3, from + 6]) {
      const looks = looksFrom(first, first + 8)
      expect(looks.map(({ severity }) => severity)).toEqual(['moderate', ...Array<string>(7).fill('severe')])
      expect(looks.every((look) => own(look).severity === 'severe')).toBe(true)
    }
  })

  it('is usual after three weeks', () => {
    const looks = looksFrom(from, from + 28)
    expect(looks.slice(0, 14).every((look) => own(look).chart!.isBeyond)).toBe(true)
    expect(looks.slice(21).some((look) => own(look).chart!.isBeyond)).toBe(false)
  })
})

describe('the history', () => {
  it('of fewer than 28 days gives effects only, and it says so', () => {
    const look = new DriftDetector({ layout: bank.layout, history: history.slice(0, 27) }).look(
      shifted(today, 3),
    )
    expect([look.basis, look.isRaised, look.severity, look.historyDays]).toEqual([
      'effects only',
      false,
      'none',
      27,
    ])
    expect(look.limit).toBeNaN()
    expect(look.reasons[0]).toBe('Fewer than 28 days of history: effect sizes only, nothing is raised.')
    expect(look.features.find(({ feature }) => feature === 'plain_0')!.effect.shift).toBeCloseTo(3, 0)
  })

  it('grows by the days looked at, a week at a time, and ends a week before a day once there are enough', () => {
    const one = new DriftDetector({ layout: bank.layout, history: history.slice(0, 21) })
    const looks = history.slice(21).map((day) => one.look(day))
    expect(looks.map(({ basis }) => basis)).toEqual([
      ...Array<string>(7).fill('effects only'),
      ...Array<string>(14).fill('chart'),
    ])
    expect(one.look(today).historyDays).toBe(35)
    expect(looks.slice(7).map(({ historyDays }) => historyDays)).toEqual(Array(14).fill(28))
  })

  it('may have gaps and days without rows, and comes in any order', () => {
    const holed = history
      .filter(({ day }) => day % 9 !== 4)
      .map((day) => (day.day === 20 ? emptyDay(20) : day))
    const look = new DriftDetector({ layout: bank.layout, history: holed.reverse() }).assess(
      shifted(today, 0.5),
    )
    expect(look.isRaised).toBe(true)
    expect(look.features.filter(({ chart }) => chart?.isBeyond).map(({ feature }) => feature)).toEqual([
      'plain_0',
    ])
  })

  it('nothing is said of a day without rows, or with a few', () => {
    const one = detector()
    const look = one.look(emptyDay(42))
    expect([look.rows, look.isRaised, look.severity]).toEqual([0, false, 'none'])
    expect(look.reasons[0]).toBe('0 rows are too few to be judged (100 are the least).')
    // The next day is held against the same as if there had been no look.
    expect(one.look(tomorrow).statistic).toBe(detector().look(tomorrow).statistic)
  })

  it('of another model, twice the same day or out of order is refused', () => {
    const foreign = { day: 50, profile: new WindowProfile(profileLayoutOf(bank.reference)) }
    expect(() => detector().look(foreign)).toThrow(
      'that of the day 50 is in the bins, or for the threshold, of',
    )
    expect(() => new DriftDetector({ layout: bank.layout, history: [today, today] })).toThrow(
      'the day 42 is there twice',
    )
    expect(() => detector().look(history[3]!)).toThrow('the day 3 to be looked at is not after 41')
    expect(() => detector().look({ ...today, day: 42.5 })).toThrow('42.5 is no day')
  })
})

describe('the reference of a model', () => {
  const { normal, integer } = createRandom(5)
  const amounts = Float64Array.from({ length: 5000 }, normal)
  const codes = Float64Array.from({ length: 5000 }, () => integer(6) - 1)
  const reference: ReferenceProfile = {
    schema: 1,
    rows: 5000,
    features: { amount: profileNumbers(amounts), category: profileCodes(codes) },
    score: { part: 'validation', profile: profileNumbers(amounts.map((amount) => amount * amount)) },
  }
  const layout = profileLayoutOf(reference)

  it('has bins that a profile counts as the model does', () => {
    const current = Float64Array.from({ length: 900 }, () => 2 * normal())
    const profile = new WindowProfile(layout)
    profile.addColumns([current, codes.subarray(0, 900)], new Float64Array(900))
    const amount = reference.features['amount']!
    if (amount.kind !== 'numeric') throw new Error('amount is a number')
    const { counts, missing } = profileNumbersLike(amount, current)
    expect([...profile.countsOf(layout.columns[0]!)]).toEqual([...counts, missing])
  })

  it('has normal scores with mean 0 and variance 1', () => {
    const amount = reference.features['amount']!
    if (amount.kind !== 'numeric') throw new Error('amount is a number')
    const scores = normalScores(amount)
    const mean = amount.counts.reduce((sum, count, bin) => sum + count * scores[bin]!, 0) / amount.count
    const squares =
      amount.counts.reduce((sum, count, bin) => sum + count * scores[bin]! ** 2, 0) / amount.count
    expect(mean).toBeCloseTo(0, 3)
    expect(squares).toBeCloseTo(1, 2)
  })
})

it('any shape of feature can be looked at, against the reference and against history', () => {
  const reference = shapedReference(3)
  const layout = profileLayoutOf(reference)
  const days = Array.from({ length: 36 }, (_, day) => {
    const { features, scores } = shapedRows(day, 400)
    const profile = new WindowProfile(layout)
    profile.addRows(features, scores)
    return { day, profile }
  })
  const looks = [0, 35].map((count) =>
    new DriftDetector({ layout, history: days.slice(0, count) }).look(days[35]!),
  )
  for (const look of looks) {
    expect(look.isRaised).toBe(false)
    expect(look.features).toHaveLength(9)
    for (const { feature, tests } of look.features)
      if (feature !== 'empty') expect([feature, tests.populationStability >= 0]).toEqual([feature, true])
  }
  expect(looks[1]!.basis).toBe('chart')
})

describe('severity', () => {
  const settings = driftSettings()
  const effect = (shift: number, stability = 0, ratio = 1) => ({ shift, stability, ratio })

  it('goes by the largest of the effects', () => {
    expect([0.09, 0.1, 0.25, 0.5].map((shift) => severityOf(effect(shift), settings))).toEqual([
      'none',
      'moderate',
      'severe',
      'critical',
    ])
    expect(severityOf(effect(0, 0, 2), settings)).toBe('moderate')
    expect(severityOf(effect(Number.NaN, 0.6), settings)).toBe('critical')
    expect(severityOf(effect(0.6), settings, 'severe')).toBe('severe')
  })

  it('of a feature with a tenth of an average importance counts a tenth', () => {
    expect(weightedEffect(effect(1, 1, 8), 0.001, 100).shift).toBeCloseTo(0.1, 12)
    expect(weightedEffect(effect(1, 1, 8), 0.5 / 100, 100).ratio).toBeCloseTo(Math.sqrt(8), 12)
    expect(weightedEffect(effect(1, 1, 8), 0.9, 100).shift).toBe(1)
  })

  it('severe waits for a second look, critical for none', () => {
    expect(confirmedSeverity('severe', [], settings)).toBe('moderate')
    expect(confirmedSeverity('severe', ['severe', 'none'], settings)).toBe('severe')
    expect(confirmedSeverity('severe', ['severe', 'none', 'none'], settings)).toBe('moderate')
    expect(confirmedSeverity('critical', [], settings)).toBe('critical')
    expect(confirmedSeverity('severe', [], driftSettings({ confirmLooks: 1, confirmWithin: 1 }))).toBe(
      'severe',
    )
  })
})

describe('settings', () => {
  it.each([
    [{ falseAlarms: 0 }, 'falseAlarms must be a number from 0.001 to 0.5; got 0'],
    [{ leastHistory: 20.5 }, 'leastHistory must be a whole number from 14 to 1000; got 20.5'],
    [{ confirmLooks: 4 }, 'confirmLooks must be at most confirmWithin; got 4'],
    [{ mostHistory: 20 }, 'mostHistory must be at least leastHistory; got 20'],
    [
      { severe: { ...DRIFT_DEFAULTS.severe, shift: 0.7 } },
      'shift of moderate, severe and critical must be above 0 and ascending; got 0.1, 0.7, 0.5',
    ],
  ])('%j are refused', (given, message) => expect(() => driftSettings(given)).toThrow(message))
})

function emptyDay(day: number): DayProfile {
  return { day, profile: new WindowProfile(bank.layout), segments: new Map() }
}

function constantDays(count: number, value: number) {
  const layout = profileLayoutOf({
    features: { fixed: numericBinsOf(Array(500).fill(value)) },
    score: { profile: numericBinsOf([0.1, 0.2, 0.3]) },
  })
  const day = (at: number, of: number) => {
    const profile = new WindowProfile(layout)
    profile.addRows(new Float64Array(500).fill(of), new Float64Array(500).fill(0.2))
    return { day: at, profile }
  }
  return { layout, day, days: Array.from({ length: count }, (_, at) => day(at, value)) }
}
