import { MAX_FEATURES, readFeatureNames } from '../imported/feature-names.ts'
import type { ForeignCategories, ForeignChoices, ForeignModel } from '../imported/foreign-model.ts'
import { emptyRoom } from '../imported/grow-tree.ts'
import { parseLooseJson } from '../imported/loose-json.ts'
import { parseObject } from '../imported/model-file.ts'
import { listAt, type Parts, recordAt, refuse } from '../imported/parts.ts'
import type { TreeEnsembleModel } from '../trees/tree-ensemble.ts'
import { readBaseMargin } from './base-score.ts'
import { type BoosterParts, readBooster } from './booster.ts'
import { readChosenTrees } from './chosen-trees.ts'
import { readFileCategories } from './file-categories.ts'
import { categoricalFeaturesOf, importTree } from './import-tree.ts'
import { requireLogistic } from './objective.ts'
import { isBefore, NEWEST_TESTED, readVersion } from './version.ts'

/**
 * A model that XGBoost saved (`model.save_model('model.json')`, `.ubj`), as JSON or UBJSON, or such a file
 * parsed, before what only its owner knows is settled: gbtree and dart, one output, of binary:logistic and
 * reg:logistic, with numeric and categorical splits; of 1.6 and newer. `categoryShift` is added to categories
 * that are values.
 *
 * @throws LEARNING_IMPORT_REFUSED with the place in the file and the reason: malformed, of another kind, or
 * too large
 */
export const readXgboostModel = (source: string | Uint8Array | Parts, categoryShift = 0): ForeignModel => {
  const file = typeof source === 'string' || source instanceof Uint8Array ? parseObject(source) : source
  const learner = recordAt(file['learner'], 'learner')
  const version = readVersion(file)
  const parameters = recordAt(learner['learner_model_param'], 'learner.learner_model_param')
  const objective = requireLogistic(learner, parameters)
  const featureCount = readCount(parameters['num_feature'], 'learner.learner_model_param.num_feature')
  const booster = readBooster(learner['gradient_booster'])
  const attributes = recordAt(learner['attributes'] ?? {}, 'learner.attributes')
  const missingValue = readMissing(attributes)
  const categoriesOf = readFileCategories(booster, version, featureCount)
  const base = readBaseMargin(parameters, version, booster.trees.length)
  const categories = new Map<number, ForeignCategories>()
  for (const feature of categoricalFeaturesOf(booster, featureCount))
    categories.set(feature, categoriesOf(feature))
  return {
    library: `XGBoost ${version.join('.')}`,
    objective,
    ...readFeatureNames(listAt(learner['feature_names'] ?? [], 'learner.feature_names'), {
      count: featureCount,
      prefix: 'f',
      where: 'learner.feature_names',
    }),
    categories,
    trees: readChosenTrees(attributes, booster),
    ...(missingValue !== undefined && { missingValue }),
    notes: isBefore(NEWEST_TESTED, version)
      ? [`XGBoost ${version.join('.')} is newer than ${NEWEST_TESTED.join('.')}, the newest that was tried`]
      : [],
    convert: (choices) => convert(booster, base, categoryShift, choices),
  }
}

export interface ImportOptions {
  /** Names of the features, in order; the model's own when absent. */
  readonly featureNames?: readonly string[]
  /** Takes the first `trees` trees only; when absent, those that Python scores the file with. */
  readonly trees?: number
  /**
   * Says that whole numbers at categorical splits are the feature's own values, as they are where the
   * training had numbers with feature_types, and what is added to them to get codes: 0, or -1 where they were
   * passed one higher, because XGBoost knows no -1. Absent: a model with such splits is refused.
   */
  readonly categoryShift?: number
}

/**
 * The same as ours at once, for models without categories, and for who knows that they are values.
 *
 * Rows take the very paths that they take in XGBoost. It adds leaves in floats and ours in doubles, so
 * probabilities differ by about 1e-6 at most, and rows whose probabilities are equal there may differ here
 * beyond the 7th digit. A value that is no whole number at a categorical split goes where unknown ones go;
 * XGBoost cuts its decimals off.
 *
 * @throws LEARNING_IMPORT_REFUSED
 */
export const importXgboostModel = (
  source: string | Uint8Array,
  options: ImportOptions = {},
): TreeEnsembleModel => {
  const foreign = readXgboostModel(source, options.categoryShift)
  if (options.categoryShift === undefined && foreign.categories.size > 0)
    refuse('The model', 'has splits by category: say what they mean (categoryShift, or readXgboostModel)')
  return foreign.convert({
    featureNames: options.featureNames ?? foreign.featureNames,
    trees: Math.min(options.trees ?? foreign.trees.scored, foreign.trees.count),
    categories: new Map(),
    ...(foreign.missingValue !== undefined && { missingValue: foreign.missingValue }),
  })
}

const convert = (
  booster: BoosterParts,
  base: number,
  categoryShift: number,
  choices: ForeignChoices,
): TreeEnsembleModel => {
  const { featureNames, missingValue, categories } = choices
  if (missingValue !== undefined) requireNoCategory(missingValue, choices)
  const room = emptyRoom()
  const trees = booster.trees.slice(0, choices.trees).map((tree, index) =>
    importTree(tree, `${booster.where}.trees[${index}]`, {
      featureNames,
      weight: Math.fround(booster.weights?.[index] ?? 1),
      categories,
      categoryShift,
      room,
    }),
  )
  return {
    kind: 'xgboost',
    featureNames,
    link: 'logistic',
    base,
    ...(missingValue !== undefined && { missingValue }),
    trees,
  }
}

/**
 * XGBoost compares what counts as missing with the place of a category, Vigía with our value of it: they must
 * not meet.
 */
const requireNoCategory = (missing: number, { categories, featureNames }: ForeignChoices): void => {
  for (const [feature, known] of categories)
    if (known[missing] !== undefined || known.some(({ code }) => code === missing))
      refuse(
        `The feature ${featureNames[feature]}`,
        `has categories, of which ${missing} is the place or the value of one: it cannot count as missing`,
      )
}

/**
 * What counts as missing beside NaN. Only 1.x writes it, within the settings of scikit-learn's estimator, and
 * obeys it when it opens the file; newer versions forget it.
 */
const readMissing = (attributes: Parts): number | undefined => {
  const where = 'learner.attributes.scikit_learn'
  const told = attributes['scikit_learn']
  if (typeof told !== 'string') return undefined
  const { missing } = recordAt(parseLooseJson(told, where), where)
  return typeof missing === 'number' && Number.isFinite(missing) ? missing : undefined
}

const readCount = (value: unknown, where: string): number => {
  const count = Number(value)
  return Number.isInteger(count) && count >= 1 && count <= MAX_FEATURES
    ? count
    : refuse(where, `is ${String(value)}; allowed: a whole number from 1 to ${MAX_FEATURES}`)
}
