import { VigiaError } from '../../errors.ts'
import { MAX_FEATURES, readFeatureNames } from '../imported/feature-names.ts'
import type { ForeignCategories, ForeignChoices, ForeignModel } from '../imported/foreign-model.ts'
import { emptyRoom } from '../imported/grow-tree.ts'
import { listAt, type Parts, recordAt, refuse, requireKnown } from '../imported/parts.ts'
import type { TreeEnsembleModel } from '../trees/tree-ensemble.ts'
import { importNestedTree, importObliviousTree, requireKnownType, type TreeReading } from './import-tree.ts'

const PARTS = ['ctr_data', 'features_info', 'model_info', 'oblivious_trees', 'scale_and_bias', 'trees']
const FEATURES = ['cat_features_hash', 'categorical_features', 'ctrs', 'float_features']
/** Losses whose probability is the logistic function of the margin. */
const LOSSES = ['Logloss', 'CrossEntropy', 'Focal']

/**
 * A model that CatBoost saved as JSON (`model.save_model('model.json', format='json', pool=pool)`, here
 * parsed), before what only its owner knows is settled: trees of any grow_policy, one output, of Logloss,
 * CrossEntropy and Focal, numeric features and categories one by one (one_hot_max_size).
 *
 * @throws LEARNING_IMPORT_REFUSED with the place in the file and the reason
 */
export const readCatboostModel = (file: Parts): ForeignModel => {
  requireKnown(file, PARTS, 'the model')
  const info = recordAt(file['model_info'], 'model_info')
  const objective = readLoss(info)
  const features = readFeatures(recordAt(file['features_info'], 'features_info'))
  const { scale, bias } = readScaleAndBias(file['scale_and_bias'])
  const isOblivious = file['oblivious_trees'] !== undefined
  const where = isOblivious ? 'oblivious_trees' : 'trees'
  const trees = listAt(file[where], where)
  const importOne = isOblivious ? importObliviousTree : importNestedTree
  const asked = hashesAsked(trees, features)
  const categories = new Map<number, ForeignCategories>(
    [...asked].map(([feature, hashes]) => [feature, { values: hashes.map(features.textOf), areTexts: true }]),
  )
  const classes = readClasses(info)
  return {
    library: `CatBoost${versionOf(info)}`,
    objective,
    ...readFeatureNames(features.names, { count: features.count, prefix: '', where: 'features_info' }),
    categories,
    trees: { count: trees.length, scored: trees.length, why: 'all that the file has' },
    whyNoMissingValue: 'CatBoost has no such setting, and its file says where NaN goes',
    ...(classes !== undefined && { classes }),
    notes: [],
    convert: (choices) => {
      const reading: TreeReading = {
        numeric: features.numeric,
        categorical: features.categorical,
        codeOf: (feature, hash) => codeOf(choices, asked, feature, hash),
        weight: scale,
        room: emptyRoom(),
      }
      return {
        kind: 'catboost',
        featureNames: choices.featureNames,
        link: 'logistic',
        base: bias,
        trees: trees.slice(0, choices.trees).map((tree, at) => importOne(tree, `${where}[${at}]`, reading)),
      } satisfies TreeEnsembleModel
    },
  }
}

const codeOf = (
  { categories, featureNames }: ForeignChoices,
  asked: ReadonlyMap<number, readonly number[]>,
  feature: number,
  hash: number,
): number => {
  const known = categories.get(feature)?.[asked.get(feature)!.indexOf(hash | 0)]
  if (known?.code !== undefined) return known.code
  throw new VigiaError('MODEL_CATEGORIES_DIFFER', {
    feature: featureNames[feature]!,
    reason: `its splits ask for ${JSON.stringify(known?.value ?? hash)}, which the run does not tell from what it never saw`,
  })
}

const readLoss = (info: Parts): string => {
  if (info['params'] === undefined)
    refuse('model_info.params', 'is missing, as in sums of models: nothing says what its scores are')
  const parameters = recordAt(info['params'], 'model_info.params')
  const loss = recordAt(parameters['loss_function'], 'model_info.params.loss_function')
  const name = String(loss['type'])
  if (LOSSES.includes(name)) return name
  return refuse(
    'model_info.params.loss_function',
    `is ${name}, ${name.startsWith('Multi') ? 'which has a score for each class, also for two' : 'which gives no probability'}; allowed: ${LOSSES.join(', ')}`,
  )
}

/** ` 1.2.10`, from what the library says of its own making; empty where it says it in other words. */
const versionOf = (info: Parts): string =>
  / v?(\d+\.\d+(?:\.\d+)*)/
    .exec(String(info['catboost_version_info']).replace(/tags\/v/, ' v'))?.[0]
    .replace('v', '') ?? ''

/** The two labels in their order, of which the probability is that of the second. */
const readClasses = (info: Parts): readonly [string, string] | undefined => {
  const told = recordAt(info['class_params'] ?? {}, 'model_info.class_params')
  const names = listAt(told['class_names'] ?? [], 'model_info.class_params.class_names').map(String)
  if (names.length === 0) return undefined
  if (names.length !== 2) refuse('model_info.class_params.class_names', `are ${names.length}; allowed: two`)
  return names as unknown as readonly [string, string]
}

const readScaleAndBias = (value: unknown) => {
  const where = 'scale_and_bias'
  const [scale, bias] = listAt(value, where)
  const biases = listAt(bias, `${where}[1]`)
  if (biases.length !== 1)
    refuse(`${where}[1]`, `has ${biases.length} numbers: the model has several outputs; allowed: one`)
  if (!Number.isFinite(scale) || !Number.isFinite(biases[0])) refuse(where, 'are no finite numbers')
  return { scale: scale as number, bias: biases[0] as number }
}

/** What the features are called, and how splits name them: numeric and categorical ones apart. */
interface Features {
  readonly count: number
  /** Empty: the file has none. */
  readonly names: readonly string[]
  readonly numeric: TreeReading['numeric']
  readonly categorical: TreeReading['categorical']
  /** The category that splits name by this hash. */
  textOf(hash: number): string
}

const readFeatures = (info: Parts): Features => {
  const stranger = Object.keys(info).find((name) => !FEATURES.includes(name))
  if (stranger !== undefined)
    refuse(`features_info.${stranger}`, 'is not known; allowed: numeric features and categories')
  const names = new Map<number, string>()
  const numeric = new Map<number, { readonly feature: number; readonly isMissingRight: boolean }>()
  const categorical = new Map<number, number>()
  const each = (
    list: string,
    add: (feature: number, index: number, part: Parts, where: string) => void,
  ): void =>
    listAt(info[list] ?? [], `features_info.${list}`).forEach((value, at) => {
      const where = `features_info.${list}[${at}]`
      const part = recordAt(value, where)
      const feature = placeAt(part, 'flat_feature_index', where)
      if (names.has(feature)) refuse(`${where}.flat_feature_index`, `is ${feature}, as of another feature`)
      names.set(feature, String(part['feature_name'] || part['feature_id'] || ''))
      add(feature, placeAt(part, 'feature_index', where), part, where)
    })
  each('float_features', (feature, index, part, where) => {
    const treatment = part['nan_value_treatment']
    if (treatment !== 'AsIs' && treatment !== 'AsFalse' && treatment !== 'AsTrue')
      refuse(`${where}.nan_value_treatment`, `is ${String(treatment)}; allowed: AsIs, AsFalse, AsTrue`)
    numeric.set(index, { feature, isMissingRight: treatment === 'AsTrue' })
  })
  each('categorical_features', (feature, index) => {
    categorical.set(index, feature)
  })
  const count = names.size
  const gap = Array.from({ length: count }, (_, place) => place).find((place) => !names.has(place))
  if (count === 0 || gap !== undefined) refuse('features_info', `has no feature ${gap ?? 0}`)
  const own = Array.from({ length: count }, (_, place) => names.get(place)!)
  return {
    count,
    names: own.every((name) => name === '') ? [] : own,
    numeric,
    categorical,
    textOf: readHashes(info),
  }
}

const readHashes = (info: Parts): ((hash: number) => string) => {
  const list = 'features_info.cat_features_hash'
  const texts = new Map<number, string>()
  listAt(info['cat_features_hash'] ?? [], list).forEach((value, at) => {
    const part = recordAt(value, `${list}[${at}]`)
    // Written as whole numbers of 32 bits here with a sign, there without.
    texts.set(Number(part['hash']) | 0, String(part['value']))
  })
  return (hash) =>
    texts.get(hash | 0) ??
    refuse(
      list,
      `does not say which category ${hash} is, which a split asks for: save the model with the rows it was trained on (save_model("model.json", format="json", pool=pool))`,
    )
}

const placeAt = (part: Parts, name: string, where: string): number => {
  const value = part[name]
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < MAX_FEATURES
    ? (value as number)
    : refuse(`${where}.${name}`, `is ${String(value)}; allowed: a whole number from 0 to ${MAX_FEATURES - 1}`)
}

/** By feature, the hashes of the categories that its splits ask for. */
const hashesAsked = (
  trees: readonly unknown[],
  { categorical }: Features,
): ReadonlyMap<number, readonly number[]> => {
  const found = new Map<number, Set<number>>()
  const add = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    const split = value as Parts
    requireKnownType(split['split_type'], 'A split of the trees')
    const feature = categorical.get(Number(split['cat_feature_index']))
    if (split['split_type'] !== 'OneHotFeature' || feature === undefined) return
    found.set(feature, (found.get(feature) ?? new Set()).add(Number(split['value']) | 0))
  }
  const waiting = [...trees]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (typeof next !== 'object' || next === null) continue
    const { splits, split, left, right } = next as Parts
    if (Array.isArray(splits)) splits.forEach(add)
    add(split)
    if (split !== undefined) waiting.push(left, right)
  }
  return new Map([...found].map(([feature, hashes]) => [feature, [...hashes]]))
}
