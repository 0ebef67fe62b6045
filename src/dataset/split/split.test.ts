import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRandom } from '../../foundation/random.ts'
import { assignByTime } from './assign-by-time.ts'
import { assignStratified } from './assign-stratified.ts'
import { excludeKnownCompromised } from './exclude-known-compromised.ts'
import { PART, PART_NAMES, type SplitRows, type TemporalWindows, UNLABELLED } from './part.ts'
import { reportSplit } from './split-report.ts'
import { inOrder, windowsFromRows, windowsFromShares } from './temporal-windows.ts'

const DAY = 86_400_000

describe('a temporal split', () => {
  const windows: TemporalWindows = {
    train: { fromMs: 2 * DAY, toMs: 4 * DAY },
    validation: { fromMs: 5 * DAY, toMs: 6 * DAY },
    test: { fromMs: 7 * DAY, toMs: 8 * DAY },
  }

  it('gives warm-up and gaps to no part; a window holds its start and not its end', () => {
    const rows = rowsOf([0, 1.999, 2, 3.999, 4, 5, 6, 7, 7.999, 8].map((day) => ({ day })))
    expect(named(assignByTime(rows, windows))).toEqual(
      'none none train train none validation none test test none'.split(' '),
    )
  })

  it('leaves rows without a label out', () => {
    const rows = rowsOf([
      { day: 3, label: UNLABELLED },
      { day: 3, label: 1 },
    ])
    expect(named(assignByTime(rows, windows))).toEqual(['none', 'train'])
  })

  it('shares out the time that warm-up and gaps leave: 30 days less 10 less 2 x 5 is 10, of which 6, 2 and 2', () => {
    const shared = windowsFromShares(0, 30 * DAY - 1, {
      warmupMs: 10 * DAY,
      gapMs: 5 * DAY,
      validation: 0.2,
      test: 0.2,
    })
    expect(shared).toEqual({
      train: { fromMs: 10 * DAY, toMs: 16 * DAY },
      validation: { fromMs: 21 * DAY, toMs: 23 * DAY },
      test: { fromMs: 28 * DAY, toMs: 30 * DAY },
    })
  })

  it('needs one gap only when there is no validation', () => {
    const shared = windowsFromShares(0, 20 * DAY - 1, {
      warmupMs: 5 * DAY,
      gapMs: 5 * DAY,
      validation: 0,
      test: 0.3,
    })
    expect(shared).toEqual({
      train: { fromMs: 5 * DAY, toMs: 12 * DAY },
      validation: null,
      test: { fromMs: 17 * DAY, toMs: 20 * DAY },
    })
  })

  it('law: the last row is in the test, the first after the warm-up in training', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 40, max: 400 }),
        fc.double({ min: 0.05, max: 0.4, noNaN: true }),
        (days, share) => {
          const last = days * DAY + 17
          const shared = windowsFromShares(0, last, {
            warmupMs: 10 * DAY,
            gapMs: 7 * DAY,
            validation: share,
            test: share,
          })
          const rows = rowsOf([{ day: 10 }, { day: last / DAY }])
          expect(named(assignByTime(rows, shared))).toEqual(['train', 'test'])
        },
      ),
    )
  })

  it('says when the data is too short for its warm-up and gaps', () => {
    expect(() =>
      windowsFromShares(0, 20 * DAY - 1, { warmupMs: 10 * DAY, gapMs: 7 * DAY, validation: 0.2, test: 0.2 }),
    ).toThrow('The data spans 20 days; 10 days of warm-up and 14 days of gaps leave nothing to share out')
  })

  it('shares out rows where they come thick and thin: of 9 a day at first and 1 later, each part has its share', () => {
    // 90 rows in 10 days, then 10 in 10 days. By time, the test would have 4 rows; 20 % of 100 are 20.
    const times = Float64Array.from({ length: 100 }, (_, row) => (row < 90 ? row / 9 : row - 80) * DAY)
    const shares = { warmupMs: 0, gapMs: 0, validation: 0.2, test: 0.2 }
    const byTime = countIn(windowsFromShares(0, times[99]!, shares), times)
    expect(byTime).toEqual([92, 4, 4])
    expect(countIn(windowsFromRows(0, times, shares), times)).toEqual([60, 20, 20])
  })

  it('rows of a warm-up and of gaps are shared out to nobody', () => {
    // One row a day: 10 of warm-up, and two gaps of 5 days, leave 30 - 10 - 8 to 10.
    const times = Float64Array.from({ length: 30 }, (_, row) => row * DAY)
    const windows = windowsFromRows(0, times, {
      warmupMs: 10 * DAY,
      gapMs: 5 * DAY,
      validation: 0.2,
      test: 0.2,
    })
    expect(countIn(windows, times)).toEqual([6, 2, 2])
    expect(windows.train.fromMs).toBe(10 * DAY)
    expect(windows.validation!.fromMs - windows.train.toMs).toBe(5 * DAY)
    expect(windows.test.fromMs - windows.validation!.toMs).toBe(5 * DAY)
  })

  it('law: without gaps each part has its share of the rows, but for those of one instant', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 60, maxLength: 300 }),
        fc.double({ min: 0.1, max: 0.3, noNaN: true }),
        fc.constantFrom(0, 0.15, 0.25),
        (instants, test, validation) => {
          const times = Float64Array.from(instants).sort()
          const most = Math.max(
            ...new Map(instants.map((at) => [at, instants.filter((t) => t === at).length])).values(),
          )
          const windows = windowsFromRows(times[0]!, times, { warmupMs: 0, gapMs: 0, validation, test })
          const [train, inValidation, inTest] = countIn(windows, times)
          expect(train! + inValidation! + inTest!).toBe(times.length)
          // Rounding, and a boundary for each part that rows of one instant may push.
          expect(Math.abs(inTest! - test * times.length)).toBeLessThanOrEqual(2 * most + 1)
          expect(Math.abs(inValidation! - validation * times.length)).toBeLessThanOrEqual(2 * most + 1)
        },
      ),
    )
  })

  it('by rows too, says when the data is too short', () => {
    const times = Float64Array.of(0, DAY, 2 * DAY)
    const shares = { warmupMs: 10 * DAY, gapMs: 0, validation: 0, test: 0.2 }
    expect(() => windowsFromRows(0, times, shares)).toThrow('10 days of warm-up')
    expect(() => windowsFromRows(0, times, { ...shares, warmupMs: 0, gapMs: 5 * DAY })).toThrow(
      '5 days of gaps',
    )
  })

  it('refuses a test that begins before training ends, and names both instants', () => {
    const test = { fromMs: 3 * DAY, toMs: 8 * DAY }
    expect(() => inOrder({ ...windows, validation: null, test })).toThrow(
      'split sets the start of test to 1970-01-04T00:00:00Z; it must come after the end of train, 1970-01-05T00:00:00Z',
    )
  })

  it('refuses a window that does not last', () => {
    expect(() => inOrder({ ...windows, train: { fromMs: DAY, toMs: DAY } })).toThrow('the end of train')
  })
})

describe('users known to be compromised leave the test', () => {
  // Labels are known after one day. Test: days 4, 5 and 6.
  const windows: TemporalWindows = {
    train: { fromMs: 1 * DAY, toMs: 3 * DAY },
    validation: null,
    test: { fromMs: 4 * DAY, toMs: 7 * DAY },
  }

  it('a fraud in training blocks the user for the whole test', () => {
    expect(
      partsOf({ day: 2, user: 1, label: 1 }, { day: 4, user: 1 }, { day: 6, user: 1, label: 1 }),
    ).toEqual(['train', 'none', 'none'])
  })

  it('a fraud in the gap blocks the user from the day at whose beginning it is known', () => {
    // Fraud at 3.5, known at 4.5: still unknown when day 4 begins, known when day 5 begins.
    expect(partsOf({ day: 3.5, user: 1, label: 1 }, { day: 4.9, user: 1 }, { day: 5, user: 1 })).toEqual([
      'none',
      'test',
      'none',
    ])
  })

  it('a label that becomes known at the very beginning of a day counts from the next', () => {
    expect(partsOf({ day: 3, user: 1, label: 1 }, { day: 4.9, user: 1 }, { day: 5, user: 1 })).toEqual([
      'none',
      'test',
      'none',
    ])
  })

  it('a fraud in the test itself counts too, once it is known', () => {
    expect(partsOf({ day: 4.2, user: 1, label: 1 }, { day: 5.9, user: 1 }, { day: 6, user: 1 })).toEqual([
      'test',
      'test',
      'none',
    ])
  })

  it('a fraud before training, or of somebody else, blocks nobody', () => {
    expect(
      partsOf({ day: 0.5, user: 1, label: 1 }, { day: 2, user: 2, label: 1 }, { day: 4, user: 1 }),
    ).toEqual(['none', 'train', 'test'])
  })

  it('law: with a delay and a gap of a week it is the rule of the card-fraud handbook, which counts whole days', () => {
    const week: TemporalWindows = {
      train: { fromMs: 0, toMs: 7 * DAY },
      validation: null,
      test: { fromMs: 14 * DAY, toMs: 21 * DAY },
    }
    const row = fc.record({
      day: fc.integer({ min: -3 * 2, max: 22 * 2 }).map((halves) => halves / 2),
      user: fc.integer({ min: 0, max: 4 }),
      label: fc.constantFrom(0, 0, 0, 0, 1),
    })
    fc.assert(
      fc.property(fc.array(row, { minLength: 20, maxLength: 40 }), (cases) => {
        const rows = rowsOf(cases, 7 * DAY)
        const kept = excludeKnownCompromised(assignByTime(rows, week), rows, week)
        cases.forEach(({ day, user }, index) => {
          const testDay = Math.floor(day) - 14
          if (testDay < 0 || testDay >= 7) return
          // Test day k knows the frauds of training and of each day up to train start + 7 + k - 1.
          const isKnown = cases.some(
            (other) =>
              other.label === 1 &&
              other.user === user &&
              other.day >= 0 &&
              Math.floor(other.day) <= 7 + testDay - 1,
          )
          expect(PART_NAMES[kept[index]!]).toBe(isKnown ? 'none' : 'test')
        })
      }),
    )
  })

  const partsOf = (...cases: readonly Case[]): string[] => {
    const rows = rowsOf(cases, DAY)
    return named(excludeKnownCompromised(assignByTime(rows, windows), rows, windows))
  }
})

describe('a random split', () => {
  const labels = Int8Array.from({ length: 1030 }, (_, row) => (row < 30 ? 1 : 0))

  it('gives each part its exact share of each class: of 1000 and 30 rows, 20 % are 200 and 6', () => {
    const parts = assignStratified(labels, { validation: 0.2, test: 0.2 }, createRandom(1))
    const count = (part: number, label: number) =>
      parts.reduce((sum, other, row) => sum + (other === part && labels[row] === label ? 1 : 0), 0)
    expect([PART.train, PART.validation, PART.test].map((part) => [count(part, 0), count(part, 1)])).toEqual([
      [600, 18],
      [200, 6],
      [200, 6],
    ])
  })

  it('is the same for the same seed, and another for another', () => {
    const split = (seed: number) =>
      assignStratified(labels, { validation: 0.2, test: 0.2 }, createRandom(seed))
    expect(split(1)).toEqual(split(1))
    expect(split(1)).not.toEqual(split(2))
  })

  it('leaves rows without a label out', () => {
    const parts = assignStratified(
      Int8Array.of(UNLABELLED, 1, 0),
      { validation: 0, test: 0 },
      createRandom(1),
    )
    expect(named(parts)).toEqual(['none', 'train', 'train'])
  })
})

describe('the report', () => {
  const windows: TemporalWindows = {
    train: { fromMs: 0, toMs: 2 * DAY },
    validation: null,
    test: { fromMs: 9 * DAY, toMs: 10 * DAY },
  }
  const rows = rowsOf([
    { day: 0, label: 1 },
    { day: 1 },
    { day: 5 },
    { day: 9, label: 1 },
    { day: 9.5, user: 7 },
  ])

  it('counts rows, frauds, class balance and bounds of each part', () => {
    const report = reportSplit(assignByTime(rows, windows), rows, {
      windows,
      labelDelayMs: DAY,
      excluded: 0,
      shares: null,
    })
    expect(report.parts).toEqual([
      { part: 'train', rows: 2, frauds: 1, fraudShare: 0.5, fromMs: 0, toMs: DAY },
      { part: 'validation', rows: 0, frauds: 0, fraudShare: null, fromMs: null, toMs: null },
      { part: 'test', rows: 2, frauds: 1, fraudShare: 0.5, fromMs: 9 * DAY, toMs: 9.5 * DAY },
      { part: 'none', rows: 1, frauds: 0, fraudShare: 0, fromMs: 5 * DAY, toMs: 5 * DAY },
    ])
    expect(report.sharedUsers).toBe(1)
    expect(report.warnings).toEqual([])
  })

  it('warns of a gap that is shorter than the label delay, and counts the labels nobody would have', () => {
    const late = rowsOf([{ day: 1, label: 1 }, { day: 1.5 }, { day: 9, label: 1 }, { day: 9 }], 8 * DAY)
    const report = reportSplit(assignByTime(late, windows), late, {
      windows,
      labelDelayMs: 8 * DAY,
      excluded: 0,
      shares: null,
    })
    expect(report.warnings).toEqual([
      expect.stringContaining('between train and test is 7d, shorter than the label delay of 8d'),
      expect.stringContaining('Training rows whose label is known only after test begins: 1.'),
    ])
  })

  it('warns that a random split shows the future, and of users in both parts', () => {
    const parts = Uint8Array.of(PART.train, PART.test, PART.test, PART.test, PART.train)
    const report = reportSplit(parts, rows, { windows: null, labelDelayMs: 0, excluded: 0, shares: null })
    expect(report.warnings[0]).toContain('learn from rows that come after')
    expect(report.warnings[1]).toContain('Users both in training and in test: 1.')
  })

  it('warns of a part that has less than half of the rows it was to have', () => {
    const parts = Uint8Array.of(PART.train, PART.train, PART.train, PART.none, PART.test)
    const report = (shares: { validation: number; test: number } | null) =>
      reportSplit(parts, rows, { windows, labelDelayMs: DAY, excluded: 0, shares }).warnings
    // Of 4 rows in parts, the test has 1: a quarter, where .4 was asked for is enough and .6 is not.
    expect(report({ validation: 0, test: 0.4 })).toEqual([
      expect.stringContaining('The test part holds no fraud'),
    ])
    expect(report({ validation: 0, test: 0.6 })[0]).toContain(
      'The test part has 25 % of the rows of all parts (rows: 1), less than half of the 60 % asked for. Use split.by rows',
    )
    expect(report(null)).toHaveLength(1)
  })

  it('warns of a part without frauds', () => {
    const calm = rowsOf([{ day: 0 }, { day: 1, label: 1 }, { day: 9 }])
    const report = reportSplit(assignByTime(calm, windows), calm, {
      windows,
      labelDelayMs: 0,
      excluded: 0,
      shares: null,
    })
    expect(report.warnings).toEqual(['The test part holds no fraud (rows: 1): ROC-AUC is not defined on it.'])
  })
})

interface Case {
  readonly day: number
  readonly label?: number
  readonly user?: number
}

const rowsOf = (cases: readonly Case[], labelDelayMs = 0): SplitRows => ({
  eventTimesMs: Float64Array.from(cases, ({ day }) => day * DAY),
  labels: Int8Array.from(cases, ({ label = 0 }) => label),
  knownAtMs: Float64Array.from(cases, ({ day }) => day * DAY + labelDelayMs),
  users: Uint32Array.from(cases, ({ user = 0 }) => user),
})

const countIn = ({ train, validation, test }: TemporalWindows, times: Float64Array): number[] =>
  [train, validation, test].map((period) =>
    period === null ? 0 : times.filter((at) => at >= period.fromMs && at < period.toMs).length,
  )

const named = (parts: Uint8Array): string[] => Array.from(parts, (part) => PART_NAMES[part]!)
