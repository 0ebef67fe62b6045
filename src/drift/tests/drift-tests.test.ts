import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { normalQuantile } from '../../foundation/normal-quantile.ts'
import { benjaminiHochberg } from './benjamini-hochberg.ts'
import { chiSquared } from './chi-squared.ts'
import { cramersV } from './cramers-v.ts'
import { jensenShannon } from './jensen-shannon.ts'
import { kolmogorovSmirnov, kolmogorovSmirnovTail, kolmogorovTail } from './kolmogorov-smirnov.ts'
import { missingShare } from './missing-share.ts'
import { newCategory } from './new-category.ts'
import { populationStability } from './population-stability.ts'
import { wasserstein } from './wasserstein.ts'

// Recorded by test/reference/drift.py.
const recorded = JSON.parse(readFileSync('test/golden/drift.json', 'utf8')) as Recorded

describe.each(recorded.cases)('as SciPy says, to 1e-9: $name', (known) => {
  const { positions, reference, current } = known

  it('Kolmogorov-Smirnov', () => {
    const statistic = kolmogorovSmirnov(reference, current)
    expectSame(statistic, known.ks)
    const [n, m] = [sum(reference), sum(current)]
    expectSame(kolmogorovSmirnovTail(statistic, n, m), known.ks_tail)
  })

  it('chi-squared', () => {
    const { statistic, degreesOfFreedom, pValue } = chiSquared(reference, current)
    expectSame(statistic, known.chi2)
    expectSame(degreesOfFreedom, known.chi2_degrees)
    expectSame(pValue, known.chi2_p)
  })

  it("Cramér's V", () => expectSame(cramersV(reference, current), known.cramer))
  it('population stability', () => expectSame(populationStability(reference, current), known.psi))
  it('Wasserstein', () => expectSame(wasserstein(positions, reference, current), known.wasserstein))

  it('Jensen-Shannon', () => {
    const { distance, divergence } = jensenShannon(reference, current)
    expectSame(distance, known.jensen_shannon)
    expectSame(divergence, known.jensen_shannon === undefined ? undefined : known.jensen_shannon ** 2)
  })
})

describe.each(recorded.samples)('values in bins of their own: $name', ({ x, y, ks, wasserstein: moved }) => {
  const positions = [...new Set([...x, ...y])].sort((a, b) => a - b)
  const countsOf = (values: readonly number[]) =>
    positions.map((position) => values.filter((value) => value === position).length)

  it('Kolmogorov-Smirnov is exact, ties too', () =>
    expectSame(kolmogorovSmirnov(countsOf(x), countsOf(y)), ks))
  it('Wasserstein is exact', () => expectSame(wasserstein(positions, countsOf(x), countsOf(y)), moved))
})

describe('tails', () => {
  it('normal quantiles are within 1e-13 of SciPy', () => {
    for (const [at, p] of recorded.normal_quantile.p.entries()) {
      const z = recorded.normal_quantile.z[at]!
      expect(Math.abs(normalQuantile(p) - z)).toBeLessThan(1e-13 * Math.max(1, Math.abs(z)))
    }
    expect([0, 1, -1, 2, Number.NaN].map(normalQuantile)).toEqual([
      Number.NEGATIVE_INFINITY,
      Number.POSITIVE_INFINITY,
      Number.NaN,
      Number.NaN,
      Number.NaN,
    ])
  })

  it("Kolmogorov's tail is SciPy's, where both series meet too", () => {
    for (const [at, x] of recorded.kolmogorov.x.entries())
      expect(Math.abs(kolmogorovTail(x) - recorded.kolmogorov.tail[at]!)).toBeLessThan(1e-14)
    expect(kolmogorovTail(0)).toBe(1)
  })

  it("Benjamini and Hochberg's p-values are SciPy's, and NaN counts for nothing", () => {
    const { p, adjusted } = recorded.benjamini_hochberg
    const got = benjaminiHochberg([Number.NaN, ...p])
    expect(got[0]).toBeNaN()
    for (const [at, value] of adjusted.entries()) expectSame(got[at + 1]!, value)
  })
})

describe('shares', () => {
  it('missing values doubled from 2 % to 4 %', () => {
    const share = missingShare({ missing: 20, rows: 1000 }, { missing: 40, rows: 1000 })
    expect([share.reference, share.current, share.ratio]).toEqual([0.02, 0.04, 2])
    expectSame(share.pValue, chiSquared([20, 980], [40, 960]).pValue)
  })

  it('what is all missing, and what has no rows', () => {
    expect(missingShare({ missing: 10, rows: 10 }, { missing: 10, rows: 10 })).toMatchObject({
      ratio: 1,
      pValue: 1,
    })
    const none = missingShare({ missing: 1, rows: 10 }, { missing: 0, rows: 0 })
    expect([none.current, none.pValue]).toEqual([Number.NaN, Number.NaN])
  })

  it('3 of 60 values in new categories are five times the least share', () => {
    expect(newCategory({ unseen: 3, count: 60 })).toEqual({
      reference: 0,
      current: 0.05,
      ratio: 5,
      values: 3,
    })
  })

  it('one row of a new category among a thousand is no ratio', () => {
    expect(newCategory({ unseen: 1, count: 1000 }).ratio).toBe(1)
  })
})

describe('laws', () => {
  const counts = fc.array(fc.nat(500), { minLength: 7, maxLength: 7 }).filter((all) => sum(all) > 0)

  it('a sample is at no distance from itself', () => {
    fc.assert(
      fc.property(counts, (all) => {
        expect(kolmogorovSmirnov(all, all)).toBe(0)
        expect(populationStability(all, all)).toBe(0)
        expect(jensenShannon(all, all).divergence).toBeLessThan(1e-15)
        expect(cramersV(all, all)).toBeLessThan(1e-7)
      }),
    )
  })

  it('distances are the same from both sides', () => {
    fc.assert(
      fc.property(counts, counts, (a, b) => {
        expect(kolmogorovSmirnov(a, b)).toBe(kolmogorovSmirnov(b, a))
        expect(populationStability(a, b)).toBeCloseTo(populationStability(b, a), 12)
        expect(jensenShannon(a, b).distance).toBeCloseTo(jensenShannon(b, a).distance, 12)
        expect(cramersV(a, b)).toBeCloseTo(cramersV(b, a), 12)
      }),
    )
  })

  it("Pinsker's bound: the divergence is at least the squared distance of shares over 2 ln 2", () => {
    fc.assert(
      fc.property(counts, counts, (a, b) => {
        const apart = kolmogorovSmirnov(a, b)
        expect(jensenShannon(a, b).divergence).toBeGreaterThanOrEqual(
          (apart * apart) / (2 * Math.LN2) - 1e-12,
        )
      }),
    )
  })
})

interface Recorded {
  readonly cases: readonly {
    readonly name: string
    readonly positions: readonly number[]
    readonly reference: readonly number[]
    readonly current: readonly number[]
    /** All of what follows is missing where the window is empty. */
    readonly ks?: number
    readonly ks_tail?: number
    readonly chi2?: number
    readonly chi2_degrees?: number
    readonly chi2_p?: number
    readonly cramer?: number
    readonly psi?: number
    readonly wasserstein?: number
    readonly jensen_shannon?: number
  }[]
  readonly samples: readonly {
    readonly name: string
    readonly x: readonly number[]
    readonly y: readonly number[]
    readonly ks: number
    readonly wasserstein: number
  }[]
  readonly benjamini_hochberg: { readonly p: readonly number[]; readonly adjusted: readonly number[] }
  readonly normal_quantile: { readonly p: readonly number[]; readonly z: readonly number[] }
  readonly kolmogorov: { readonly x: readonly number[]; readonly tail: readonly number[] }
}

function expectSame(got: number, known: number | undefined): void {
  if (known === undefined) expect(got).toBeNaN()
  else expect(Math.abs(got - known)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(known)))
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}
