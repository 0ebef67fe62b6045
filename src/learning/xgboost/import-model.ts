import { log } from '../../foundation/elementary/logarithm.ts'
import type { Tree, TreeEnsembleModel } from '../trees/tree-ensemble.ts'
import { importTree } from './import-tree.ts'
import { listAt, numbersAt, recordAt, refuse } from './json-parts.ts'

/** Objectives whose probability is the logistic function of the margin. */
const OBJECTIVES = ['binary:logistic', 'reg:logistic']

/** Nodes of all trees at most: what an artifact may hold. */
const MAX_NODES = 4_000_000
const MAX_FEATURES = 100_000

export interface ImportOptions {
  /** Names of the features, in order; the model's own when absent, and f0, f1, ... where it has none. */
  readonly featureNames?: readonly string[]
  /** Takes the first `trees` trees only; all when absent. */
  readonly trees?: number
  /**
   * Added to categories to get codes; 0 when absent. Training passes codes one higher, because XGBoost knows
   * no -1.
   */
  readonly categoryShift?: number
}

/**
 * A model that XGBoost saved as JSON (`booster.save_model('model.json')`), as ours. Of `gbtree` and `dart`,
 * of binary:logistic and reg:logistic, with numeric and categorical splits; written by 1.6 to 3.2, whose
 * `base_score` is a number or a list with one.
 *
 * Rows take the very paths that they take in XGBoost. It adds leaves in floats and ours in doubles, so
 * probabilities differ by about 1e-6 at most, and rows whose probabilities are equal there may differ here
 * beyond the 7th digit. A value that is no whole number at a categorical split goes where unknown ones go;
 * XGBoost cuts its decimals off.
 *
 * All trees are imported, also those after `best_iteration`, unless `trees` says otherwise.
 *
 * @throws LEARNING_XGBOOST_REFUSED with the place in the JSON and the reason: malformed, of another kind, or
 * too large
 */
export const importXgboostModel = (
  text: string | Uint8Array,
  options: ImportOptions = {},
): TreeEnsembleModel => {
  const learner = recordAt(recordAt(parse(text), 'the model')['learner'], 'learner')
  const parameters = recordAt(learner['learner_model_param'], 'learner.learner_model_param')
  checkKind(learner, parameters)
  const featureCount = readCount(parameters['num_feature'], 'learner.learner_model_param.num_feature')
  const { model, where, weights } = readBooster(learner['gradient_booster'])
  const trees = listAt(model['trees'], `${where}.trees`)
  if (weights !== undefined && weights.length !== trees.length)
    refuse('learner.gradient_booster.weight_drop', `has ${weights.length} weights for ${trees.length} trees`)
  return {
    kind: 'xgboost',
    featureNames: readNames(learner['feature_names'], featureCount, options.featureNames),
    link: 'logistic',
    base: readBase(parameters['base_score']),
    trees: importTrees(trees.slice(0, options.trees), (tree, index) =>
      importTree(tree, `${where}.trees[${index}]`, {
        featureCount,
        weight: weights?.[index] ?? 1,
        categoryShift: options.categoryShift ?? 0,
      }),
    ),
  }
}

const importTrees = (
  trees: readonly unknown[],
  importOne: (tree: unknown, index: number) => Tree,
): Tree[] => {
  let nodes = 0
  return trees.map((value, index) => {
    const tree = importOne(value, index)
    nodes += tree.feature.length
    if (nodes > MAX_NODES) refuse('trees', `have more than ${MAX_NODES} nodes together`)
    return tree
  })
}

/**
 * JSON, to which XGBoost adds infinite thresholds, and NaN where categories decide (1.7), as words of its
 * own.
 */
const parse = (source: string | Uint8Array): unknown => {
  const text = typeof source === 'string' ? source : new TextDecoder().decode(source)
  // XGBoost's other two formats begin with {L, {$ or {# (UBJSON) and with binf or anything else (binary,
  // before 2.1).
  if (!/^\s*\{\s*["}]/.test(text.slice(0, 1000)))
    refuse('the model', 'is no JSON. Save it as JSON: booster.save_model("model.json")')
  try {
    return JSON.parse(text)
  } catch (error) {
    const words = /([[,:]\s*)(-?)(Infinity|NaN)(?=\s*[\],}])/g
    const plain = text.replace(words, (_, before: string, sign: string, word: string) =>
      word === 'NaN' ? `${before}"NaN"` : `${before}${sign}1e999`,
    )
    if (plain !== text) return parse(plain)
    return refuse('the model', `is no valid JSON: ${(error as Error).message}`)
  }
}

const checkKind = (
  learner: Readonly<Record<string, unknown>>,
  parameters: Readonly<Record<string, unknown>>,
): void => {
  const objective = recordAt(learner['objective'], 'learner.objective')['name']
  if (!OBJECTIVES.includes(String(objective)))
    refuse('learner.objective.name', `is ${String(objective)}; allowed: ${OBJECTIVES.join(', ')}`)
  for (const name of ['num_class', 'num_target']) {
    if (Number(parameters[name] ?? 0) > 1)
      refuse(`learner.learner_model_param.${name}`, `is ${String(parameters[name])}; allowed: one output`)
  }
}

/** `gbtree` holds its model; `dart` holds a gbtree and the weight of each tree. */
const readBooster = (value: unknown) => {
  const where = 'learner.gradient_booster'
  const booster = recordAt(value, where)
  if (booster['name'] === 'gbtree')
    return { model: recordAt(booster['model'], `${where}.model`), where: `${where}.model` }
  if (booster['name'] === 'dart') {
    const inner = `${where}.gbtree`
    const model = recordAt(recordAt(booster['gbtree'], inner)['model'], `${inner}.model`)
    return { model, where: `${inner}.model`, weights: numbersAt(booster, 'weight_drop', where) }
  }
  return refuse(`${where}.name`, `is ${String(booster['name'])}; allowed: gbtree, dart`)
}

/**
 * Numbers are texts in the parameters: `"5E-1"`, and since 3.1 `"[5E-1]"`. The margin is computed in floats,
 * as XGBoost does.
 */
const readBase = (value: unknown): number => {
  const where = 'learner.learner_model_param.base_score'
  const text = String(value).trim()
  const share = Math.fround(Number(text.replace(/^\[(.*)\]$/, '$1') || Number.NaN))
  if (!(share > 0 && share < 1)) refuse(where, `is ${text}; allowed: one probability between 0 and 1`)
  return Math.fround(-log(Math.fround(Math.fround(1 / share) - 1)))
}

const readCount = (value: unknown, where: string): number => {
  const count = Number(value)
  return Number.isInteger(count) && count >= 1 && count <= MAX_FEATURES
    ? count
    : refuse(where, `is ${String(value)}; allowed: a whole number from 1 to ${MAX_FEATURES}`)
}

const readNames = (
  value: unknown,
  count: number,
  given: readonly string[] | undefined,
): readonly string[] => {
  const own = value === undefined ? [] : listAt(value, 'learner.feature_names')
  const names = given ?? (own.length > 0 ? own : Array.from({ length: count }, (_, index) => `f${index}`))
  if (names.length !== count) refuse('learner.feature_names', `are ${names.length} for ${count} features`)
  if (new Set(names).size < count || !names.every((name) => typeof name === 'string' && name !== ''))
    refuse('learner.feature_names', 'must be different texts')
  return names as readonly string[]
}
