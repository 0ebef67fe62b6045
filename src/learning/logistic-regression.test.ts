import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import golden from '../../test/golden/logistic-regression.json' with { type: 'json' }
import type { FeatureTable } from './feature-table.ts'
import {
  fitLogisticRegression,
  type LogisticRegressionOptions,
  scoreLogisticRegression,
  scoreLogisticRegressionRows,
} from './logistic-regression.ts'

const DEFAULTS: LogisticRegressionOptions = {
  c: 1,
  classWeight: 'none',
  maxIterations: 100,
  tolerance: 1e-10,
}

describe.each(golden.cases)('scikit-learn on $name', ({ columns, labels, weights, c, ...recorded }) => {
  const model = fitLogisticRegression(tableOf(columns), labels, {
    ...DEFAULTS,
    c,
    classWeight: recorded.class_weight as 'none' | 'balanced',
    ...(weights === null ? {} : { sampleWeights: Float64Array.from(weights) }),
  })

  test('finds the same coefficients and intercept', () => {
    expect(model.converged).toBe(true)
    recorded.coefficients.forEach((coefficient, f) => {
      expect(model.coefficients[f]).toBeCloseTo(coefficient, 5)
    })
    expect(model.intercept).toBeCloseTo(recorded.intercept, 5)
  })

  test('gives the same probabilities', () => {
    const out = new Float64Array(labels.length)
    scoreLogisticRegressionRows(model, tableOf(columns), out)
    recorded.probabilities.forEach((probability, row) => {
      expect(out[row]).toBeCloseTo(probability, 6)
    })
  })
})

test('with nothing to tell the classes apart, the probability is the share of frauds', () => {
  const model = fitLogisticRegression(tableOf([[5, 5, 5, 5]]), [1, 0, 0, 0], DEFAULTS)
  expect(model.coefficients).toEqual([0])
  expect(scoreLogisticRegression(model, [5])).toBeCloseTo(0.25, 9)
})

test('a missing value stands at the mean of its feature', () => {
  const model = fitLogisticRegression(tableOf([[0, 2, 4, Number.NaN]]), [0, 1, 0, 1], DEFAULTS)
  expect(model.means).toEqual([2])
  expect(scoreLogisticRegression(model, [Number.NaN])).toBe(scoreLogisticRegression(model, [2]))
})

test('a constant feature changes no other coefficient', () => {
  const columns = [[1, 2, 3, 4, 5, 6]]
  const labels = [0, 0, 1, 0, 1, 1]
  const alone = fitLogisticRegression(tableOf(columns), labels, DEFAULTS)
  const beside = fitLogisticRegression(tableOf([...columns, [7, 7, 7, 7, 7, 7]]), labels, DEFAULTS)
  expect(beside.coefficients[0]).toBeCloseTo(alone.coefficients[0]!, 9)
  expect(beside.coefficients[1]).toBe(0)
})

test('classes that a line separates still have finite weights, because they cost', () => {
  const model = fitLogisticRegression(tableOf([[1, 2, 3, 10, 11, 12]]), [0, 0, 0, 1, 1, 1], DEFAULTS)
  expect(model.converged).toBe(true)
  expect(model.coefficients[0]).toBeGreaterThan(0)
  expect(model.coefficients[0]).toBeLessThan(10)
})

test('balanced classes weigh as if there were as many frauds as others', () => {
  const model = fitLogisticRegression(tableOf([[0, 0, 0, 1, 0, 1]]), [0, 0, 0, 0, 1, 1], {
    ...DEFAULTS,
    classWeight: 'balanced',
  })
  const [low, high] = [scoreLogisticRegression(model, [0]), scoreLogisticRegression(model, [1])]
  // The intercept is not penalised, so probabilities sum to the frauds: each class to half of the weight.
  expect((3 * low + high) / 4 + (low + high) / 2).toBeCloseTo(1, 9)
})

test('frauds are counted with their weights when classes are balanced', () => {
  const options = { ...DEFAULTS, classWeight: 'balanced' } as const
  const sampleWeights = Float64Array.of(1, 1, 2, 1)
  const weighted = fitLogisticRegression(tableOf([[0, 1, 1, 2]]), [0, 0, 1, 1], { ...options, sampleWeights })
  const repeated = fitLogisticRegression(tableOf([[0, 1, 1, 1, 2]]), [0, 0, 1, 1, 1], options)
  expect(weighted.coefficients[0]).toBeCloseTo(repeated.coefficients[0]!, 9)
  expect(weighted.intercept).toBeCloseTo(repeated.intercept, 9)
})

test('law: a row alone and a row among others get the same bits', () => {
  fc.assert(
    fc.property(samples, ({ columns, labels }) => {
      const table = tableOf(columns)
      const model = fitLogisticRegression(table, labels, DEFAULTS)
      const out = new Float64Array(table.rowCount)
      scoreLogisticRegressionRows(model, table, out)
      for (let row = 0; row < table.rowCount; row++) {
        const vector = columns.map((column) => column[row]!)
        expect(Object.is(out[row], scoreLogisticRegression(model, vector))).toBe(true)
      }
    }),
    { numRuns: 50 },
  )
})

test('law: a weight of 2 is the row twice', () => {
  fc.assert(
    fc.property(samples, ({ columns, labels }) => {
      // Standardisation does not look at weights, so both tables hold every row twice; in one, half of them
      // count 2 and half 0.
      const twice = columns.map((column) => column.flatMap((value) => [value, value]))
      const labelsTwice = labels.flatMap((label) => [label, label])
      const repeated = fitLogisticRegression(tableOf(twice), labelsTwice, DEFAULTS)
      const weighted = fitLogisticRegression(tableOf(twice), labelsTwice, {
        ...DEFAULTS,
        sampleWeights: Float64Array.from(labelsTwice, (_, row) => (row % 2 === 0 ? 2 : 0)),
      })
      repeated.coefficients.forEach((coefficient, f) => {
        expect(weighted.coefficients[f]).toBeCloseTo(coefficient, 6)
      })
    }),
    { numRuns: 30 },
  )
})

test('law: the order of rows changes no more than rounding', () => {
  fc.assert(
    fc.property(samples, ({ columns, labels }) => {
      const forwards = fitLogisticRegression(tableOf(columns), labels, DEFAULTS)
      const backwards = fitLogisticRegression(
        tableOf(columns.map((column) => column.toReversed())),
        labels.toReversed(),
        DEFAULTS,
      )
      forwards.coefficients.forEach((coefficient, f) => {
        expect(backwards.coefficients[f]).toBeCloseTo(coefficient, 6)
      })
    }),
    { numRuns: 30 },
  )
})

test('law: the same rows give the same model, to the bit', () => {
  fc.assert(
    fc.property(samples, ({ columns, labels }) => {
      const once = fitLogisticRegression(tableOf(columns), labels, DEFAULTS)
      expect(fitLogisticRegression(tableOf(columns), labels, DEFAULTS)).toStrictEqual(once)
    }),
    { numRuns: 20 },
  )
})

test('what cannot be learnt from is refused with the reason', () => {
  const table = tableOf([[1, 2, 3]])
  expect(() => fitLogisticRegression(tableOf([[]]), [], DEFAULTS)).toThrow('There are no rows to learn from')
  expect(() => fitLogisticRegression(table, [0, 0, 0], DEFAULTS)).toThrow('got 0 frauds in 3 rows')
  expect(() => fitLogisticRegression(table, [1, 1, 1], DEFAULTS)).toThrow('got 3 frauds in 3 rows')
  expect(() => fitLogisticRegression(table, [0, Number.NaN, 1], DEFAULTS)).toThrow(
    'The label of row 1 must be 0 or 1, got NaN',
  )
  expect(() => fitLogisticRegression(table, [0, 1], DEFAULTS)).toThrow('for each of the 3 rows, got 2')
})

test('an interruption ends the fit at the next iteration', () => {
  const controller = new AbortController()
  controller.abort()
  const fit = () =>
    fitLogisticRegression(tableOf([[1, 2, 3]]), [0, 1, 1], { ...DEFAULTS, signal: controller.signal })
  expect(fit).toThrow('Interrupted while fitting a logistic regression')
})

function tableOf(columns: readonly (readonly number[])[]): FeatureTable {
  return {
    names: columns.map((_, f) => `feature_${f}`),
    rowCount: columns[0]?.length ?? 0,
    columns: columns.map((column) => Float64Array.from(column)),
  }
}

/** 5 to 40 rows of 1 to 4 features with values of one decimal and both classes among the labels. */
const samples = fc
  .record({ rows: fc.integer({ min: 5, max: 40 }), features: fc.integer({ min: 1, max: 4 }) })
  .chain(({ rows, features }) =>
    fc.record({
      columns: fc.array(
        fc.array(
          fc.integer({ min: -50, max: 50 }).map((tenths) => tenths / 10),
          { minLength: rows, maxLength: rows },
        ),
        { minLength: features, maxLength: features },
      ),
      labels: fc
        .array(fc.integer({ min: 0, max: 1 }), { minLength: rows - 2, maxLength: rows - 2 })
        .map((labels) => [0, 1, ...labels]),
    }),
  )
