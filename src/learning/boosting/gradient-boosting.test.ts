import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import golden from '../../../test/golden/grown-trees.json' with { type: 'json' }
import { createRandom } from '../../foundation/random.ts'
import { fitAlone, type TrainingData } from '../algorithm.ts'
import { gradientBoosting } from '../algorithms/gradient-boosting.ts'
import { flattenTrees, marginOfTrees, probabilityOfMargin } from '../trees/flat-trees.ts'
import type { TreeEnsembleModel } from '../trees/tree-ensemble.ts'
import type { GradientBoostingSettings } from './gradient-boosting.ts'

const DEFAULTS: GradientBoostingSettings = {
  trees: 20,
  learningRate: 0.1,
  maxDepth: 3,
  minChildWeight: 1,
  categoryPenalty: 1,
  l2: 1,
  minGain: 0,
  rowShare: 1,
  columnShare: 1,
  earlyStoppingRounds: 0,
  classWeight: 'none',
  monotone: {},
  maxBins: 0,
}

describe.each(golden.boosted)('XGBoost, exact method, on $name', ({ settings, weights, ...recorded }) => {
  const all = dataOf(recorded.columns, recorded.labels)
  const training = firstRows(all, recorded.trained_rows, weights)
  const model = boost(training, settingsLike(settings))

  // Where no training row lacks a value, missing ones go with the heavier child here and elsewhere there: no
  // row of those tables lacks any. XGBoost's sums have 32 bits, hence no more digits.
  test('gives the same probabilities to rows learnt from and to others', () => {
    recorded.probabilities.forEach((probability, row) => {
      expect(probabilityOf(model, all, row), `row ${row}`).toBeCloseTo(probability, 4)
    })
  })
})

test('a threshold lies midway between the values that it parts', () => {
  const model = boost(dataOf([[1, 2, 10, 20]], [0, 0, 1, 1]), { trees: 1, minChildWeight: 0 })
  expect(model.trees[0]!.threshold[0]).toBe(6)
})

test('a leaf is -G / (H + l2) times the learning rate', () => {
  // Half are frauds, so every probability starts at 1/2: gradients are 1/2 and Hessians 1/4. Left: G = 1, H =
  // 1/2.
  const model = boost(dataOf([[1, 2, 10, 20]], [0, 0, 1, 1]), { trees: 1, minChildWeight: 0, maxDepth: 1 })
  expect(model.base).toBe(0)
  expect(model.trees[0]!.value).toEqual([0, 0.1 * (-1 / 1.5), 0.1 * (1 / 1.5)])
})

test('a category goes with the others that behave like it', () => {
  const codes = [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]
  const labels = codes.map((code) => (code === 1 || code === 3 ? 1 : 0))
  const data = dataOf([codes], labels)
  const categorical = { ...data, table: { ...data.table, categorical: ['feature_0'] } }
  const model = boost(categorical, { trees: 1, minChildWeight: 0, maxDepth: 1 })
  expect(model.trees[0]!.categories).toEqual({ 0: [0, 2] })
})

test.each(['none', 'balanced'] as const)(
  'a category of values that say nothing is asked for only where they owe nothing, %s',
  (classWeight) => {
    const random = createRandom(1)
    const data = dataOf(
      [Array.from({ length: 1200 }, () => random.integer(60))],
      Array.from({ length: 1200 }, () => Number(random.next() < 0.1)),
    )
    const categorical = { ...data, table: { ...data.table, categorical: ['feature_0'] } }
    const isAsked = (categoryPenalty: number): boolean =>
      boost(categorical, { trees: 1, classWeight, categoryPenalty }).trees[0]!.categories !== undefined
    expect(isAsked(1)).toBe(false)
    expect(isAsked(0)).toBe(true)
  },
)

test('what values owe is taken from the gain of their split', () => {
  const codes = [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]
  const data = dataOf(
    [codes],
    codes.map((code) => (code === 1 || code === 3 ? 1 : 0)),
  )
  const categorical = { ...data, table: { ...data.table, categorical: ['feature_0'] } }
  const gainAt = (categoryPenalty: number): number =>
    boost(categorical, { trees: 1, minChildWeight: 0, maxDepth: 1, categoryPenalty }).trees[0]!.gain[0]!
  // Each side: G = 3, H = 1.5. Four values of one weight: three are free.
  expect(gainAt(0)).toBeCloseTo(2 * (9 / 2.5))
  expect(gainAt(1)).toBeCloseTo(2 * (9 / 2.5) - 3)
})

test('whether a value is missing can be all there is to learn', () => {
  const model = boost(dataOf([[1, Number.NaN, 1, Number.NaN, 1, Number.NaN]], [0, 1, 0, 1, 0, 1]), {
    trees: 30,
    minChildWeight: 0,
  })
  const flat = flattenTrees(model)
  expect(probabilityOfMargin('logistic', marginOfTrees(flat, [Number.NaN]))).toBeGreaterThan(0.8)
  expect(probabilityOfMargin('logistic', marginOfTrees(flat, [1]))).toBeLessThan(0.2)
})

test('early stopping keeps the trees up to the lowest loss on validation', () => {
  // The validation rows contradict the training rows, so every tree makes it worse.
  const training = dataOf([[1, 2, 3, 4, 5, 6, 7, 8]], [0, 0, 0, 0, 1, 1, 1, 1])
  const contrary = dataOf([[1, 2, 3, 4, 5, 6, 7, 8]], [1, 1, 1, 1, 0, 0, 0, 0])
  const settings = { ...DEFAULTS, minChildWeight: 0, earlyStoppingRounds: 3 }
  const stopped = fitAlone(gradientBoosting, { ...training, validation: contrary }, settings, 1)
  expect((stopped as TreeEnsembleModel).trees).toHaveLength(0)
  const confirmed = fitAlone(gradientBoosting, { ...training, validation: training }, settings, 1)
  expect((confirmed as TreeEnsembleModel).trees).toHaveLength(20)
})

test('an unknown feature among the monotone ones is refused with the names there are', () => {
  expect(() => boost(dataOf([[1, 2]], [0, 1]), { monotone: { amuont: 'increasing' } })).toThrow(
    'monotone names the feature "amuont", which the training table does not have: feature_0',
  )
})

test('law: the order of rows changes no bit', () => {
  fc.assert(
    fc.property(problems, ({ columns, labels }) => {
      const reversed = dataOf(
        columns.map((column) => column.toReversed()),
        labels.toReversed(),
      )
      expect(boost(reversed, {})).toStrictEqual(boost(dataOf(columns, labels), {}))
    }),
    { numRuns: 50 },
  )
})

test('law: a weight of 2 is the row twice, to the bit', () => {
  fc.assert(
    fc.property(problems, ({ columns, labels }) => {
      const weights = labels.map((_, row) => 1 + (row % 2))
      const twice = <T>(values: readonly T[]): T[] =>
        values.flatMap((value, row) => (weights[row] === 2 ? [value, value] : [value]))
      const weighted = { ...dataOf(columns, labels), weights: Float64Array.from(weights) }
      expect(boost(weighted, {})).toStrictEqual(boost(dataOf(columns.map(twice), twice(labels)), {}))
    }),
    { numRuns: 50 },
  )
})

test('law: on a monotone feature a larger value never has a lower probability', () => {
  fc.assert(
    fc.property(problems, fc.integer({ min: -50, max: 50 }), ({ columns, labels }, other) => {
      const model = boost(dataOf(columns, labels), {
        monotone: { feature_0: 'increasing' },
        minChildWeight: 0,
        maxDepth: 4,
      })
      const flat = flattenTrees(model)
      let before = Number.NEGATIVE_INFINITY
      for (let value = -51; value <= 51; value++) {
        const margin = marginOfTrees(flat, [value, other, -other])
        // Sums of other leaves differ in rounding only.
        expect(margin).toBeGreaterThanOrEqual(before - 1e-12)
        before = margin
      }
    }),
    { numRuns: 30 },
  )
})

test('law: more histograms than are kept change nothing', () => {
  // Deep trees on many features: the slots end long before the nodes do.
  const columns = Array.from({ length: 3 }, (_, f) =>
    Array.from({ length: 3000 }, (_, row) => Math.sin(row * (f + 1) * 1.7) * 1000),
  )
  const labels = columns[0]!.map((value, row) => (value * columns[1]![row]! > 0 ? 1 : 0))
  const settings = { ...DEFAULTS, trees: 3, maxDepth: 9, minChildWeight: 0.1 }
  const plenty = boost(dataOf(columns, labels), settings)
  const { memory } = gradientBoosting
  const scarce = {
    ...gradientBoosting,
    memory: (...shape: Parameters<typeof memory>) => ({ ...memory(...shape), slots: 3 * 1024 * 16 * 2 }),
  }
  expect(fitAlone(scarce, dataOf(columns, labels), settings, 1)).toStrictEqual(plenty)
})

function boost(data: TrainingData, settings: Partial<GradientBoostingSettings>): TreeEnsembleModel {
  return fitAlone(gradientBoosting, data, { ...DEFAULTS, ...settings }, 1) as TreeEnsembleModel
}

function dataOf(
  columns: readonly (readonly (number | null)[])[],
  labels: readonly number[],
): TrainingData & { readonly labels: Uint8Array } {
  return {
    table: {
      names: columns.map((_, f) => `feature_${f}`),
      rowCount: labels.length,
      columns: columns.map((column) => Float64Array.from(column, (value) => value ?? Number.NaN)),
    },
    labels: Uint8Array.from(labels),
  }
}

function firstRows(
  { table, labels }: TrainingData & { readonly labels: Uint8Array },
  count: number,
  weights: readonly number[] | null,
): TrainingData {
  return {
    table: { ...table, rowCount: count, columns: table.columns.map((column) => column.slice(0, count)) },
    labels: labels.slice(0, count),
    ...(weights !== null && { weights: Float64Array.from(weights) }),
  }
}

function settingsLike(xgboost: Readonly<Record<string, number | string>>): Partial<GradientBoostingSettings> {
  const constraints = String(xgboost['monotone_constraints'] ?? '()')
    .slice(1, -1)
    .split(',')
  return {
    learningRate: Number(xgboost['eta']),
    maxDepth: Number(xgboost['max_depth']),
    minChildWeight: Number(xgboost['min_child_weight'] ?? 1),
    l2: Number(xgboost['lambda'] ?? 1),
    monotone: Object.fromEntries(
      constraints.flatMap((direction, f) =>
        direction === '1' || direction === '-1'
          ? [[`feature_${f}`, direction === '1' ? ('increasing' as const) : ('decreasing' as const)]]
          : [],
      ),
    ),
  }
}

function probabilityOf(model: TreeEnsembleModel, { table }: TrainingData, row: number): number {
  const vector = table.columns.map((column) => column[row]!)
  return probabilityOfMargin('logistic', marginOfTrees(flattenTrees(model), vector))
}

/**
 * 8 to 60 rows of three features with values of one decimal, some missing, and both classes among the labels.
 */
const problems = fc.integer({ min: 8, max: 60 }).chain((rows) =>
  fc.record({
    columns: fc.array(
      fc.array(
        fc.oneof({ weight: 9, arbitrary: fc.integer({ min: -50, max: 50 }) }, fc.constant(Number.NaN)),
        {
          minLength: rows,
          maxLength: rows,
        },
      ),
      { minLength: 3, maxLength: 3 },
    ),
    labels: fc
      .array(fc.integer({ min: 0, max: 1 }), { minLength: rows - 2, maxLength: rows - 2 })
      .map((labels) => [0, 1, ...labels]),
  }),
)
