import { describe, expect, test } from 'vitest'
import { createRandom, type Random } from '../foundation/random.ts'
import { averagePrecision } from './average-precision.ts'
import { comparePaired, PAIRED_FIGURES, type PairedRows, verdictOf } from './paired-comparison.ts'
import { rankOnce, tallyOf } from './weighted-tally.ts'

describe('a tally of a ranking under weights', () => {
  test('by hand: two days, two rows each may be looked at', () => {
    const rows = {
      labels: Uint8Array.of(1, 0, 0, 1, 0, 1),
      users: Uint32Array.of(0, 1, 2, 3, 4, 5),
      days: Int32Array.of(0, 0, 0, 1, 1, 1),
      amountsMinor: [10, 20, 30, 40, 50, 60],
    }
    const ranked = rankOnce(rows, Float64Array.of(0.9, 0.8, 0.7, 0.6, 0.5, 0.4))
    const once = tallyOf(ranked, new Float64Array(6).fill(1), 2)
    expect(once).toMatchObject({ frauds: 3, value: 110, lookedAt: 4, fraudsFound: 2, valueFound: 50 })
    expect(once.precisionSum / once.frauds).toBeCloseTo((1 / 1 + 2 / 4 + 3 / 6) / 3, 12)
    // The first fraud comes three times: one copy is beyond the limit of its day.
    expect(tallyOf(ranked, Float64Array.of(3, 1, 1, 1, 1, 1), 2)).toMatchObject({
      frauds: 5,
      value: 130,
      lookedAt: 4,
      fraudsFound: 3,
      valueFound: 60,
    })
    // Nobody of the first day comes.
    expect(tallyOf(ranked, Float64Array.of(0, 0, 0, 1, 1, 1), 2)).toMatchObject({
      lookedAt: 2,
      fraudsFound: 1,
      valueFound: 40,
    })
  })

  test('rows of equal score at the limit count in part', () => {
    const rows = {
      labels: Uint8Array.of(1, 0, 0, 0),
      users: Uint32Array.of(0, 1, 2, 3),
      days: new Int32Array(4),
      amountsMinor: [100, 0, 0, Number.NaN],
    }
    const ranked = rankOnce(rows, new Float64Array(4).fill(0.5))
    expect(tallyOf(ranked, new Float64Array(4).fill(1), 1)).toMatchObject({
      lookedAt: 1,
      fraudsFound: 0.25,
      valueFound: 25,
    })
  })

  test('law: a weight of n is the rows n times, and average precision is that of all rows', () => {
    const random = createRandom('tally')
    for (let trial = 0; trial < 60; trial++) {
      const rows = randomRows(random, 40)
      const scores = Float64Array.from(rows.labels, () => random.integer(8) / 8)
      const weights = Float64Array.from({ length: 10 }, () => random.integer(4))
      const copies = Array.from(rows.labels.keys()).flatMap((row) =>
        Array.from({ length: weights[rows.users[row]!]! }, () => row),
      )
      const pick = <T extends ArrayLike<number>>(column: T) => copies.map((row) => column[row]!)
      const repeated = {
        labels: Uint8Array.from(pick(rows.labels)),
        users: Uint32Array.from(pick(rows.users)),
        days: Int32Array.from(pick(rows.days)),
        amountsMinor: pick(rows.amountsMinor),
      }
      const repeatedScores = Float64Array.from(pick(scores))
      const weighted = tallyOf(rankOnce(rows, scores), weights, 3)
      const whole = tallyOf(rankOnce(repeated, repeatedScores), new Float64Array(10).fill(1), 3)
      for (const [name, value] of Object.entries(whole))
        expect(weighted[name as keyof typeof weighted]).toBeCloseTo(value, 9)
      if (whole.frauds > 0)
        expect(weighted.precisionSum / weighted.frauds).toBeCloseTo(
          averagePrecision(repeated.labels, repeatedScores),
          9,
        )
    }
  })
})

describe('a paired comparison', () => {
  const options = (seed: number | string) => ({
    alertsPerDay: 20,
    random: createRandom(seed),
    resamples: 200,
  })

  test('the same scores differ by nothing, and are not better', () => {
    const rows = bank('same', [1.5, 1.5])
    const { figures, verdict } = comparePaired({ ...rows, challenger: rows.champion }, options(1))
    for (const figure of PAIRED_FIGURES)
      expect(figures[figure]).toMatchObject({ difference: 0, low: 0, high: 0 })
    expect(verdict).toBe('not better')
  })

  test('swapping the models turns the signs', () => {
    const rows = bank('swap', [1, 2])
    const there = comparePaired(rows, options(1))
    const back = comparePaired({ ...rows, champion: rows.challenger, challenger: rows.champion }, options(1))
    expect(there.verdict).toBe('better')
    expect(back.verdict).toBe('worse')
    for (const figure of PAIRED_FIGURES) {
      expect(back.figures[figure].difference).toBe(-there.figures[figure].difference)
      expect(back.figures[figure].low).toBeCloseTo(-there.figures[figure].high, 12)
    }
  })

  test('the same seed gives the same intervals, whatever the order of the rows', () => {
    const rows = bank('order', [1, 1.4])
    const turned = turn(rows)
    expect(comparePaired(rows, options(7))).toEqual(comparePaired(rows, options(7)))
    expect(comparePaired(rows, options(7))).not.toEqual(comparePaired(rows, options(8)))
    const [a, b] = [comparePaired(rows, options(7)), comparePaired(turned, options(7))]
    for (const figure of PAIRED_FIGURES)
      for (const end of ['difference', 'low', 'high'] as const)
        expect(b.figures[figure][end]).toBeCloseTo(a.figures[figure][end], 9)
  })

  test('size: of equal models about one in twenty is told apart, rows of a user depending on each other', () => {
    const worlds = 240
    const apart = Object.fromEntries(PAIRED_FIGURES.map((figure) => [figure, 0])) as Record<string, number>
    for (let world = 0; world < worlds; world++) {
      const { figures } = comparePaired(bank(`null ${world}`, [1.5, 1.5], 60), options(world))
      for (const figure of PAIRED_FIGURES)
        if (figures[figure].low > 0 || figures[figure].high < 0) apart[figure]!++
    }
    // Binomial(240, .05) lies within 4 and 21 in 997 of 1,000.
    for (const figure of PAIRED_FIGURES) {
      expect(apart[figure]).toBeGreaterThanOrEqual(4)
      expect(apart[figure]).toBeLessThanOrEqual(21)
    }
  })

  test('to draw rows where users are what comes and goes would tell equal models apart far too often', () => {
    const worlds = 120
    let apart = 0
    for (let world = 0; world < worlds; world++) {
      const rows = bank(`null ${world}`, [1.5, 1.5], 60)
      const alone = { ...rows, users: Uint32Array.from(rows.labels, (_, row) => row) }
      const { low, high } = comparePaired(alone, options(world)).figures.averagePrecision
      if (low > 0 || high < 0) apart++
    }
    expect(apart / worlds).toBeGreaterThan(0.15)
  })

  test('power: a challenger that is clearly better is found in most worlds', () => {
    let found = 0
    for (let world = 0; world < 40; world++)
      if (comparePaired(bank(`power ${world}`, [1, 2]), options(world)).verdict === 'better') found++
    expect(found).toBeGreaterThanOrEqual(36)
  })

  test('intervals of a pair that is looked at often are wider', () => {
    const rows = bank('looks', [1, 1.3])
    const width = (looks: number): number => {
      const { low, high } = comparePaired(rows, { ...options(3), looks }).figures.averagePrecision
      return high - low
    }
    expect(width(10)).toBeGreaterThan(width(1))
  })

  test('what cannot be compared is refused', () => {
    const rows = bank('refuse', [1, 1])
    const none = { ...rows, labels: new Uint8Array(rows.labels.length) }
    expect(() => comparePaired(none, options(1))).toThrow('0 of 1600 rows are fraud')
    expect(() => comparePaired({ ...rows, users: new Uint32Array(3) }, options(1))).toThrow('3 entries')
    expect(() => comparePaired(rows, { ...options(1), alertsPerDay: 0 })).toThrow('above 0')
  })
})

describe('the verdict', () => {
  const at = (low: number, high: number) => ({ champion: 0, challenger: 0, difference: 0, low, high })
  const up = at(0.01, 0.05)
  const down = at(-0.05, -0.01)
  const even = at(-0.01, 0.01)
  const of = (averagePrecision: typeof up, precisionAtBudget: typeof up, valueDetected: typeof up) =>
    verdictOf({ averagePrecision, precisionAtBudget, valueDetected })

  test('is better by average precision alone, and never with a loss elsewhere', () => {
    expect(of(up, even, even)).toBe('better')
    expect(of(up, up, down)).toBe('worse')
    expect(of(even, up, up)).toBe('not better')
    expect(of(even, even, even)).toBe('not better')
    expect(of(down, even, even)).toBe('worse')
  })

  test('is not turned by a figure that is not defined', () => {
    const none = at(Number.NaN, Number.NaN)
    expect(of(up, even, none)).toBe('better')
    expect(of(none, even, even)).toBe('not better')
  })
})

/**
 * Users with eight rows each over four days; a user is easy or hard for each model as a whole, so rows of a
 * user depend on each other.
 */
const bank = (seed: number | string, lifts: readonly [number, number], users = 200): PairedRows => {
  const random = createRandom(seed)
  const count = users * 8
  const isVictim = Array.from({ length: users }, () => random.next() < 0.2)
  const labels = Uint8Array.from({ length: count }, (_, row) =>
    Number(isVictim[row % users]! && random.next() < 0.6),
  )
  const scoresOf = (lift: number): Float64Array => {
    const own = Float64Array.from({ length: users }, () => random.normal())
    return Float64Array.from(labels, (label, row) => lift * label + own[row % users]! + 0.5 * random.normal())
  }
  return {
    labels,
    users: Uint32Array.from(labels, (_, row) => row % users),
    days: Int32Array.from(labels, (_, row) => Math.floor(row / (2 * users))),
    amountsMinor: Float64Array.from(labels, () => 100 + random.integer(10_000)),
    champion: scoresOf(lifts[0]),
    challenger: scoresOf(lifts[1]),
  }
}

const randomRows = (random: Random, count: number): Omit<PairedRows, 'champion' | 'challenger'> => ({
  labels: Uint8Array.from({ length: count }, () => Number(random.next() < 0.3)),
  users: Uint32Array.from({ length: count }, () => random.integer(10)),
  days: Int32Array.from({ length: count }, () => random.integer(3)),
  amountsMinor: Float64Array.from({ length: count }, () => random.integer(1000)),
})

const turn = (rows: PairedRows): PairedRows => ({
  labels: rows.labels.toReversed(),
  users: rows.users.toReversed(),
  days: rows.days.toReversed(),
  amountsMinor: Float64Array.from(rows.amountsMinor).reverse(),
  champion: rows.champion.toReversed(),
  challenger: rows.challenger.toReversed(),
})
