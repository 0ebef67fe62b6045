import { VigiaError } from '../../errors.ts'
import type { ForeignModel } from '../../learning/imported/foreign-model.ts'
import type { TreeEnsembleModel } from '../../learning/trees/tree-ensemble.ts'
import { type FilledWith, withFilledValues } from './filled-values.ts'
import {
  categoriesByName,
  type GivenNames,
  type NamedFeatures,
  type NamesOfRun,
  nameFeatures,
} from './name-features.ts'
import {
  type FeaturesOfRun,
  type GivenCategories,
  type ResolvedCategories,
  resolveCategories,
} from './resolve-categories.ts'

/** What only the owner of a model knows, or decides. */
export interface AskedOfImport {
  /** What its features are called here; absent: the same. */
  readonly names?: GivenNames
  /**
   * Which trees count: all, those up to the best round of early stopping, or the first so many; absent: those
   * that the library itself scores the file with.
   */
  readonly trees?: 'all' | 'best' | number
  /** The number that counted as missing in training, beside NaN; absent: what the file says, mostly none. */
  readonly missingValue?: number
  readonly categories?: GivenCategories
  /** What stood in the place of missing values in training; absent: they were missing. */
  readonly filled?: FilledWith
  /**
   * The label of fraud among those that the model was trained on; absent: 1, or true. Where the file does not
   * tell the labels, `0` is the first of them and `1` the second.
   */
  readonly positiveClass?: string
}

/** The run that an imported model gets its features from. */
export type RunOfImport = FeaturesOfRun & NamesOfRun

/** A foreign model as ours, and what was chosen on the way. */
export interface AsOurs {
  readonly model: TreeEnsembleModel
  readonly namesFrom: NamedFeatures['namesFrom']
  /** Why so many trees count. */
  readonly treesWhy: string
  readonly categories: ResolvedCategories['told']
  /** By place of the feature: what the categories of the training frame are here. */
  readonly knownCategories: ResolvedCategories['categories']
}

/**
 * Settles what the file of a foreign model does not tell, by its owner's word and by the run.
 *
 * @param path of the file, for errors
 * @throws MODEL_FEATURES_DIFFER, MODEL_FEATURE_COUNT_DIFFERS, MODEL_NAMES_DIFFER, MODEL_CATEGORIES_UNTOLD,
 * MODEL_CATEGORIES_DIFFER, MODEL_TREES_UNKNOWN, MODEL_MISSING_DIFFERS, MODEL_POSITIVE_CLASS_UNKNOWN,
 * LEARNING_IMPORT_REFUSED
 */
export const asOurs = (
  foreign: ForeignModel,
  path: string,
  run: RunOfImport,
  asked: AskedOfImport,
): AsOurs => {
  const { featureNames, namesFrom } = nameFeatures(foreign, path, run, asked.names)
  const { count, why } = treesOf(foreign, path, asked.trees)
  const given = categoriesByName(asked.categories, foreign.featureNames, featureNames)
  const { categories, told } = resolveCategories(
    foreign,
    featureNames,
    run,
    given,
    path,
    asked.filled?.category,
  )
  const missingValue = missingOf(foreign, path, asked.missingValue)
  const isSecond = isSecondClassFraud(foreign, path, asked.positiveClass)
  const converted = foreign.convert({
    featureNames,
    trees: count,
    categories,
    ...(missingValue !== undefined && { missingValue }),
  })
  const filled = withFilledValues(converted, asked.filled ?? {}, textFeaturesOf(categories))
  const model = isSecond ? filled : ofOtherClass(filled)
  return { model, namesFrom, treesWhy: why, categories: told, knownCategories: categories }
}

/** Places of the features whose categories are texts. */
const textFeaturesOf = (categories: ResolvedCategories['categories']): ReadonlySet<number> =>
  new Set(
    [...categories].flatMap(([feature, known]) =>
      known.some(({ value }) => typeof value === 'string') ? [feature] : [],
    ),
  )

const treesOf = (
  { trees }: ForeignModel,
  path: string,
  asked: AskedOfImport['trees'],
): { readonly count: number; readonly why: string } => {
  if (asked === undefined) return { count: trees.scored, why: trees.why }
  const refuse = (reason: string) => new VigiaError('MODEL_TREES_UNKNOWN', { path, reason })
  if (asked === 'all') return { count: trees.count, why: 'all, as asked' }
  if (asked === 'best') {
    if (trees.best === undefined) throw refuse('it names no round as the best')
    return { count: trees.best, why: 'up to the best round, as asked' }
  }
  if (asked > trees.count) throw refuse(`it has ${trees.count} trees, asked for are ${asked}`)
  return { count: asked, why: 'as asked' }
}

/** Labels of which everybody means the second. */
const PLAIN = ['0 1', 'False True', 'false true', '0.0 1.0']

/** Whether the probability of the file, which is that of the second label, is that of fraud. */
const isSecondClassFraud = ({ classes }: ForeignModel, path: string, asked: string | undefined): boolean => {
  if (asked === undefined && (classes === undefined || PLAIN.includes(classes.join(' ')))) return true
  const labels = classes ?? ['0', '1']
  const place = asked === undefined ? -1 : labels.indexOf(asked)
  if (place >= 0) return place === 1
  throw new VigiaError('MODEL_POSITIVE_CLASS_UNKNOWN', {
    path,
    labels:
      classes === undefined
        ? '0 and 1 (the file tells no others)'
        : labels.map((label) => JSON.stringify(label)).join(' and '),
    got: asked === undefined ? 'nothing says which of them is fraud' : `--positive-class is ${asked}`,
  })
}

/** The model whose probability is 1 minus that of `model`. */
const ofOtherClass = (model: TreeEnsembleModel): TreeEnsembleModel => ({
  ...model,
  base: model.link === 'logistic' ? -model.base : 1 - model.base,
  trees: model.trees.map((tree) => ({
    ...tree,
    value: tree.value.map((value) => (value === 0 ? 0 : -value)),
  })),
})

const missingOf = (
  { missingValue, whyNoMissingValue }: ForeignModel,
  path: string,
  asked: number | undefined,
): number | undefined => {
  if (asked === undefined) return missingValue
  const reason =
    whyNoMissingValue ??
    (missingValue === undefined || asked === missingValue ? undefined : `the file says ${missingValue}`)
  if (reason === undefined) return asked
  throw new VigiaError('MODEL_MISSING_DIFFERS', { path, got: asked, reason })
}
