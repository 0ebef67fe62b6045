import { Type } from 'typebox'
import type { LogisticRegressionModel } from '../learning/logistic-regression.ts'
import type { Model } from '../learning/model.ts'
import {
  IMPORTED_KINDS,
  TREE_ENSEMBLE_KINDS,
  type Tree,
  type TreeEnsembleModel,
} from '../learning/trees/tree-ensemble.ts'

/**
 * Most nodes of all trees of a model together. Their JSON then stays below what one text of the runtime can
 * hold, 512 MB.
 */
export const MAX_MODEL_NODES = 4_000_000
/** Most bytes of `model.json`. */
export const MAX_MODEL_BYTES = 450_000_000
/** Most inner nodes from a root to a leaf: what walks trees by recursion must come back. */
export const MAX_TREE_DEPTH = 1000
/** Largest code of a category. */
export const MAX_CATEGORY_CODE = 65_535
/** Most words of 32 bits that the categories of all nodes may take when they are laid out for scoring. */
const MAX_CATEGORY_WORDS = 16_000_000

const closed = { additionalProperties: false }
const strings = Type.Array(Type.String())
// The elements are checked below: a validator made from a schema takes several times as long, and says less.
const list = Type.Array(Type.Unknown())

const TreeSchema = Type.Object(
  {
    feature: list,
    threshold: list,
    left: list,
    missingLeft: list,
    value: list,
    cover: list,
    gain: list,
    categories: Type.Optional(Type.Record(Type.String(), list)),
  },
  closed,
)

const kindIn = (...kinds: readonly string[]) => Type.Union(kinds.map((kind) => Type.Literal(kind)))

/** Shape of `model.json` by kind; `whyModelUnsound` checks what it holds. */
export const MODEL_SCHEMAS = {
  linear: Type.Object(
    {
      kind: kindIn('logistic_regression'),
      featureNames: strings,
      means: list,
      scales: list,
      coefficients: list,
      intercept: Type.Number(),
      iterations: Type.Integer({ minimum: 0 }),
      converged: Type.Boolean(),
    },
    closed,
  ),
  trees: Type.Object(
    {
      kind: kindIn(...TREE_ENSEMBLE_KINDS, ...IMPORTED_KINDS),
      featureNames: strings,
      link: kindIn('identity', 'logistic'),
      base: Type.Number(),
      missingValue: Type.Optional(Type.Number()),
      zeroIsMissing: Type.Optional(list),
      trees: Type.Array(TreeSchema),
    },
    closed,
  ),
} as const

/**
 * Why a model of the right shape must not be used, or undefined when it is sound: then every walk through
 * every tree ends at a leaf, reads no memory but the row's and the tree's, and adds finite numbers. O(nodes).
 */
export const whyModelUnsound = (model: Model): string | undefined =>
  whyNamesUnsound(model.featureNames) ??
  (model.kind === 'logistic_regression' ? whyLinearUnsound(model) : whyTreesUnsound(model))

/** Number of nodes of all trees. */
export const nodesOf = ({ trees }: TreeEnsembleModel): number =>
  trees.reduce((sum, { feature }) => sum + feature.length, 0)

const whyNamesUnsound = (names: readonly string[]): string | undefined =>
  new Set(names).size < names.length ? 'two of its features have one name' : undefined

const whyLinearUnsound = (model: LogisticRegressionModel): string | undefined => {
  const { means, scales, coefficients, featureNames } = model
  const width = featureNames.length
  if ([means, scales, coefficients].some(({ length }) => length !== width))
    return `it has not one weight for each of ${width} features`
  const lists = { means, scales, coefficients }
  for (const [name, values] of Object.entries(lists)) {
    const at = values.findIndex((value) => !Number.isFinite(value))
    if (at >= 0) return `/${name}/${at} is no finite number`
  }
  const flat = scales.findIndex((scale) => scale <= 0)
  return flat >= 0 ? `/scales/${flat} is not above 0` : undefined
}

const whyTreesUnsound = (model: TreeEnsembleModel): string | undefined => {
  const { zeroIsMissing = [], featureNames } = model
  const stranger = zeroIsMissing.findIndex(
    (feature, at) =>
      !(
        Number.isInteger(feature) &&
        feature > (zeroIsMissing[at - 1] ?? -1) &&
        feature < featureNames.length
      ),
  )
  if (stranger >= 0)
    return `/zeroIsMissing/${stranger} is ${zeroIsMissing[stranger]}; allowed: features from 0 to ${featureNames.length - 1}, ascending`
  const nodes = nodesOf(model)
  if (nodes > MAX_MODEL_NODES) return `it has ${nodes} nodes; at most ${MAX_MODEL_NODES}`
  let words = 0
  for (const [index, tree] of model.trees.entries()) {
    const reason = whyTreeUnsound(tree, model.featureNames.length) ?? whyCategoriesUnsound(tree)
    if (reason !== undefined) return `/trees/${index}${reason}`
    for (const codes of Object.values(tree.categories ?? {})) words += (codes.at(-1) ?? 0) / 32 + 2
    if (words > MAX_CATEGORY_WORDS) return 'the categories of its nodes take too much memory'
  }
  return undefined
}

const LISTS = ['threshold', 'left', 'missingLeft', 'value', 'cover', 'gain'] as const

const whyTreeUnsound = (tree: Tree, width: number): string | undefined => {
  const { feature, left, missingLeft, cover } = tree
  const count = feature.length
  if (count === 0) return '/feature is empty: a tree has at least one leaf'
  for (const name of LISTS) {
    const values = tree[name]
    if (values.length !== count) return `/${name} has ${values.length} nodes, /feature has ${count}`
    for (let node = 0; node < count; node++)
      if (!Number.isFinite(values[node])) return `/${name}/${node} is no finite number`
  }
  // Depth of each node plus 1; 0 while no node leads to it. A child lies after its parent, so one pass
  // forward knows it.
  const depths = new Uint32Array(count)
  depths[0] = 1
  for (let node = 0; node < count; node++) {
    const f = feature[node]!
    if (!(Number.isInteger(f) && f >= -1 && f < width))
      return `/feature/${node} is ${f}; allowed: -1 at a leaf, or a feature from 0 to ${width - 1}`
    if (missingLeft[node] !== 0 && missingLeft[node] !== 1) return `/missingLeft/${node} is neither 0 nor 1`
    if (!(cover[node]! > 0)) return `/cover/${node} is not above 0`
    const depth = depths[node]!
    if (depth === 0) return `/feature/${node}: no node leads to this one`
    if (depth > MAX_TREE_DEPTH + 1) return ` is deeper than ${MAX_TREE_DEPTH}`
    const child = left[node]!
    if (f === -1) {
      if (child !== 0) return `/left/${node} is ${child}, but a leaf has no child`
      continue
    }
    if (!(Number.isInteger(child) && child > node && child + 1 < count))
      return `/left/${node} is ${child}; allowed: from ${node + 1} to ${count - 2}`
    if (depths[child] !== 0 || depths[child + 1] !== 0)
      return `/left/${node} is ${child}, a child of another node already`
    depths[child] = depth + 1
    depths[child + 1] = depth + 1
  }
  return undefined
}

const whyCategoriesUnsound = ({ categories, feature }: Tree): string | undefined => {
  for (const [node, codes] of Object.entries(categories ?? {})) {
    const where = `/categories/${node}`
    if (!/^(?:0|[1-9]\d*)$/.test(node) || !(feature[Number(node)]! >= 0))
      return `${where}: no inner node has this index`
    let before = -2
    for (const code of codes) {
      if (!(Number.isInteger(code) && code > before && code <= MAX_CATEGORY_CODE))
        return `${where}: codes are whole numbers from -1 to ${MAX_CATEGORY_CODE}, ascending`
      before = code
    }
  }
  return undefined
}
