import { VigiaError } from '../../errors.ts'
import { createRandom, type Random } from '../../foundation/random.ts'
import type { Crew, DataShape, TrainingData, TrainingRows } from '../algorithm.ts'
import { checkTrainingRows } from '../check-training-rows.ts'
import { type BinnedTable, binnedTableMemory, binTable } from '../trees/binned-table.ts'
import { automaticBins } from '../trees/bins.ts'
import { createShareWork } from '../trees/share-work.ts'
import type { Tree, TreeEnsembleModel } from '../trees/tree-ensemble.ts'
import type { ClassWeights } from './gini-split.ts'
import { ForestTreeGrower, forestTreeMemory } from './grow-forest-tree.ts'

/** `models.random_forest` of the configuration. */
export interface RandomForestSettings {
  readonly trees: number
  /** 0: until nothing can be split. */
  readonly maxDepth: number
  /** Least number of drawn rows in a leaf, each counted as often as it was drawn and with its weight. */
  readonly minLeafRows: number
  /** Fall of impurity that a split on a set of categories owes for each value that is free to differ. */
  readonly categoryPenalty: number
  /** Features tried at each node: the square root of their number, or a share of them. */
  readonly featuresPerSplit: 'sqrt' | number
  readonly classWeight: 'none' | 'balanced'
  /** Rows drawn with replacement for each tree, as a share of all. */
  readonly rowShare: number
  /** Bins of values of a feature at most; 0: as `automaticBins` says. */
  readonly maxBins: number
}

/**
 * Rows up to which trees get 1,023 bins by default. A deep tree has many small nodes, and each looks through
 * all bins.
 */
const FEW_ROWS = 131_072

/** Shared parts of `growForest`, in bytes. */
export const forestMemory = (
  { rows, features }: DataShape,
  { maxBins }: RandomForestSettings,
  threads: number,
): Readonly<Record<string, number>> => ({
  ...binnedTableMemory(rows, features, automaticBins(maxBins, rows, FEW_ROWS)),
  ...forestTreeMemory(rows, automaticBins(maxBins, rows, FEW_ROWS) + 1, threads),
})

/** Bytes that each thread takes for itself: how often each row was drawn. */
export const forestThreadMemory = ({ rows }: DataShape): number => rows

/** Trees that one thread has grown, with their numbers. */
export type GrownTrees = readonly (readonly [number: number, tree: Tree])[]

/**
 * A random forest (Breiman 2001) of classification trees: each is grown on rows drawn with replacement, tries
 * a random few features at each node, and splits by Gini impurity. Its leaves hold the share of fraud, and
 * the forest's probability is their mean.
 *
 * Threads take whole trees as they come. The random numbers of a tree depend on the seed and its number only.
 */
export const growForest = (
  data: TrainingData,
  settings: RandomForestSettings,
  seed: number,
  crew: Crew,
): GrownTrees => {
  checkTrainingRows(data.table, data.labels, data.weights)
  const maxBins = automaticBins(settings.maxBins, data.table.rowCount, FEW_ROWS)
  const binned = binTable(data, maxBins, crew, createShareWork(crew))
  const factors = classFactors(data, settings.classWeight)
  const grower = new ForestTreeGrower(binned, settings, featuresTried(data, settings), factors, crew)
  const random = createRandom(seed)
  const draw = createRowDraw(data, binned, settings.rowShare)
  const grown: (readonly [number, Tree])[] = []
  const next = (): number => crew.takeNext(TREE_COUNTER)
  for (let tree = next(); tree < settings.trees; tree = next()) {
    const forTree = random.fork(`tree ${tree}`)
    draw(forTree.fork('rows'), grower)
    grown.push([tree, grower.grow(forTree.fork('features'), crew.isCancelled)])
    if (crew.isCancelled()) throw new VigiaError('INTERRUPTED', { activity: 'growing a forest' })
    crew.reportProgress(tree + 1, settings.trees)
  }
  return grown
}

/** The counter that deals out trees; `createShareWork` has used the first only, for binning. */
const TREE_COUNTER = 15

/** The forest from what each thread has grown. */
export const assembleForest = (
  names: readonly string[],
  parts: readonly GrownTrees[],
): TreeEnsembleModel => ({
  kind: 'random_forest',
  featureNames: names,
  link: 'identity',
  base: 0,
  trees: parts
    .flat()
    .sort(([a], [b]) => a - b)
    .map(([, tree]) => tree),
})

const featuresTried = ({ table }: TrainingRows, { featuresPerSplit }: RandomForestSettings): number => {
  const all = table.columns.length
  return Math.max(1, Math.floor(featuresPerSplit === 'sqrt' ? Math.sqrt(all) : featuresPerSplit * all))
}

const classFactors = ({ labels, weights }: TrainingRows, classWeight: 'none' | 'balanced'): ClassWeights => {
  if (classWeight === 'none') return { genuine: 1, fraud: 1 }
  const sums: [number, number] = [0, 0]
  for (let row = 0; row < labels.length; row++) sums[labels[row] as 0 | 1] += weights?.[row] ?? 1
  const all = sums[0] + sums[1]
  return { genuine: all / (2 * sums[0]), fraud: all / (2 * sums[1]) }
}

/**
 * Fills a grower's root with rows drawn with replacement: each once, with how often it was drawn as its
 * weight.
 */
const createRowDraw = ({ labels, weights }: TrainingRows, { rowCount }: BinnedTable, rowShare: number) => {
  const counts = new Uint8Array(rowCount)
  const draws = Math.max(1, Math.round(rowShare * rowCount))
  return (random: Random, grower: ForestTreeGrower): void => {
    counts.fill(0)
    // At 255 a row is as good as the whole sample; a row is drawn once on average.
    for (let i = 0; i < draws; i++) counts[random.integer(rowCount)]!++
    let taken = 0
    for (let row = 0; row < rowCount; row++) {
      const weight = counts[row]! * (weights === undefined ? 1 : weights[row]!)
      if (weight > 0) grower.setRow(taken++, row, weight, labels[row]!)
    }
    grower.setRowCount(taken)
  }
}
