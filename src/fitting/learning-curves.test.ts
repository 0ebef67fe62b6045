import { expect, test } from 'vitest'
import { averagePrecision } from '../evaluation/average-precision.ts'
import { logLoss } from '../evaluation/probability-loss.ts'
import { createRandom } from '../foundation/random.ts'
import { fitAlone } from '../learning/algorithm.ts'
import { gradientBoosting } from '../learning/algorithms/gradient-boosting.ts'
import { randomForest } from '../learning/algorithms/random-forest.ts'
import type { Model } from '../learning/model.ts'
import type { LabelledRows } from '../learning/selection/permutation-importance.ts'
import { createModelScorer } from '../model/scorer.ts'
import { learningCurves } from './learning-curves.ts'

test.each(['gradient boosting', 'random forest'])(
  'the last step of a %s is what the whole model gives, an earlier one what as many trees give',
  (name) => {
    const model = trained(name)
    const curves = learningCurves(model, TRAINING, VALIDATION)
    expect(curves.map((curve) => curve.name)).toEqual([
      'train.log_loss',
      'validation.log_loss',
      'validation.average_precision',
    ])
    const [onTraining, loss, precision] = curves
    expect(loss?.steps).toEqual([
      1, 2, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 16, 17, 18, 19, 20, 22, 23, 24, 25, 26, 28, 29, 30,
    ])
    expect(onTraining?.values.at(-1)).toBeCloseTo(logLoss(TRAINING.labels, scoresOf(model, TRAINING)), 12)
    for (const step of [1, 12, 30]) {
      const scores = scoresOf(firstTrees(model, step), VALIDATION)
      const at = loss!.steps.indexOf(step)
      expect(loss?.values[at]).toBeCloseTo(logLoss(VALIDATION.labels, scores), 12)
      expect(precision?.values[at]).toBeCloseTo(averagePrecision(VALIDATION.labels, scores), 12)
    }
  },
)

test('law: of more than 20,000 rows every k-th is taken, each with its own label', () => {
  const model = trained('gradient boosting')
  const every = (stride: number, { table, labels }: LabelledRows): LabelledRows => {
    const rows = Array.from({ length: Math.ceil(table.rowCount / stride) }, (_, i) => i * stride)
    const columns = table.columns.map((column) => Float64Array.from(rows, (row) => column[row]!))
    return {
      table: { ...table, rowCount: rows.length, columns },
      labels: Uint8Array.from(rows, (row) => labels[row]!),
    }
  }
  const all = rowsOf(3, 20_001)
  expect(learningCurves(model, all, all)).toEqual(learningCurves(model, every(2, all), every(2, all)))
  const most = rowsOf(4, 20_000)
  const scores = scoresOf(model, most)
  expect(learningCurves(model, most, most)[1]?.values.at(-1)).toBeCloseTo(logLoss(most.labels, scores), 12)
})

test('trees that learn something lower the loss', () => {
  const loss = learningCurves(trained('gradient boosting'), TRAINING, VALIDATION)[1]!
  expect(loss.values.at(-1)).toBeLessThan(loss.values[0]!)
})

test('a part without rows has no curve, one without frauds no average precision', () => {
  const model = trained('gradient boosting')
  const none = { table: { ...VALIDATION.table, rowCount: 0 }, labels: new Uint8Array(0) }
  expect(learningCurves(model, TRAINING, none).map(({ name }) => name)).toEqual(['train.log_loss'])
  const genuine = { ...VALIDATION, labels: new Uint8Array(VALIDATION.labels.length) }
  expect(learningCurves(model, TRAINING, genuine).map(({ name }) => name)).not.toContain(
    'validation.average_precision',
  )
})

const rowsOf = (seed: number, rowCount = 400): LabelledRows => {
  const random = createRandom(seed)
  const columns = [0, 1, 2].map(() => Float64Array.from({ length: rowCount }, () => random.normal()))
  const labels = Uint8Array.from({ length: rowCount }, (_, row) =>
    columns[0]![row]! + 0.5 * random.normal() > 1.2 ? 1 : 0,
  )
  return { table: { names: ['a', 'b', 'c'], rowCount, columns }, labels }
}
const TRAINING = rowsOf(1)
const VALIDATION = rowsOf(2)

const trained = (name: string): Model =>
  name === 'random forest'
    ? fitAlone(
        randomForest,
        TRAINING,
        {
          trees: 30,
          maxDepth: 6,
          minLeafRows: 1,
          categoryPenalty: 1,
          featuresPerSplit: 'sqrt' as const,
          classWeight: 'none' as const,
          rowShare: 1,
          maxBins: 0,
        },
        1,
      )
    : fitAlone(
        gradientBoosting,
        TRAINING,
        {
          trees: 30,
          learningRate: 0.1,
          maxDepth: 3,
          minChildWeight: 1,
          categoryPenalty: 1,
          l2: 1,
          minGain: 0,
          rowShare: 1,
          columnShare: 1,
          earlyStoppingRounds: 0,
          classWeight: 'none' as const,
          monotone: {},
          maxBins: 0,
        },
        1,
      )

/** The model of its first trees alone; the leaves of a forest are divided by the number of its trees. */
const firstTrees = (model: Model, count: number): Model => {
  if (model.kind === 'logistic_regression') return model
  const trees = model.trees.slice(0, count)
  if (model.link === 'logistic') return { ...model, trees }
  const share = model.trees.length / count
  return { ...model, trees: trees.map((tree) => ({ ...tree, value: tree.value.map((v) => v * share) })) }
}

const scoresOf = (model: Model, { table }: LabelledRows): Float64Array => {
  const scores = new Float64Array(table.rowCount)
  createModelScorer(model, { method: 'none' }).scoreMany(table, scores)
  return scores
}
