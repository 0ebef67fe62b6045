import { MAX_FEATURES, readFeatureNames } from '../imported/feature-names.ts'
import type {
  CategoryValue,
  ForeignCategories,
  ForeignChoices,
  ForeignModel,
} from '../imported/foreign-model.ts'
import { emptyRoom } from '../imported/grow-tree.ts'
import { listAt, type Parts, refuse } from '../imported/parts.ts'
import type { TreeEnsembleModel } from '../trees/tree-ensemble.ts'
import { readDumpFile } from './dump-file.ts'
import { importTree } from './import-tree.ts'
import type { LightgbmFile } from './lightgbm-file.ts'
import { readTextFile } from './text-file.ts'

/** Versions of the format that are read: those of LightGBM 2.3 to 3.3, and of 4. */
const VERSIONS = ['v3', 'v4']

/**
 * A model that LightGBM saved as text (`booster.save_model('model.txt')`) or as JSON
 * (`json.dump(booster.dump_model(), file)`, here parsed), before what only its owner knows is settled: trees
 * of any boosting (gbdt, dart, goss, rf), one output, of the objectives binary and cross_entropy.
 *
 * @throws LEARNING_IMPORT_REFUSED with the place in the file and the reason
 */
export const readLightgbmModel = (source: string | Parts): ForeignModel => {
  const file = typeof source === 'string' ? readTextFile(source) : readDumpFile(source)
  if (!VERSIONS.includes(file.version))
    refuse('version', `is ${file.version}; allowed: ${VERSIONS.join(', ')} (LightGBM 2.3 and newer)`)
  const slope = readSlope(file)
  const count = file.featureNames.length
  if (count > MAX_FEATURES) refuse('feature_names', `are ${count}; at most ${MAX_FEATURES}`)
  const names = readFeatureNames(file.featureNames, { count, prefix: 'Column_', where: 'feature_names' })
  const columns = readColumns(file)
  return {
    library: `LightGBM (${file.version})`,
    objective: file.objective,
    ...names,
    categories: categoriesOf(file, columns),
    columns: columns ?? [],
    trees: { count: file.trees.length, scored: file.trees.length, why: 'all that the file has' },
    whyNoMissingValue: 'LightGBM has no such setting, and its file says what is missing at each split',
    notes: [],
    convert: (choices) => convert(file, slope, choices),
  }
}

/**
 * What the margin is multiplied with before the logistic function: 1, or binary's `sigmoid`.
 *
 * @throws LEARNING_IMPORT_REFUSED where the model gives something else than one probability
 */
const readSlope = ({ objective, classes, treesPerIteration }: LightgbmFile): number => {
  if (classes !== 1 || treesPerIteration !== 1)
    refuse(
      'num_class',
      `is ${classes}: the model has a score for each class; allowed: one, that of objective=binary`,
    )
  const [name = '', ...settings] = objective.split(' ')
  if (name === 'cross_entropy') return 1
  if (name !== 'binary')
    refuse('objective', `is ${objective || 'not told'}, ${whyNot(name)}; allowed: binary, cross_entropy`)
  const told = settings.find((setting) => setting.startsWith('sigmoid:'))
  const slope = Number(told?.slice('sigmoid:'.length) ?? 1)
  return slope > 0 && Number.isFinite(slope)
    ? slope
    : refuse('objective', `is ${objective}; allowed: sigmoid above 0`)
}

const whyNot = (name: string): string => {
  if (name === '') return 'as where the objective was a function: train with objective="binary"'
  if (name === 'cross_entropy_lambda') return 'whose scores are intensities and no probabilities'
  if (name === 'lambdarank' || name === 'rank_xendcg') return 'whose scores rank and are no probabilities'
  return 'which gives no probability'
}

/** Undefined where Python has not written the file. */
const readColumns = ({ columns }: LightgbmFile): readonly (readonly CategoryValue[])[] | undefined => {
  if (columns === undefined) return undefined
  return listAt(columns, 'pandas_categorical').map((column, index) =>
    listAt(column, `pandas_categorical[${index}]`).map((value, place) => {
      // Yes and no are 1 and 0, as in features.
      const own = typeof value === 'boolean' ? Number(value) : value
      return typeof own === 'string' || typeof own === 'number'
        ? own
        : refuse(`pandas_categorical[${index}][${place}]`, 'is neither a text nor a number')
    }),
  )
}

/**
 * By feature, what its categories are before anybody names the columns: the frame's category columns are not
 * those of the splits where some are ordered, or another list was given (categorical_feature).
 */
const categoriesOf = (
  { trees }: LightgbmFile,
  columns: readonly unknown[] | undefined,
): ReadonlyMap<number, ForeignCategories> => {
  const found = new Map<number, ForeignCategories>()
  const told =
    columns === undefined
      ? { untold: 'Python has not written the file, so that it does not say what its numbers mean' }
      : ({ areOwn: true } as const)
  for (const { splits } of trees)
    splits.members.forEach((members, split) => {
      if (members !== undefined) found.set(splits.feature[split]!, told)
    })
  return found
}

const convert = (file: LightgbmFile, slope: number, choices: ForeignChoices): TreeEnsembleModel => {
  const { featureNames, categories } = choices
  const room = emptyRoom()
  const chosen = file.trees.slice(0, choices.trees)
  const weight = file.isMean ? slope / chosen.length : slope
  const trees = chosen.map((tree) => importTree(tree, { featureNames, weight, categories, room }))
  const zeroIsMissing = featuresWithZeroMissing(file, categories)
  return {
    kind: 'lightgbm',
    featureNames,
    link: 'logistic',
    base: 0,
    ...(zeroIsMissing.length > 0 && { zeroIsMissing }),
    trees,
  }
}

/**
 * Features of which 0 counts as missing. Trees may disagree where training went on with other settings: ours
 * have one word for all.
 */
const featuresWithZeroMissing = (
  { trees }: LightgbmFile,
  places: ForeignChoices['categories'],
): readonly number[] => {
  const found = new Map<number, boolean>()
  for (const { splits, where } of trees)
    splits.missing.forEach((missing, split) => {
      const feature = splits.feature[split]!
      // Sets and places are read by themselves.
      if (splits.members[split] !== undefined || places.has(feature)) return
      const isZero = missing === 'zero'
      if (found.has(feature) && found.get(feature) !== isZero)
        refuse(
          where,
          `takes 0 ${isZero ? '' : 'not '}for missing in the feature ${feature}, unlike a tree before it`,
        )
      found.set(feature, isZero)
    })
  return [...found]
    .filter(([, isZero]) => isZero)
    .map(([feature]) => feature)
    .sort((a, b) => a - b)
}
