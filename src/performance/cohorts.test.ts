import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { DAY_MS } from '../foundation/days.ts'
import { createRandom } from '../foundation/random.ts'
import { type Cohort, cohortsOf, maturityCurves } from './cohorts.ts'
import { untoldEvent } from './decided-event.test-kit.ts'
import { type DecidedEvent, decidedRows } from './decided-rows.ts'
import { fraudsByScore, weightedAveragePrecision } from './frauds-by-score.ts'
import { daysUntilKnown, knownShareAt, maturityCurve } from './maturity-curve.ts'
import { simulateBank } from './simulated-bank.test-kit.ts'

const golden = JSON.parse(readFileSync('test/golden/performance.json', 'utf8')) as {
  readonly right_truncated: {
    readonly delays: number[]
    readonly ages: number[]
    readonly known_share: number[]
  }
  readonly weighted_average_precision: {
    readonly labels: (0 | 1)[]
    readonly scores: number[]
    readonly value: number
  }
}

describe('the maturity curve', () => {
  it('undoes that only quick labels are seen of young decisions', () => {
    // Day 0: half of the frauds are known at once, half a day later. Twice as many were decided yesterday.
    const old = { delays: [0, 0, 1, 1], ages: [2, 2, 2, 2] }
    const young = { delays: [0, 0, 0, 0], ages: [1, 1, 1, 1] }
    const seen = { delays: [...old.delays, ...young.delays], ages: [...old.ages, ...young.ages] }
    // Naive: 6 of 8 at once. Of those old enough to show a delay of a day: 2 of 4.
    expect([...maturityCurve(seen, 2).knownShare]).toEqual([0.5, 1])
  })

  it('is the conditional maximum likelihood estimate, which SciPy finds by searching', () => {
    const { delays, ages, known_share } = golden.right_truncated
    const { knownShare } = maturityCurve({ delays, ages }, known_share.length)
    known_share.forEach((share, day) => {
      expect(knownShare[day]).toBeCloseTo(share, 6)
    })
  })

  it('says when no decision is as old as the horizon', () => {
    expect(maturityCurve({ delays: [0, 1], ages: [3, 3] }, 3).reachesHorizon).toBe(true)
    expect(maturityCurve({ delays: [0, 1], ages: [3, 3] }, 4).reachesHorizon).toBe(false)
  })

  it('learns from recent reports alone where asked to', () => {
    // Until ten days ago all was known at once; since then it takes a day.
    const delays = [...Array<number>(50).fill(0), ...Array<number>(5).fill(1)]
    const ages = [...Array<number>(50).fill(20), ...Array<number>(5).fill(3)]
    expect(maturityCurve({ delays, ages }, 2).knownShare[0]).toBeGreaterThan(0.9)
    expect(maturityCurve({ delays, ages }, 2, 5).knownShare[0]).toBe(0)
  })

  it('is linear within a day, 0 at age 0 and 1 from the horizon on', () => {
    const curve = maturityCurve({ delays: [0, 0, 1, 1], ages: [9, 9, 9, 9] }, 2)
    expect([0, 0.5, 1, 1.5, 2, 7].map((age) => knownShareAt(curve, age))).toEqual([0, 0.25, 0.5, 0.75, 1, 1])
    expect(daysUntilKnown(curve, 0.5)).toBe(1)
    expect(daysUntilKnown(curve, 0.51)).toBe(2)
  })

  it('finds that frauds of one ring are told of together', () => {
    const random = createRandom(3)
    const ringsOf = (size: number) => {
      const [delays, ages]: [number[], number[]] = [[], []]
      for (let ring = 0; ring < 6000 / size; ring++) {
        const [delay, age] = [random.integer(20), 1 + random.integer(100)]
        if (delay >= age) continue
        for (let each = 0; each < size; each++) {
          delays.push(delay)
          ages.push(age)
        }
      }
      return maturityCurve({ delays, ages }, 20).dispersion
    }
    expect(ringsOf(1)).toBeLessThan(1.3)
    expect(ringsOf(10)).toBeGreaterThan(6)
  })

  it('refuses to learn from nothing', () => {
    expect(() => maturityCurve({ delays: [3], ages: [2] }, 30)).toThrow('No known fraud is older')
  })

  it('covers the true curve: in at least 90 % of points, over 40 histories', () => {
    const random = createRandom('coverage')
    let [inside, points] = [0, 0]
    for (let run = 0; run < 40; run++) {
      const [delays, ages]: [number[], number[]] = [[], []]
      for (let fraud = 0; fraud < 1500; fraud++) {
        const [delay, age] = [random.integer(30), 1 + random.integer(60)]
        if (delay >= age) continue
        delays.push(delay)
        ages.push(age)
      }
      const { low, high } = maturityCurve({ delays, ages }, 30)
      for (let day = 2; day < 29; day += 5) {
        points++
        if (low[day]! <= (day + 1) / 30 && (day + 1) / 30 <= high[day]!) inside++
      }
    }
    expect(inside / points).toBeGreaterThan(0.9)
  })
})

describe('a cohort', () => {
  const bank = simulateBank({ seed: 5, days: 220, rowsPerDay: 4000, delays: 'mixed' })
  const asOfMs = 160 * DAY_MS
  const curves = maturityCurves(bank.rows, { asOfMs, horizonDays: 90 })
  const options = { asOfMs, firstMs: 0, cohortDays: 7, curves, random: createRandom(1) }
  const cohorts = cohortsOf(bank.rows, options)
  const matured = cohortsOf(bank.rows, { ...options, asOfMs: 260 * DAY_MS })

  it('has less recall at maturity than it seems to have while it is young', () => {
    const young = cohorts[21]!
    const truth = matured[21]!.observed.recall
    expect(young.observed.recall).toBeGreaterThan(truth + 0.1)
    expect(Math.abs(young.projected!.recall.value - truth)).toBeLessThan(0.1 * truth)
  })

  it('is projected with intervals that hold what came, in at least 85 % of weeks and figures', () => {
    let [inside, all] = [0, 0]
    cohorts.forEach((cohort, week) => {
      for (const figure of ['frauds', 'recall', 'averagePrecision'] as const) {
        const estimate = cohort.projected?.[figure]
        if (estimate === undefined || cohort.knownShare.missed > 0.97) continue
        all++
        const came = matured[week]!.observed[figure]
        if (estimate.low <= came && came <= estimate.high) inside++
      }
    })
    expect(all).toBeGreaterThan(20)
    expect(inside / all).toBeGreaterThan(0.85)
  })

  it('is what was observed once it is mature', () => {
    const { observed, projected } = matured[0]!
    expect(projected!.frauds.value).toBe(observed.frauds)
    expect(projected!.averagePrecision.value).toBeCloseTo(observed.averagePrecision, 12)
    expect(projected!.recall.low).toBeCloseTo(observed.recall, 12)
  })

  it('is not projected while hardly anything is known', () => {
    expect(cohorts.at(-1)!.knownShare.missed).toBeLessThan(0.1)
    expect(cohorts.at(-1)!.projected).toBeNull()
  })

  it('is projected within 10 % at half maturity', () => {
    const half = daysUntilKnown(curves.missed!, 0.5)
    const errors = cohorts.flatMap((cohort, week) => errorAt(cohort, matured[week]!, half, asOfMs))
    expect(errors.length).toBeGreaterThan(0)
    expect(Math.max(...errors)).toBeLessThan(0.1)
  })

  it('stands in order, and those without decisions are left out', () => {
    const two = decidedRows([untoldEvent({ decidedAtMs: 9 * DAY_MS }), untoldEvent({ decidedAtMs: 0 })])
    const found = cohortsOf(two, { ...options, cohortDays: 1 })
    expect(found.map(({ fromMs }) => fromMs)).toEqual([0, 9 * DAY_MS])
  })
})

describe('average precision under weights', () => {
  const { labels, scores, value } = golden.weighted_average_precision
  const rows = decidedRows(
    labels.map((label, at) =>
      untoldEvent({ label, score: scores[at]!, knownAtMs: 1, origin: 'alert', decidedAtMs: 0 }),
    ),
  )
  const ranked = fraudsByScore(
    rows,
    labels.map((_, at) => at),
    2,
  )

  it('is that of scikit-learn where all weights are 1', () => {
    expect(weightedAveragePrecision(ranked, new Uint8Array(ranked.scores.length).fill(1))).toBeCloseTo(
      value,
      12,
    )
  })

  it('is NaN without a known fraud', () => {
    expect(weightedAveragePrecision(fraudsByScore(rows, [], 2), [])).toBeNaN()
  })
})

describe('decisions', () => {
  it('that contradict themselves are refused, with the row', () => {
    const refused = (wrong: Partial<DecidedEvent>) => () => decidedRows([untoldEvent({}), untoldEvent(wrong)])
    expect(refused({ score: 1.5 })).toThrow('Decision 1: score is 1.5; allowed: 0 to 1')
    expect(refused({ propensity: 0 })).toThrow('propensity')
    expect(refused({ knownAtMs: 3 })).toThrow('label')
    expect(refused({ label: 1, origin: 'alert', decidedAtMs: 5, knownAtMs: 4 })).toThrow('at least')
    expect(refused({ label: 1, knownAtMs: 9 * DAY_MS })).toThrow('origin')
  })
})

/** How far frauds were off in the week whose middle is at half maturity. */
function errorAt({ fromMs, projected }: Cohort, matured: Cohort, half: number, asOfMs: number): number[] {
  const age = (asOfMs - fromMs) / DAY_MS - 3.5
  if (Math.abs(age - half) > 3.5 || projected === null) return []
  return [Math.abs(projected.frauds.value / matured.observed.frauds - 1)]
}
