import { describe, expect, test } from 'vitest'
import { createRandom } from '../../src/foundation/random.ts'
import { type Algorithm, fitAlone, type TrainingData } from '../../src/learning/algorithm.ts'
import type { FeatureTable } from '../../src/learning/feature-table.ts'
import type { Model } from '../../src/learning/model.ts'
import { contentsOf } from '../../src/model/artifact.test-kit.ts'
import { decodeArtifact, encodeArtifact } from '../../src/model/artifact.ts'
import { createExplainer } from '../../src/model/explain/create-explainer.ts'
import { profileNumbers } from '../../src/model/reference-profile.ts'
import { createModelScorer } from '../../src/model/scorer.ts'
import {
  codes,
  dataOf,
  extremes,
  type Labelled,
  problem,
  shuffled,
  takeRows,
  withColumn,
} from './learning-problems.ts'

/** An algorithm, and how far each law binds it. */
export interface AlgorithmUnderTest {
  readonly algorithm: Algorithm<never>
  /** What it is fitted with, by the names that it takes. */
  readonly settings: Readonly<Record<string, unknown>>
  /** Why it cannot run here; its tests are then skipped, with this in their title. */
  readonly unavailable?: string
  /**
   * Changes of `settings` with which another seed gives another model: none where it always does; why there
   * are none.
   */
  readonly drawing: Readonly<Record<string, unknown>> | string
  /**
   * Largest difference of scores that the law allows, 0 for equal to the bit; or why the law does not bind
   * this algorithm.
   */
  readonly orderOfRows: number | string
  readonly weightsAsRepetition: number | string
  readonly constantFeature: number | string
  /** Why it cannot learn from a value's absence; absent when it can. */
  readonly blindToAbsence?: string
  /** Why it cannot learn from codes without an order; absent when it can. */
  readonly blindToCodes?: string
}

/** The laws of `Algorithm`, run over one. */
export const algorithmContract = (subject: AlgorithmUnderTest): void => {
  const { algorithm, settings, unavailable, drawing } = subject
  const drawsAnyway = typeof drawing !== 'string' && Object.keys(drawing).length === 0
  const title = `${algorithm.title} keeps the laws of an algorithm`
  const learn = (data: TrainingData, { seed = 7, ...changes }: Changes = {}): Model =>
    fitAlone(algorithm, data, { ...settings, ...changes } as never, seed)
  /** Runs where the law binds, and says in its title how closely; or why it does not bind. */
  const bound = (law: string, limit: number | string | undefined, check: (limit: number) => void): void => {
    if (typeof limit === 'string') test.skip(`${law}: not bound, because ${limit}`, () => {})
    else test(limit === undefined ? law : `${law}, ${nearness(limit)}`, () => check(limit ?? 0))
  }

  describe.skipIf(unavailable !== undefined)(
    unavailable ? `${title}: skipped, ${unavailable}` : title,
    () => {
      test('the same data, settings and seed give the same bytes', () => {
        const data = problem(300)
        expect(JSON.stringify(learn(data))).toBe(JSON.stringify(learn(data)))
      })

      test(`another seed gives ${drawsAnyway ? 'another model' : 'the same bytes: nothing is drawn'}`, () => {
        const withSeed = (seed: number) => JSON.stringify(learn(problem(300), { seed }))
        expect(withSeed(1) === withSeed(2)).toBe(!drawsAnyway)
      })

      bound(
        'where something is drawn, the seed decides what',
        typeof drawing === 'string' ? drawing : undefined,
        () => {
          const changes = drawing as Readonly<Record<string, unknown>>
          const withSeed = (seed: number) => JSON.stringify(learn(problem(300), { ...changes, seed }))
          expect(withSeed(1)).toBe(withSeed(1))
          expect(withSeed(1)).not.toBe(withSeed(2))
        },
      )

      bound('the order of rows changes nothing', subject.orderOfRows, (limit) => {
        for (const seed of SEEDS) {
          const data = problem(120, seed)
          const order = shuffled(120, seed)
          expectSameScores(learn(takeRows(data, order)), learn(data), data.table, limit)
        }
      })

      bound('a weight of n is the row n times, of 0 no row', subject.weightsAsRepetition, (limit) => {
        for (const seed of SEEDS) {
          const data = seed === 4 ? codes() : problem(120, seed)
          const random = createRandom(seed)
          const weights = Float64Array.from(data.labels, () => random.integer(4))
          const repeated = [...weights].flatMap((weight, row) => new Array<number>(weight).fill(row))
          for (const classWeight of ['none', 'balanced']) {
            const weighted = learn({ ...data, weights }, { classWeight })
            const expected = learn(takeRows(data, repeated), { classWeight })
            expectSameScores(weighted, expected, data.table, limit)
            // Weights do something, so that the law says something.
            expect(largestDifference(weighted, learn(data, { classWeight }), data.table)).toBeGreaterThan(
              1e-4,
            )
          }
        }
      })

      bound('a constant feature changes no score', subject.constantFeature, (limit) => {
        for (const constant of [0, 7.1, Number.NaN]) {
          const data = problem(120)
          const beside = withColumn(data, 'constant', new Float64Array(120).fill(constant))
          expectSameScores(learn(beside), learn(data), data.table, limit, beside.table)
        }
      })

      bound('that a value is missing can be all there is to learn', subject.blindToAbsence, () => {
        const random = createRandom(4)
        // A quarter of the rows, which no habit of sending the missing with the many would tell apart.
        const isAbsent = Array.from({ length: 200 }, (_, row) => row % 4 === 0)
        const values = Float64Array.from(isAbsent, (absent) => (absent ? Number.NaN : random.next()))
        for (const absentLabel of [0, 1]) {
          const labels = Uint8Array.from(isAbsent, (absent) => (absent ? absentLabel : 1 - absentLabel))
          const data = dataOf([values], labels)
          expect(rocAuc(labels, scoresOf(learn(data), data.table))).toBeGreaterThan(0.95)
        }
      })

      bound('codes are told apart though they have no order', subject.blindToCodes, () => {
        const data = codes()
        // By one split: many of them would part numbers too.
        const model = learn(data, { trees: 1, maxDepth: 1 })
        expect(rocAuc(data.labels, scoresOf(model, data.table))).toBeGreaterThan(0.95)
      })

      test('rows of one class are refused', () => {
        const data = problem(20)
        for (const label of [0, 1])
          expect(() => learn({ ...data, labels: new Uint8Array(20).fill(label) })).toThrow(
            expect.objectContaining({ code: 'LEARNING_ONE_CLASS' }),
          )
      })

      test('a class of which no row has a weight is none', () => {
        const data = problem(20)
        for (const label of [0, 1]) {
          const weights = Float64Array.from(data.labels, (own) => (own === label ? 0 : 1))
          expect(() => learn({ ...data, weights })).toThrow(
            expect.objectContaining({ code: 'LEARNING_ONE_CLASS' }),
          )
        }
      })

      test.each(REFUSED)('refuses %s', (_, code, spoil) => {
        expect(() => learn(spoil(problem(20)))).toThrow(expect.objectContaining({ code }))
      })

      test.each([2, 3, 5])('%i rows are enough for probabilities', (rows) => {
        for (const features of [1, 3]) {
          const data = problem(rows, 1, features)
          expectProbabilities(scoresOf(learn(data), data.table))
          expectProbabilities(scoresOf(learn(data), emptyRows(data.table)))
        }
      })

      test('separable classes are told apart on rows that were not learnt from', () => {
        const judged = problem(300, 2)
        const scores = scoresOf(learn(problem(600, 1)), judged.table)
        expectProbabilities(scores)
        expect(rocAuc(judged.labels, scores)).toBeGreaterThan(0.95)
      })

      test('the mean probability is about the share of frauds, a third', () => {
        const scores = scoresOf(learn(problem(300, 1)), problem(300, 2).table)
        expect(Math.abs(scores.reduce((a, b) => a + b) / 300 - 1 / 3)).toBeLessThan(0.05)
      })

      test('extreme values, both zeros and values never seen give probabilities', () => {
        const data = extremes()
        expectProbabilities(scoresOf(learn(data), data.table))
        // Who learnt from ordinary values may be asked about others.
        expectProbabilities(scoresOf(learn(problem(120)), data.table))
      })

      test('0 and -0 are one value', () => {
        const data = extremes()
        const columns = data.table.columns.map((column) => column.map((value) => value + 0))
        const plain = { ...data, table: { ...data.table, columns } }
        const expected = scoresOf(learn(plain), plain.table)
        expect(scoresOf(learn(plain), data.table)).toEqual(expected)
        expect(scoresOf(learn(data), plain.table)).toEqual(expected)
      })

      test('a model that went through an artifact scores to the bit what it scored before', () => {
        for (const data of [problem(200), codes(), extremes()]) {
          const model = learn(data)
          expect(scoresOf(throughArtifact(model), data.table)).toEqual(scoresOf(model, data.table))
        }
      })

      test('baseline and contributions sum to the margin', () => {
        for (const data of [problem(200), codes(), extremes()]) {
          const model = learn(data)
          const scorer = createModelScorer(model, { method: 'none' })
          const { baseline, explainOne } = createExplainer(model)
          const contributions = new Float64Array(data.table.columns.length)
          for (const row of rowsOf(data.table)) {
            explainOne(row, 0, contributions)
            const margin = scorer.marginOne(row)
            expect(Math.abs(contributions.reduce((a, b) => a + b, baseline) - margin)).toBeLessThan(1e-9)
          }
        }
      })

      test('what it learns from is left as it was', () => {
        const data = problem(100)
        const weighted = { ...data, weights: new Float64Array(100).fill(2) }
        const before = structuredClone(weighted)
        learn(weighted, { classWeight: 'balanced' })
        expect(weighted).toEqual(before)
      })

      test('an interruption ends it', () => {
        expect(() =>
          fitAlone(algorithm, problem(200), settings as never, 7, { isCancelled: () => true }),
        ).toThrow(expect.objectContaining({ code: 'INTERRUPTED' }))
      })

      test('progress rises and never passes the total', () => {
        const told: number[] = []
        const reportProgress = (done: number, total: number) => told.push(done / total)
        fitAlone(algorithm, problem(200), settings as never, 7, { reportProgress })
        expect(told.length).toBeGreaterThan(1)
        expect(told).toEqual(told.toSorted((a, b) => a - b))
        expect(told.at(-1)).toBeLessThanOrEqual(1)
      })
    },
  )
}

type Changes = Readonly<Record<string, unknown>> & { readonly seed?: number }

const SEEDS = [1, 2, 3, 4]

const nearness = (limit: number): string => (limit === 0 ? 'to the bit' : `to ${limit}`)

/** What is wrong, the code that refuses it, and rows made wrong in this way. */
const REFUSED: readonly (readonly [string, string, (data: Labelled) => TrainingData])[] = [
  ['no rows', 'LEARNING_NO_ROWS', (data) => takeRows(data, [])],
  [
    'a label that is no number',
    'LEARNING_LABEL_INVALID',
    (data) => ({
      ...data,
      labels: Float64Array.from(data.labels, (label, row) => (row === 3 ? NaN : label)),
    }),
  ],
  [
    'a label of 2',
    'LEARNING_LABEL_INVALID',
    (data) => ({ ...data, labels: data.labels.map((label, row) => (row === 3 ? 2 : label)) }),
  ],
  [
    'fewer labels than rows',
    'LEARNING_LENGTHS_DIFFER',
    (data) => ({ ...data, labels: data.labels.slice(1) }),
  ],
  [
    'fewer weights than rows',
    'LEARNING_LENGTHS_DIFFER',
    (data) => ({ ...data, weights: new Float64Array(19).fill(1) }),
  ],
  ...[-1, Number.NaN, Number.POSITIVE_INFINITY].map(
    (weight) =>
      [
        `a weight of ${weight}`,
        'LEARNING_WEIGHT_INVALID',
        (data: Labelled) => ({ ...data, weights: new Float64Array(20).fill(1).fill(weight, 4, 5) }),
      ] as const,
  ),
]

/** One row of which nothing is known. */
const emptyRows = (table: FeatureTable): FeatureTable => ({
  ...table,
  rowCount: 1,
  columns: table.columns.map(() => Float64Array.of(Number.NaN)),
})

const rowsOf = ({ columns, rowCount }: FeatureTable): readonly Float64Array[] =>
  Array.from({ length: rowCount }, (_, row) => Float64Array.from(columns, (column) => column[row]!))

const scoresOf = (model: Model, table: FeatureTable): Float64Array => {
  const out = new Float64Array(table.rowCount)
  createModelScorer(model, { method: 'none' }).scoreMany(table, out)
  return out
}

const largestDifference = (a: Model, b: Model, table: FeatureTable, tableOfA = table): number => {
  const other = scoresOf(b, table)
  return scoresOf(a, tableOfA).reduce((most, score, row) => Math.max(most, Math.abs(score - other[row]!)), 0)
}

const expectSameScores = (a: Model, b: Model, table: FeatureTable, limit: number, tableOfA = table): void =>
  expect(largestDifference(a, b, table, tableOfA)).toBeLessThanOrEqual(limit)

const expectProbabilities = (scores: Float64Array): void => {
  for (const score of scores) {
    expect(score).toBeGreaterThanOrEqual(0)
    expect(score).toBeLessThanOrEqual(1)
  }
}

/**
 * Share of the pairs of a fraud and a genuine row in which the fraud has the higher score; equal scores count
 * half.
 */
const rocAuc = (labels: ArrayLike<number>, scores: Float64Array): number => {
  const of = (label: number) => scores.filter((_, row) => labels[row] === label)
  let higher = 0
  for (const fraud of of(1))
    for (const genuine of of(0)) higher += fraud > genuine ? 1 : fraud === genuine ? 0.5 : 0
  return higher / (of(1).length * of(0).length)
}

const throughArtifact = (model: Model): Model => {
  const { reference, ...contents } = contentsOf(model)
  // What the features looked like is another matter: any profile does.
  const profiles = model.featureNames.map((name) => [name, profileNumbers(Float64Array.of(1))] as const)
  const files = encodeArtifact({
    ...contents,
    categorical: [],
    reference: { ...reference, features: Object.fromEntries(profiles) },
  })
  return decodeArtifact(files, 'the artifact').model
}
