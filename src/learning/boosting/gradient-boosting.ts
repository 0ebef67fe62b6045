import { VigiaError } from '../../errors.ts'
import { exp } from '../../foundation/elementary/exponential.ts'
import { log1p } from '../../foundation/elementary/logarithm.ts'
import { createRandom } from '../../foundation/random.ts'
import type { Crew, TrainingData, TrainingRows } from '../algorithm.ts'
import { checkTrainingRows } from '../check-training-rows.ts'
import { floatsOf } from '../shared-parts.ts'
import { binnedTableMemory, binTable } from '../trees/binned-table.ts'
import { automaticBins } from '../trees/bins.ts'
import { createShareWork, type ShareWork } from '../trees/share-work.ts'
import type { Tree, TreeEnsembleModel } from '../trees/tree-ensemble.ts'
import { walkTree } from '../trees/walk-tree.ts'
import { addToMargins, CHUNK, growOn, openFit, sampleRows } from './boosting-fit.ts'
import type { GradientBoostingSettings } from './boosting-settings.ts'
import { type GradientUnits, gradientUnits } from './gradients.ts'
import { growMemory } from './grow-memory.ts'

export type { GradientBoostingSettings } from './boosting-settings.ts'

/**
 * Rows up to which trees get 1,023 bins by default. On 500,000 rows they cost a tenth more time than 255 and
 * win .006 of average precision (bench row `gradient-boosting`); beyond a million, two bytes a value weigh
 * more.
 */
const FEW_ROWS = 1_000_000

/** Shared parts of `boostTrees`, in bytes. */
export const boostingMemory = (
  { rows, validationRows, features }: { rows: number; validationRows: number; features: number },
  { maxBins, maxDepth }: GradientBoostingSettings,
  threads: number,
): Readonly<Record<string, number>> => ({
  ...binnedTableMemory(rows, features, automaticBins(maxBins, rows, FEW_ROWS)),
  ...growMemory(rows, features, automaticBins(maxBins, rows, FEW_ROWS) + 1, maxDepth, threads),
  margins: rows * 8,
  rowPairs: rows * 16,
  chunkSums: Math.ceil(Math.max(rows, validationRows) / CHUNK) * 16,
  validationMargins: validationRows * 8,
})

/**
 * Histogram gradient boosting of the log loss, with second-order gains (Friedman 2001; Chen and Guestrin
 * 2016).
 *
 * For each tree:
 * 1. chunk of rows: gradient and Hessian at the current margins, in exact units (`gradientUnits`).
 * 2. `growTree`: level by level, to `maxDepth`.
 * 3. leaf: its value is added to the margins of its rows.
 *
 * Every thread runs this whole program and returns the same model: sums are exact, so who adds what when
 * changes no bit.
 */
export const boostTrees = (
  data: TrainingData,
  settings: GradientBoostingSettings,
  seed: number,
  crew: Crew,
): TreeEnsembleModel => {
  checkTrainingRows(data.table, data.labels, data.weights)
  const shareWork = createShareWork(crew)
  const binned = binTable(
    data,
    automaticBins(settings.maxBins, data.table.rowCount, FEW_ROWS),
    crew,
    shareWork,
  )
  const units = gradientUnits(data, settings.classWeight)
  const fit = openFit({
    data,
    settings,
    rules: {
      ...settings,
      // Gradients of weighted classes are noisier than their Hessians say, by the product of the weights.
      categoryPenalty: settings.categoryPenalty * units.classFactors[0] * units.classFactors[1],
      directions: directionsOf(data.table.names, settings.monotone),
    },
    binned,
    units,
    crew,
    shareWork,
  })
  const random = createRandom(seed)
  const trees: Tree[] = []
  const watch = watchValidation(data.validation, units, crew, shareWork)
  for (let t = 0; t < settings.trees; t++) {
    if (crew.isCancelled()) throw new VigiaError('INTERRUPTED', { activity: 'boosting trees' })
    const forTree = random.fork(`tree ${t}`)
    const rowCount = sampleRows(fit, () => forTree.fork('rows').next)
    const features = sampleFeatures(
      data.table.columns.length,
      settings.columnShare,
      forTree.fork('columns').integer,
    )
    const grown = growOn(fit, features, rowCount)
    trees.push(grown.tree)
    addToMargins(fit, grown)
    if (crew.index === 0) crew.reportProgress(t + 1, settings.trees)
    if (settings.earlyStoppingRounds > 0 && watch !== undefined) {
      watch.add(grown.tree)
      if (t + 1 - watch.bestTrees >= settings.earlyStoppingRounds) break
    }
  }
  const kept = settings.earlyStoppingRounds > 0 && watch !== undefined ? watch.bestTrees : trees.length
  return {
    kind: 'gradient_boosting',
    featureNames: data.table.names,
    link: 'logistic',
    base: units.base,
    trees: trees.slice(0, kept),
  }
}

const DIRECTIONS = { increasing: 1, decreasing: -1, free: 0 } as const

const directionsOf = (
  names: readonly string[],
  monotone: GradientBoostingSettings['monotone'],
): Int8Array => {
  const unknown = Object.keys(monotone).find((name) => !names.includes(name))
  if (unknown !== undefined)
    throw new VigiaError('LEARNING_FEATURE_UNKNOWN', {
      got: unknown,
      setting: 'monotone',
      allowed: names.join(', '),
    })
  return Int8Array.from(names, (name) => DIRECTIONS[monotone[name] ?? 'free'])
}

/** `share` of the features, at least one, in rising order. */
const sampleFeatures = (
  count: number,
  share: number,
  integer: (below: number) => number,
): readonly number[] => {
  const features = Array.from({ length: count }, (_, f) => f)
  const wanted = Math.max(1, Math.round(share * count))
  // The first `wanted` places of a Fisher-Yates shuffle.
  for (let i = 0; i < wanted && wanted < count; i++) {
    const j = i + integer(count - i)
    const swapped = features[i]!
    features[i] = features[j]!
    features[j] = swapped
  }
  return features.slice(0, wanted).sort((a, b) => a - b)
}

/** Follows the log loss of the validation rows from tree to tree; undefined without any. */
const watchValidation = (
  validation: TrainingRows | undefined,
  units: GradientUnits,
  { parts }: Crew,
  shareWork: ShareWork,
) => {
  if (validation === undefined || validation.table.rowCount === 0) return undefined
  const { table, labels } = validation
  const margins = floatsOf(parts, 'validationMargins')
  const sums = floatsOf(parts, 'chunkSums')
  const chunks = Math.ceil(table.rowCount / CHUNK)
  const lossAfter = (tree: Tree | undefined): number => {
    shareWork(chunks, (chunk) => {
      let loss = 0
      const to = Math.min(table.rowCount, (chunk + 1) * CHUNK)
      for (let row = chunk * CHUNK; row < to; row++) {
        const margin = tree === undefined ? units.base : margins[row]! + walkTree(tree, table.columns, row)
        margins[row] = margin
        const excess = labels[row] === 1 ? -margin : margin
        loss += Math.max(excess, 0) + log1p(exp(-Math.abs(margin)))
      }
      sums[chunk] = loss
    })
    return sums.subarray(0, chunks).reduce((sum, loss) => sum + loss, 0)
  }
  let best = lossAfter(undefined)
  let added = 0
  const watch = {
    /** Trees up to the lowest loss so far. */
    bestTrees: 0,
    add: (tree: Tree): void => {
      added++
      const loss = lossAfter(tree)
      if (loss >= best) return
      best = loss
      watch.bestTrees = added
    },
  }
  return watch
}
