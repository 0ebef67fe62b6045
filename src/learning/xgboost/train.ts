import { VigiaError } from '../../errors.ts'
import type { DataShape, TrainingData, TrainingRows } from '../algorithm.ts'
import { checkTrainingRows } from '../check-training-rows.ts'
import type { FeatureTable } from '../feature-table.ts'
import type { TreeEnsembleModel } from '../trees/tree-ensemble.ts'
import { importXgboostModel } from './import-model.ts'
import type { Handle, XgboostLibrary } from './library.ts'

/** `models.xgboost` of the configuration. */
export interface XgboostSettings {
  /** Absolute path of the shared library; whoever calls has found it. */
  readonly library: string
  readonly treeMethod: 'hist' | 'approx' | 'exact'
  /** Rounds, one tree each; with early stopping, at most. */
  readonly trees: number
  readonly learningRate: number
  readonly maxDepth: number
  readonly minChildWeight: number
  readonly l1: number
  readonly l2: number
  readonly minGain: number
  readonly rowShare: number
  readonly columnShare: number
  /** 0: never stops early. Watches the area under precision and recall on validation (XGBoost's aucpr). */
  readonly earlyStoppingRounds: number
  /** `balanced`: frauds weigh as much as genuine rows together (scale_pos_weight). */
  readonly classWeight: 'none' | 'balanced'
  /** 0: 256, XGBoost's own default. */
  readonly maxBins: number
  /** Threads of the library; 1 when absent. */
  readonly threads?: number
}

/** What a fit asks and tells while it works. */
export interface TrainingTools {
  isCancelled(): boolean
  reportProgress(done: number, total: number): void
}

const DEFAULT_BINS = 256

/**
 * Trains with XGBoost's library, round by round, and imports what it learnt.
 *
 * Values are floats there. Codes of categorical features are passed one higher, because XGBoost knows no -1
 * and Vigía's unknown is one; `exact` cannot take them as categories and orders them like numbers. Every
 * handle is freed on every path.
 *
 * @throws LEARNING_XGBOOST_FAILED, LEARNING_NO_ROWS, LEARNING_LABEL_INVALID, LEARNING_ONE_CLASS,
 * LEARNING_LENGTHS_DIFFER, INTERRUPTED
 */
export const trainXgboost = (
  library: XgboostLibrary,
  data: TrainingData,
  settings: XgboostSettings,
  seed: number,
  tools: TrainingTools,
): TreeEnsembleModel => {
  checkTrainingRows(data.table, data.labels, data.weights)
  const handles: (() => void)[] = []
  try {
    const open = (rows: TrainingRows): Handle => openMatrix(library, rows, settings, handles)
    const training = open(data)
    const isWatching = settings.earlyStoppingRounds > 0 && data.validation !== undefined
    const validation = isWatching ? open(data.validation) : undefined
    const booster = library.createBooster(validation === undefined ? [training] : [training, validation])
    handles.push(() => library.freeBooster(booster))
    for (const [name, value] of Object.entries(parametersOf(data, settings, seed)))
      library.setParameter(booster, name, String(value))
    let best = { trees: settings.trees, score: Number.NEGATIVE_INFINITY }
    for (let round = 0; round < settings.trees; round++) {
      if (tools.isCancelled()) throw new VigiaError('INTERRUPTED', { activity: 'training XGBoost' })
      library.update(booster, round, training)
      tools.reportProgress(round + 1, settings.trees)
      if (validation === undefined) continue
      const score = scoreOf(library.evaluate(booster, round, validation, 'validation'))
      if (score > best.score) best = { trees: round + 1, score }
      else if (round + 1 - best.trees >= settings.earlyStoppingRounds) break
    }
    return importXgboostModel(library.saveJson(booster), {
      featureNames: data.table.names,
      trees: best.trees,
      categoryShift: -1,
    })
  } finally {
    // Last first: a booster goes before the matrices that it refers to.
    for (const free of handles.reverse()) free()
  }
}

/**
 * Bytes that the library and the matrices handed to it take at most: floats, XGBoost's sparse copy, bins or
 * sorted columns, rows.
 */
export const xgboostMemory = ({ rows, validationRows, features }: DataShape): number =>
  (rows + validationRows) * features * (4 + 8) + rows * features * 16 + (rows + validationRows) * 64

const openMatrix = (
  library: XgboostLibrary,
  { table, labels, weights }: TrainingRows,
  settings: XgboostSettings,
  handles: (() => void)[],
): Handle => {
  const categories = settings.treeMethod === 'exact' ? [] : (table.categorical ?? [])
  const matrix = library.createMatrix(asFloats(table, categories), table.rowCount, table.columns.length)
  handles.push(() => library.freeMatrix(matrix))
  library.setFloats(matrix, 'label', Float32Array.from(labels))
  if (weights !== undefined) library.setFloats(matrix, 'weight', Float32Array.from(weights))
  if (categories.length > 0) {
    const types = table.names.map((name) => (categories.includes(name) ? 'c' : 'float'))
    library.setFeatureTypes(matrix, types)
  }
  return matrix
}

/**
 * XGBoost refuses infinity, which larger numbers become as floats; as the largest float they stay on their
 * side of every threshold.
 */
const LARGEST_FLOAT = (2 - 2 ** -23) * 2 ** 127

/** Rows next to each other; codes of `categories` one higher. */
const asFloats = (
  { names, columns, rowCount }: FeatureTable,
  categories: readonly string[],
): Float32Array => {
  const values = new Float32Array(rowCount * columns.length)
  columns.forEach((column, feature) => {
    const shift = categories.includes(names[feature]!) ? 1 : 0
    for (let row = 0, at = feature; row < rowCount; row++, at += columns.length)
      values[at] = Math.min(Math.max(column[row]! + shift, -LARGEST_FLOAT), LARGEST_FLOAT)
  })
  return values
}

/** XGBoost's names of our settings. */
const parametersOf = (data: TrainingData, settings: XgboostSettings, seed: number) => ({
  objective: 'binary:logistic',
  eval_metric: 'aucpr',
  booster: 'gbtree',
  verbosity: 0,
  nthread: settings.threads ?? 1,
  // A number of 31 bits is what every version takes.
  seed: seed & 0x7fff_ffff,
  tree_method: settings.treeMethod,
  eta: settings.learningRate,
  max_depth: settings.maxDepth,
  min_child_weight: settings.minChildWeight,
  alpha: settings.l1,
  lambda: settings.l2,
  gamma: settings.minGain,
  subsample: settings.rowShare,
  colsample_bytree: settings.columnShare,
  scale_pos_weight: settings.classWeight === 'balanced' ? genuinePerFraud(data) : 1,
  ...(settings.treeMethod !== 'exact' && { max_bin: settings.maxBins || DEFAULT_BINS }),
})

const genuinePerFraud = ({ labels, weights }: TrainingRows): number => {
  const sums = [0, 0]
  for (let row = 0; row < labels.length; row++) sums[labels[row]!]! += weights?.[row] ?? 1
  return sums[0]! / sums[1]!
}

const scoreOf = (line: string): number => Number(line.slice(line.lastIndexOf(':') + 1))
