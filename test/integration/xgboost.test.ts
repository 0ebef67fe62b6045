import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { createRandom } from '../../src/foundation/random.ts'
import { fitAlone, type TrainingRows } from '../../src/learning/algorithm.ts'
import { xgboost } from '../../src/learning/algorithms/xgboost.ts'
import type { TreeEnsembleModel } from '../../src/learning/trees/tree-ensemble.ts'
import { walkTree } from '../../src/learning/trees/walk-tree.ts'
import { importXgboostModel } from '../../src/learning/xgboost/import-model.ts'
import { openXgboost } from '../../src/learning/xgboost/library.ts'
import type { XgboostSettings } from '../../src/learning/xgboost/train.ts'

const path = findLibrary()

/**
 * XGBOOST_LIBRARY_UNDER_TEST may name another version. Skipped where the Python peers, which bring the
 * library, are missing.
 */
describe.skipIf(path === undefined)("training with XGBoost's own library", () => {
  const settings: XgboostSettings = {
    library: path ?? '',
    treeMethod: 'hist',
    trees: 12,
    learningRate: 0.3,
    maxDepth: 4,
    minChildWeight: 1,
    l1: 0,
    l2: 1,
    minGain: 0,
    rowShare: 1,
    columnShare: 1,
    earlyStoppingRounds: 0,
    classWeight: 'none',
    maxBins: 256,
  }
  const train = (
    changes: Partial<XgboostSettings>,
    data = makeRows(3000, 1),
    validation = makeRows(800, 2),
  ) => fitAlone(xgboost, { ...data, validation }, { ...settings, ...changes }, 5) as TreeEnsembleModel

  test.each([
    ['hist', {}],
    ['approx', { treeMethod: 'approx' }],
    ['exact', { treeMethod: 'exact' }],
    ['balanced classes', { classWeight: 'balanced' }],
    ['samples of rows and columns', { rowShare: 0.5, columnShare: 0.5 }],
  ] as const)('%s: the threads change no bit, and the trees rank frauds first', (_, changes) => {
    const one = train({ ...changes, threads: 1 })
    expect(train({ ...changes, threads: 2 })).toEqual(one)
    const judged = makeRows(800, 2)
    const mean = (label: number) =>
      average(probabilities(one, judged).filter((__, row) => judged.labels[row] === label))
    expect(mean(1)).toBeGreaterThan(mean(0) + 0.1)
  })

  test('every row gets the probability that the library gives it', () => {
    const library = openXgboost(path ?? '')
    const rows = makeRows(3000, 1)
    const width = rows.table.columns.length
    const values = Float32Array.from(
      { length: 3000 * width },
      (_, at) => rows.table.columns[at % width]![Math.floor(at / width)]!,
    )
    const matrix = library.createMatrix(values, 3000, width)
    library.setFloats(matrix, 'label', Float32Array.from(rows.labels))
    const booster = library.createBooster([matrix])
    library.setParameter(booster, 'objective', 'binary:logistic')
    for (let round = 0; round < 30; round++) library.update(booster, round, matrix)
    const theirs = library.predict(booster, matrix, 3000)
    const ours = probabilities(importXgboostModel(library.saveJson(booster)), rows)
    library.freeBooster(booster)
    library.freeMatrix(matrix)
    expect(Math.max(...ours.map((probability, row) => Math.abs(probability - theirs[row]!)))).toBeLessThan(
      1e-6,
    )
  })

  test('categories are categories, and an unknown one (-1) is one of them', () => {
    const names = ['code']
    const codes = Float64Array.from({ length: 600 }, (_, row) => (row % 6) - 1)
    const table = { names, rowCount: 600, columns: [codes], categorical: names }
    const labels = codes.map((code) => (code === -1 || code === 3 ? 1 : 0))
    const model = train({ maxDepth: 2 }, { table, labels }, { table, labels })
    expect(model.trees[0]?.categories).toBeDefined()
    const got = probabilities(model, { table, labels })
    expect([0, 1, 2, 3, 4, 5].map((row) => Math.round(got[row]!))).toEqual([1, 0, 0, 0, 1, 0])
  })

  test('early stopping keeps the trees up to the best', () => {
    const model = train({ trees: 300, earlyStoppingRounds: 5 })
    expect(model.trees.length).toBeGreaterThan(0)
    expect(model.trees.length).toBeLessThan(300)
  })

  test('a row with weight 2 is the row twice', () => {
    const rows = makeRows(500, 3)
    const twice = (column: ArrayLike<number>) =>
      Float64Array.from({ length: 1000 }, (_, row) => column[row % 500]!)
    const doubled = { ...rows.table, rowCount: 1000, columns: rows.table.columns.map(twice) }
    const weighted = train(
      { treeMethod: 'exact', trees: 3 },
      { ...rows, weights: new Float64Array(500).fill(2) },
    )
    const repeated = train({ treeMethod: 'exact', trees: 3 }, { table: doubled, labels: twice(rows.labels) })
    const [a, b] = [weighted, repeated].map((model) => probabilities(model, rows))
    expect(Math.max(...a!.map((probability, row) => Math.abs(probability - b![row]!)))).toBeLessThan(1e-4)
  })

  test('an interruption ends it between two rounds', () => {
    let rounds = 0
    const tools = { isCancelled: () => rounds >= 2, reportProgress: () => rounds++ }
    expect(() => fitAlone(xgboost, makeRows(500, 3), settings, 1, tools)).toThrow(/Interrupted/)
    expect(rounds).toBe(2)
  })

  test('what the library says of an error is in ours, with the call', () => {
    const library = openXgboost(path ?? '')
    const matrix = library.createMatrix(Float32Array.of(1), 1, 1)
    expect(() => library.setFloats(matrix, 'nonsense' as 'label', Float32Array.of(1))).toThrow(
      /failed at XGDMatrixSetFloatInfo: .*nonsense/i,
    )
    library.freeMatrix(matrix)
    expect(() => openXgboost('/missing/libxgboost.so')).toThrow(/failed at opening/)
  })
})

const makeRows = (count: number, seed: number): TrainingRows => {
  const { next } = createRandom(seed)
  const columns = ['a', 'b', 'c'].map(() => Float64Array.from({ length: count }, () => next()))
  const labels = Float64Array.from({ length: count }, (_, row) =>
    columns[0]![row]! + columns[1]![row]! * 0.5 + next() > 1.6 ? 1 : 0,
  )
  for (let row = 0; row < count; row += 7) columns[1]![row] = Number.NaN
  return { table: { names: ['a', 'b', 'c'], rowCount: count, columns }, labels }
}

const probabilities = (model: TreeEnsembleModel, { table }: TrainingRows): number[] =>
  Array.from({ length: table.rowCount }, (_, row) => {
    const margin = model.trees.reduce((sum, tree) => sum + walkTree(tree, table.columns, row), model.base)
    return 1 / (1 + Math.exp(-margin))
  })

const average = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

function findLibrary(): string | undefined {
  const named = process.env['XGBOOST_LIBRARY_UNDER_TEST']
  const python = process.env['PEER_PYTHON']
  if (named !== undefined || python === undefined) return named
  const script = 'import xgboost.libpath as l; print(l.find_lib_path()[0])'
  return execFileSync(python, ['-c', script], { encoding: 'utf8' }).trim()
}
