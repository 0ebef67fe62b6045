import { createRandom, type Random } from '../../src/foundation/random.ts'
import { fitAlone, type TrainingData } from '../../src/learning/algorithm.ts'
import { gradientBoosting } from '../../src/learning/algorithms/gradient-boosting.ts'
import { logisticRegression } from '../../src/learning/algorithms/logistic-regression.ts'
import { randomForest } from '../../src/learning/algorithms/random-forest.ts'
import type { Calibration } from '../../src/learning/calibration/calibration.ts'
import type { Model } from '../../src/learning/model.ts'
import type { Tree, TreeEnsembleModel } from '../../src/learning/trees/tree-ensemble.ts'

/** A model with a calibration, and rows to be scored: a column a feature. */
export interface ModelCase {
  readonly name: string
  readonly model: Model
  readonly calibration: Calibration
  readonly columns: readonly Float64Array[]
}

const CALIBRATIONS: Readonly<Record<string, Calibration>> = {
  uncalibrated: { method: 'none' },
  platt: { method: 'platt', slope: 1.3, intercept: -0.7 },
  isotonic: { method: 'isotonic', x: [0.001, 0.01, 0.2, 0.6], y: [0, 0.05, 0.4, 1] },
  'two points': { method: 'isotonic', x: [0.1, 0.2], y: [0.2, 0.9] },
  'one point': { method: 'isotonic', x: [0.1], y: [0.3] },
}

/** The one with codes is `feature_3`. */
const FEATURES = 5

/** Numbers, a code from -1 to 88, and a value that is missing more often in frauds. */
function dataOf(random: Random, rows: number): TrainingData {
  const columns = Array.from({ length: FEATURES }, (_, f) =>
    Float64Array.from({ length: rows }, () =>
      random.next() < 0.05
        ? Number.NaN
        : f === 3
          ? random.integer(90) - 1
          : Math.round(100 * random.normal()) / 10,
    ),
  )
  const labels = Uint8Array.from({ length: rows }, (_, row) => {
    const isOdd = columns[3]![row]! % 3 === 1
    const isFraud = (columns[0]![row] || 0) + (isOdd ? 8 : 0) + 10 * random.normal() > 9
    if (isFraud && random.next() < 0.4) columns[4]![row] = Number.NaN
    return isFraud ? 1 : 0
  })
  const names = columns.map((_, f) => `feature_${f}`)
  return { table: { names, rowCount: rows, columns, categorical: ['feature_3'] }, labels }
}

const MODELS: Readonly<Record<string, (data: TrainingData) => Model>> = {
  'logistic regression': (data) =>
    fitAlone(logisticRegression, data, { c: 1, classWeight: 'none', maxIterations: 100, tolerance: 1e-8 }, 1),
  'random forest': (data) =>
    fitAlone(
      randomForest,
      data,
      {
        trees: 20,
        maxDepth: 0,
        minLeafRows: 1,
        categoryPenalty: 1,
        featuresPerSplit: 'sqrt',
        classWeight: 'none',
        rowShare: 1,
        maxBins: 0,
      },
      1,
    ),
  'gradient boosting': (data) =>
    fitAlone(
      gradientBoosting,
      data,
      {
        trees: 40,
        learningRate: 0.1,
        maxDepth: 5,
        minChildWeight: 0.5,
        categoryPenalty: 1,
        l2: 1,
        minGain: 0,
        rowShare: 1,
        columnShare: 1,
        earlyStoppingRounds: 0,
        classWeight: 'none',
        monotone: {},
        maxBins: 0,
      },
      1,
    ),
  // Values are rounded to tenths, so some are 0.
  'zeros that are missing': (data) => ({
    ...(MODELS['gradient boosting']!(data) as TreeEnsembleModel),
    missingValue: 0,
  }),
  'trees that are leaves': ({ table }) => {
    const leaf: Tree = {
      feature: [-1],
      threshold: [0],
      left: [0],
      missingLeft: [0],
      value: [0.25],
      cover: [1],
      gain: [0],
    }
    return {
      kind: 'gradient_boosting',
      featureNames: table.names,
      link: 'logistic',
      base: -1,
      trees: [leaf, leaf],
    }
  },
  'sets, one of them empty': ({ table }) => {
    const tree: Tree = {
      feature: [3, 3, -1, -1, -1],
      threshold: [0, 0, 0, 0, 0],
      left: [1, 3, 0, 0, 0],
      missingLeft: [1, 0, 0, 0, 0],
      value: [0, 0, 0.5, 0.25, 1],
      cover: [4, 2, 2, 1, 1],
      gain: [1, 1, 0, 0, 0],
      categories: { 0: [-1, 0, 41, 64, 1000], 1: [] },
    }
    return {
      kind: 'xgboost',
      featureNames: table.names,
      link: 'logistic',
      base: -1,
      trees: [tree, { ...tree, categories: { 0: [], 1: [7] } }],
    }
  },
  'no trees': ({ table }) => ({
    kind: 'gradient_boosting',
    featureNames: table.names,
    link: 'logistic',
    base: -1,
    trees: [],
  }),
}

/** Random rows, and rows that stand on thresholds, next to them, and far out. */
const judgedColumns = (random: Random, model: Model, rows: number): readonly Float64Array[] => {
  const { table } = dataOf(random, rows)
  const thresholds = 'trees' in model ? model.trees.flatMap(({ threshold }) => threshold.slice(0, 20)) : []
  const special = [...thresholds.slice(0, 300), 1e300, -1e300, 0, -0, 41, 2.5]
  // Codes are whole numbers; what a runtime makes of others is its own affair. Some that no training row had.
  const codes = special.map((_, i) => [-1, 0, 41, 42, 63, 64, 65, 1000, 70_000][i % 9]!)
  return table.columns.map((column, f) => Float64Array.of(...column, ...(f === 3 ? codes : special)))
}

/** Every model with every calibration; `rows` random rows each, and the special ones. */
export const modelCases = (rows: number): readonly ModelCase[] =>
  Object.entries(MODELS).flatMap(([modelName, train]) => {
    const random = createRandom(11)
    const model = train(dataOf(random, 2000))
    return Object.entries(CALIBRATIONS).map(([calibrationName, calibration]) => ({
      name: `${modelName}, ${calibrationName}`,
      model,
      calibration,
      columns: judgedColumns(random, model, rows),
    }))
  })

/** Their names, known before anything is trained. */
export const modelCaseNames = (): readonly string[] =>
  Object.keys(MODELS).flatMap((model) =>
    Object.keys(CALIBRATIONS).map((calibration) => `${model}, ${calibration}`),
  )
