import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import golden from '../../../test/golden/selection.json' with { type: 'json' }
import { chiSquaredTail } from '../../foundation/chi-squared-tail.ts'
import type { FeatureTable } from '../feature-table.ts'
import type { Tree } from '../trees/tree-ensemble.ts'
import { chiSquared } from './chi-squared.ts'
import { countByCode, countByFrequency, frequencyEdges } from './class-counts.ts'
import { absoluteCorrelations } from './correlation.ts'
import { findLikeFeatures } from './correlation-groups.ts'
import { evenlySpacedRows } from './evenly-spaced-rows.ts'
import { gainShares, gainsOf } from './gain-importance.ts'
import { mutualInformation } from './mutual-information.ts'
import { permutationImportance } from './permutation-importance.ts'
import { spreadOf } from './variance.ts'

const none = Number.NaN

describe.each(golden.binned)('scikit-learn and SciPy on $name', ({ codes, labels, ...recorded }) => {
  const counts = countByCode(Float64Array.from(codes), Uint8Array.from(labels))

  test('mutual information', () =>
    expect(mutualInformation(counts)).toBeCloseTo(recorded.mutual_information, 12))
  test('chi-squared', () => {
    const { statistic, degreesOfFreedom, pValue } = chiSquared(counts)
    expect(statistic).toBeCloseTo(recorded.chi_squared, 9)
    expect(degreesOfFreedom).toBe(recorded.degrees_of_freedom)
    expect(pValue / recorded.p_value).toBeCloseTo(1, 9)
  })
})

test.each(golden.chi_squared_tails)(
  'SciPy: a chi-squared of $degrees_of_freedom degrees exceeds $statistic with probability $p_value',
  ({ statistic, degrees_of_freedom, p_value }) => {
    const tail = chiSquaredTail(statistic, degrees_of_freedom)
    if (p_value < 1e-300) expect(tail).toBeLessThan(1e-299)
    else expect(tail / p_value).toBeCloseTo(1, 9)
  },
)

describe('bins of equal frequency', () => {
  it('four bins of eight values hold two each', () =>
    expect([...frequencyEdges(Float64Array.of(8, 7, 6, 5, 4, 3, 2, 1), 4)]).toEqual([3, 5, 7]))
  it('a value that most rows have gets a bin of its own, and the others share the rest', () =>
    expect([...frequencyEdges(Float64Array.of(0, 0, 0, 0, 0, 0, 1, 2, 3, 4), 3)]).toEqual([1, 3]))
  it('few values have a bin each', () =>
    expect([...frequencyEdges(Float64Array.of(1, 2, 2, 3), 32)]).toEqual([2, 3]))
  it('a constant has one bin', () => expect([...frequencyEdges(Float64Array.of(5, 5, 5), 4)]).toEqual([]))
  it('missing values are bin 0', () => {
    const counts = countByFrequency(Float64Array.of(none, 1, 2, none), Uint8Array.of(1, 0, 1, 1), 2)
    expect([...counts.genuine]).toEqual([0, 1, 0])
    expect([...counts.fraud]).toEqual([2, 0, 1])
  })
  it('codes have a bin each, from -1 on', () => {
    const counts = countByCode(Float64Array.of(-1, 0, 1, none, 1), Uint8Array.of(0, 1, 0, 1, 0))
    expect([...counts.genuine]).toEqual([0, 1, 0, 2])
    expect([...counts.fraud]).toEqual([1, 0, 1, 0])
  })
  it('law: every row is counted once, in as many bins at most', () => {
    fc.assert(
      fc.property(columns, fc.integer({ min: 2, max: 9 }), ({ column, labels }, bins) => {
        const { genuine, fraud } = countByFrequency(column, labels, bins)
        expect(sum(genuine) + sum(fraud)).toBe(column.length)
        expect(sum(fraud)).toBe(sum(labels))
        expect(genuine.length).toBeLessThanOrEqual(bins + 1)
      }),
    )
  })
})

describe('mutual information', () => {
  it('a feature that is the label has the label’s entropy, ln 2 for halves', () =>
    expect(informationOf([0, 0, 1, 1], [0, 0, 1, 1])).toBeCloseTo(Math.LN2, 12))
  it('a feature that has nothing to do with it has none', () =>
    expect(informationOf([0, 1, 0, 1], [0, 0, 1, 1])).toBe(0))
  it('to be missing can say it all', () =>
    expect(informationOf([5, 5, none, none], [0, 0, 1, 1])).toBeCloseTo(Math.LN2, 12))
  it('law: from 0 to the entropy of the label, whatever increasing change of the feature', () => {
    fc.assert(
      fc.property(columns, ({ column, labels }) => {
        const information = mutualInformation(countByFrequency(column, labels, 4))
        const changed = mutualInformation(countByFrequency(column.map(Math.cbrt), labels, 4))
        const fraud = sum(labels) / labels.length
        const entropy =
          fraud === 0 || fraud === 1 ? 0 : -fraud * Math.log(fraud) - (1 - fraud) * Math.log1p(-fraud)
        expect(information).toBeGreaterThanOrEqual(0)
        expect(information).toBeLessThanOrEqual(entropy + 1e-12)
        expect(changed).toBe(information)
      }),
    )
  })
})

describe('chi-squared', () => {
  it('one bin or one class says nothing', () => {
    expect(chiSquared(counts([3], [1]))).toEqual({ statistic: 0, degreesOfFreedom: 0, pValue: 1 })
    expect(chiSquared(counts([3, 2], [0, 0]))).toEqual({ statistic: 0, degreesOfFreedom: 1, pValue: 1 })
  })
  it('two by two, all apart: the statistic is the number of rows', () =>
    expect(chiSquared(counts([4, 0], [0, 6])).statistic).toBeCloseTo(10, 12))
})

describe('variance', () => {
  it('of 1, 2, 3 and a missing value is 2/3', () =>
    expect(spreadOf(Float64Array.of(1, none, 2, 3))).toEqual({ present: 3, variance: 2 / 3 }))
  it('of equal values is 0, not what rounding leaves', () =>
    expect(spreadOf(new Float64Array(10).fill(0.1)).variance).toBe(0))
  it('of nothing is not defined', () =>
    expect(spreadOf(Float64Array.of(none))).toEqual({ present: 0, variance: none }))
  it('is scikit-learn’s', () =>
    golden.correlated.columns.forEach((column, f) => {
      expect(spreadOf(Float64Array.from(column)).variance).toBeCloseTo(golden.correlated.variances[f]!, 9)
    }))
})

describe('correlation', () => {
  it.each(['pearson', 'spearman'] as const)('%s is NumPy’s and SciPy’s', (method) => {
    const { absolute } = absoluteCorrelations(tableOf(golden.correlated.columns), method)
    golden.correlated[method].flat().forEach((r, place) => {
      expect(absolute[place]).toBeCloseTo(Math.abs(r), 12)
    })
  })
  it('what falls as another rises is as like it as can be', () =>
    expect(pairOf([1, 2, 3, 4], [8, 4, 2, 1], 'spearman')).toBeCloseTo(1, 15))
  it('only rows with both are compared', () =>
    expect(pairOf([1, 2, 3, none, 5], [1, 2, 3, 4, none], 'pearson')).toBeCloseTo(1, 12))
  it('a constant, and a pair that is seldom there together, is like nothing', () => {
    expect(pairOf([1, 2, 3, 4], [5, 5, 5, 5], 'pearson')).toBeNaN()
    expect(pairOf([1, 2, 3, none, none], [none, 2, 3, 4, 5], 'pearson')).toBeNaN()
    expect(pairOf([0.1, 0.1, 0.1, none], [1, 2, 3, 4], 'pearson')).toBeNaN()
    expect(pairOf([0.1, 0.1, 0.1, 7], [1, 2, 3, none], 'pearson')).toBeNaN()
  })
  it('codes without an order are like nothing', () => {
    const table = {
      ...tableOf([
        [1, 2, 3],
        [1, 2, 3],
      ]),
      categorical: ['feature_1'],
    }
    expect([...absoluteCorrelations(table, 'spearman').absolute]).toEqual([
      expect.closeTo(1),
      none,
      none,
      none,
    ])
  })
  it('law: pearson does not change with unit and origin, spearman not with any increasing change', () => {
    fc.assert(
      fc.property(columns, columns, ({ column: a }, { column: b }) => {
        const length = Math.min(a.length, b.length)
        const [x, y] = [[...a.subarray(0, length)], [...b.subarray(0, length)]]
        expectSame(
          pairOf(x, y, 'pearson'),
          pairOf(
            x.map((value) => 3 - 2 * value),
            y,
            'pearson',
          ),
        )
        expectSame(pairOf(x, y, 'spearman'), pairOf(x.map(Math.cbrt), y, 'spearman'))
      }),
    )
  })
  it('four of ten rows are spread over them', () =>
    expect([...evenlySpacedRows(10, 4)]).toEqual([0, 2, 5, 7]))
})

describe('features that are like others', () => {
  // 0 and 1 correlate .99, 1 and 2 correlate .98, 0 and 2 only .9.
  const absolute = Float64Array.of(1, 0.99, 0.9, 0.99, 1, 0.98, 0.9, 0.98, 1)

  it('the most relevant stays, and what is like it goes', () =>
    expect(findLikeFeatures({ size: 3, absolute }, [1, 3, 2], 0.95)).toEqual([
      { dropped: 0, keptInstead: 1, absolute: 0.99 },
      { dropped: 2, keptInstead: 1, absolute: 0.98 },
    ]))
  it('the end of a chain stays: it is not like what was kept', () =>
    expect(findLikeFeatures({ size: 3, absolute }, [3, 2, 1], 0.95)).toEqual([
      { dropped: 1, keptInstead: 0, absolute: 0.99 },
    ]))
  it('equal is not more', () => expect(findLikeFeatures({ size: 3, absolute }, [3, 2, 1], 0.99)).toEqual([]))
  it('of equally relevant ones the first stays', () =>
    expect(findLikeFeatures({ size: 3, absolute }, [1, 1, 1], 0.985).map(({ dropped }) => dropped)).toEqual([
      1,
    ]))
})

describe('importance', () => {
  it('is the share of the gain', () => expect(gainShares([3, 0, 1])).toEqual([0.75, 0, 0.25]))
  it('of a model that gained nothing is 0', () => expect(gainShares([0, 0])).toEqual([0, 0]))
  it('of a split without gain is next to nothing, which is more than that of a feature never asked', () => {
    const split = (feature: number, gain: number): Tree => ({
      feature: [feature, -1, -1],
      threshold: [0.5, 0, 0],
      left: [1, 0, 0],
      missingLeft: [0, 0, 0],
      value: [0, -1, 1],
      cover: [4, 2, 2],
      gain: [gain, 0, 0],
    })
    const gains = gainsOf({
      kind: 'gradient_boosting',
      featureNames: ['telling', 'barely', 'never'],
      link: 'logistic',
      base: 0,
      trees: [split(0, 3), split(1, 0)],
    })
    expect(gains).toEqual([3, Number.MIN_VALUE, 0])
    expect(gainShares(gains)).toEqual([1, expect.closeTo(0, 300), 0])
  })
})

describe('permutation', () => {
  const { columns: watched, labels: outcome } = golden.permuted
  const table = tableOf(watched)
  const labels = Uint8Array.from(outcome)
  const rows = { table, labels }
  const score = ([a, b]: readonly Float64Array[]) => a!.map((value, row) => 2 * value + b![row]!)
  const tools = {
    scores: score(table.columns),
    rescorer: (feature: number) => (values: Float64Array) => score(table.columns.with(feature, values)),
    metric: concordance,
  }

  it('loses what scikit-learn loses, within three standard errors of both means', () => {
    const { losses, deviations } = golden.permuted.roc_auc
    const found = permutationImportance(rows, tools, { repeats: 100, seed: 1 })
    found.forEach(({ loss, deviation }, f) => {
      const standardError = deviations[f]! * Math.sqrt(1 / 200 + 1 / 100)
      expect(Math.abs(loss - losses[f]!)).toBeLessThanOrEqual(3 * standardError)
      if (losses[f]! > 0) expect(deviation / deviations[f]!).toBeCloseTo(1, 0)
    })
  })
  it('a feature that the model never looks at loses nothing, and is not scored', () => {
    let scored = 0
    const rescorer = (feature: number) => {
      if (feature === 2) return undefined
      return (values: Float64Array) => {
        scored++
        return score(table.columns.with(feature, values))
      }
    }
    const found = permutationImportance(rows, { ...tools, rescorer }, { repeats: 3, seed: 1 })
    expect(found[2]).toEqual({ loss: 0, deviation: 0 })
    expect(scored).toBe(2 * 3)
  })
  it('the shuffles of a feature do not depend on the others, only on the seed', () => {
    const first = { ...table, names: table.names.slice(0, 1), columns: table.columns.slice(0, 1) }
    const alone = { table: first, labels }
    const [among] = permutationImportance(rows, tools, { repeats: 2, seed: 1 })
    expect(permutationImportance(alone, tools, { repeats: 2, seed: 1 })).toEqual([among])
    expect(permutationImportance(alone, tools, { repeats: 2, seed: 2 })).not.toEqual([among])
  })
  it('ends when interrupted', () =>
    expect(() =>
      permutationImportance(rows, { ...tools, signal: { aborted: true } }, { repeats: 1, seed: 1 }),
    ).toThrow('Interrupted while permuting features'))
})

const sum = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((total, value) => total + value, 0)

const counts = (genuine: readonly number[], fraud: readonly number[]) => ({
  genuine: Float64Array.from(genuine),
  fraud: Float64Array.from(fraud),
})

const informationOf = (values: readonly number[], labels: readonly number[]): number =>
  mutualInformation(countByFrequency(Float64Array.from(values), Uint8Array.from(labels), 4))

function tableOf(columns: readonly (readonly number[])[]): FeatureTable {
  return {
    names: columns.map((_, f) => `feature_${f}`),
    rowCount: columns[0]?.length ?? 0,
    columns: columns.map((column) => Float64Array.from(column)),
  }
}

const pairOf = (a: readonly number[], b: readonly number[], method: 'pearson' | 'spearman'): number =>
  absoluteCorrelations(tableOf([a, b]), method).absolute[1]!

const expectSame = (a: number, b: number): void =>
  Number.isNaN(a) ? expect(b).toBeNaN() : expect(b).toBeCloseTo(a, 9)

/**
 * Area under the ROC curve of scores without ties, by ranks: (sum of the frauds' ranks - f (f + 1) / 2) / (f
 * * g).
 */
const concordance = (labels: Uint8Array, scores: Float64Array): number => {
  const order = Array.from(scores.keys()).sort((a, b) => scores[a]! - scores[b]!)
  const frauds = sum(labels)
  const ranks = order.reduce((total, row, rank) => total + (labels[row] === 1 ? rank + 1 : 0), 0)
  return (ranks - (frauds * (frauds + 1)) / 2) / (frauds * (labels.length - frauds))
}

/** 1 to 60 small whole numbers, some missing, and a label each. */
const columns = fc
  .array(
    fc.record({
      value: fc.option(fc.integer({ min: -20, max: 20 }), { nil: none, freq: 8 }),
      label: fc.integer({ min: 0, max: 1 }),
    }),
    { minLength: 1, maxLength: 60 },
  )
  .map((rows) => ({
    column: Float64Array.from(rows, ({ value }) => value),
    labels: Uint8Array.from(rows, ({ label }) => label),
  }))
