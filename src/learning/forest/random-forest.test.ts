import { describe, expect, test } from 'vitest'
import golden from '../../../test/golden/grown-trees.json' with { type: 'json' }
import { createRandom } from '../../foundation/random.ts'
import { fitAlone, soloCrew, type TrainingData } from '../algorithm.ts'
import { randomForest } from '../algorithms/random-forest.ts'
import { binTable } from '../trees/binned-table.ts'
import { createShareWork } from '../trees/share-work.ts'
import type { Tree, TreeEnsembleModel } from '../trees/tree-ensemble.ts'
import { walkTree } from '../trees/walk-tree.ts'
import { ForestTreeGrower } from './grow-forest-tree.ts'
import { forestMemory, type RandomForestSettings } from './random-forest.ts'

const DEFAULTS: RandomForestSettings = {
  trees: 30,
  maxDepth: 0,
  minLeafRows: 1,
  categoryPenalty: 1,
  featuresPerSplit: 'sqrt',
  classWeight: 'none',
  rowShare: 1,
  maxBins: 0,
}

/**
 * One tree on all rows and all features is scikit-learn's DecisionTreeClassifier. What may differ: the
 * feature among several that part a node equally well. So shapes agree closely and probabilities for all but
 * a few rows.
 */
describe.each(golden.classified)('scikit-learn, $name', ({ settings, leaves, ...recorded }) => {
  const columns = recorded.columns.map((column) => Float64Array.from(column, (value) => value ?? Number.NaN))
  const limits: Readonly<Record<string, number>> = settings
  const tree = growOnAll(
    columns.map((column) => column.slice(0, recorded.trained_rows)),
    recorded.labels.slice(0, recorded.trained_rows),
    { maxDepth: limits['max_depth'] ?? 0, minLeafRows: limits['min_samples_leaf'] ?? 1 },
  )

  test('has about as many leaves', () => {
    const own = tree.feature.filter((feature) => feature < 0).length
    expect(Math.abs(own - leaves)).toBeLessThanOrEqual(Math.ceil(leaves / 20))
  })

  test('gives the same probability to nearly every row', () => {
    const different = recorded.probabilities.filter(
      (probability, row) => Math.abs(probability - walkTree(tree, columns, row)) > 1e-9,
    )
    expect(different.length).toBeLessThanOrEqual(recorded.probabilities.length / 10)
  })
})

test('the probability is the mean over the trees of the share of fraud in the leaf', () => {
  const model = grow(twoGroups(), { trees: 4, maxDepth: 1, featuresPerSplit: 1 })
  for (const tree of model.trees) expect(tree.value.slice(1)).toEqual([0, 1 / 4])
})

test('a category of many values that say nothing is asked for only where nothing is owed for them', () => {
  const random = createRandom(1)
  const column = Float64Array.from({ length: 1200 }, () => random.integer(60))
  const labels = Uint8Array.from({ length: 1200 }, () => Number(random.next() < 0.1))
  const data = {
    table: { names: ['code'], rowCount: 1200, columns: [column], categorical: ['code'] },
    labels,
  }
  const roots = (categoryPenalty: number): number =>
    grow(data, { maxDepth: 1, categoryPenalty }).trees.filter(({ feature }) => feature[0] === 0).length
  expect(roots(0)).toBe(30)
  expect(roots(2)).toBe(0)
})

test('each tree is grown on rows of its own', () => {
  const model = grow(noise(300), {})
  expect(new Set(model.trees.map((tree) => JSON.stringify(tree))).size).toBe(30)
})

test('another seed is another forest, the same seed the same', () => {
  const data = noise(300)
  const withSeed = (seed: number) => JSON.stringify(fitAlone(randomForest, data, DEFAULTS, seed))
  expect(withSeed(1)).toBe(withSeed(1))
  expect(withSeed(1)).not.toBe(withSeed(2))
})

test('trees end at the depth that is set, and leaves hold as many rows as they must', () => {
  for (const tree of grow(noise(500), { maxDepth: 3 }).trees)
    expect(tree.feature.length).toBeLessThanOrEqual(15)
  for (const tree of grow(noise(500), { minLeafRows: 20 }).trees)
    tree.feature.forEach((feature, node) => {
      if (feature < 0) expect(tree.cover[node]).toBeGreaterThanOrEqual(20)
    })
})

test('balanced classes weigh alike, whatever their sizes', () => {
  const { trees } = grow(noise(1000), { classWeight: 'balanced', maxDepth: 1, trees: 1 })
  // The draw of rows with replacement makes it about, not exactly, a half of 1,000.
  const [root] = trees[0]!.cover
  const share = trees[0]!.value.reduce((sum, value, node) => sum + value * trees[0]!.cover[node]!, 0) / root!
  expect(share).toBeGreaterThan(0.4)
  expect(share).toBeLessThan(0.6)
})

test('a smaller share of rows is drawn when asked for', () => {
  expect(grow(noise(1000), { rowShare: 0.25, trees: 1 }).trees[0]!.cover[0]).toBe(250)
})

function grow(data: TrainingData, settings: Partial<RandomForestSettings>): TreeEnsembleModel {
  return fitAlone(randomForest, data, { ...DEFAULTS, ...settings }, 1) as TreeEnsembleModel
}

/** A tree on every row once, which tries every feature at every node. */
function growOnAll(
  columns: readonly Float64Array[],
  labels: readonly number[],
  limits: Pick<RandomForestSettings, 'maxDepth' | 'minLeafRows'>,
): Tree {
  const rows = labels.length
  const table = { names: columns.map((_, f) => `feature_${f}`), rowCount: rows, columns }
  const settings = { ...DEFAULTS, ...limits, trees: 1 }
  const crew = soloCrew(forestMemory({ rows, validationRows: 0, features: columns.length }, settings, 1))
  const binned = binTable({ table, labels }, 1023, crew, createShareWork(crew))
  const grower = new ForestTreeGrower(binned, settings, columns.length, { genuine: 1, fraud: 1 }, crew)
  labels.forEach((label, row) => {
    grower.setRow(row, row, 1, label)
  })
  grower.setRowCount(rows)
  return grower.grow(createRandom(1), () => false)
}

/** Values 0 are genuine, values 1 fraud. */
function twoGroups(): TrainingData {
  const values = Array.from({ length: 100 }, (_, row) => row % 2)
  return {
    table: { names: ['a'], rowCount: 100, columns: [Float64Array.from(values)] },
    labels: Uint8Array.from(values),
  }
}

/** Three features, of which the first says something; a tenth of the rows are frauds. */
function noise(rows: number): TrainingData {
  const random = createRandom(3)
  const columns = [0, 1, 2].map(() => Float64Array.from({ length: rows }, () => random.normal()))
  const labels = Uint8Array.from({ length: rows }, (_, row) =>
    columns[0]![row]! + random.normal() > 1.8 ? 1 : 0,
  )
  return { table: { names: ['a', 'b', 'c'], rowCount: rows, columns }, labels }
}
