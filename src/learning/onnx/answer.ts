import { refuse } from '../imported/parts.ts'
import type { OnnxModel, OnnxNode, OnnxNumbers } from './onnx-graph.ts'
import { type LeafWeights, type OnnxTrees, readNumberedTrees, readTrees } from './onnx-trees.ts'

/** What the trees of a graph say, and what is made of it. */
export interface Answer {
  readonly node: OnnxNode
  readonly trees: OnnxTrees
  /** What a leaf adds to the margin, from what it adds to each output. */
  readonly weightOf: (weights: LeafWeights) => number
  readonly base: number
  /** How the sum becomes a probability. */
  readonly link: 'identity' | 'logistic'
  /** In words: the operator and what is done after it. */
  readonly words: string
  readonly classes?: readonly [string, string]
  readonly notes: readonly string[]
}

const TREES = ['TreeEnsembleClassifier', 'TreeEnsembleRegressor', 'TreeEnsemble']

/** @throws LEARNING_IMPORT_REFUSED where the graph has other trees, or gives no probability */
export const readAnswer = (model: OnnxModel): Answer => {
  const found = model.nodes.filter(
    ({ operator, domain }) => domain === 'ai.onnx.ml' && TREES.includes(operator),
  )
  const [node] = found
  if (node === undefined || found.length > 1) {
    const others = [...new Set(model.nodes.map(({ operator }) => operator))].slice(0, 8).join(', ')
    return refuse(
      'graph',
      `has ${found.length} operators of trees (its operators: ${others}); allowed: one of ${TREES.join(', ')}`,
    )
  }
  return node.operator === 'TreeEnsembleClassifier' ? ofClassifier(model, node) : ofRegressor(model, node)
}

/**
 * The probability of the second of two labels. Weights of the first label alone are those of the second in
 * onnxruntime, as skl2onnx and others write trees of two labels.
 */
const ofClassifier = (model: OnnxModel, node: OnnxNode): Answer => {
  const where = node.operator
  const classes = labelsOf(node)
  const trees = readNumberedTrees(node, 'class')
  const outputs = new Set<number>()
  let isNegative = false
  for (const one of trees.nodes)
    if ('weights' in one)
      one.weights.forEach((weight, output) => {
        if (weight === undefined) return
        outputs.add(output)
        isNegative ||= weight < 0
      })
  const isBoth = outputs.size === 2
  const bases = baseOf(node)
  const base = bases[0] ?? 0
  // What onnxruntime does with others differs with their number and the ids of weights.
  if (bases.length > 1 || (base !== 0 && (isBoth || outputs.has(1))))
    refuse(
      `${where}.base_values`,
      'are there beside weights of the second label; allowed: one, with weights of one label under the id 0',
    )
  const post = node.attributes.get('post_transform')?.text ?? 'NONE'
  const common = { node, trees, base, classes, notes: [], words: `${where}, ${post}` }
  passOn(model, node.outputs[1], { isProbability: true })
  const second = isBoth || outputs.has(1) ? 1 : 0
  const weightOf = (weights: LeafWeights): number => weights[second] ?? 0
  if (post === 'LOGISTIC') return { ...common, link: 'logistic', weightOf }
  if (post === 'SOFTMAX' && isBoth)
    return {
      ...common,
      link: 'logistic',
      weightOf: ([first = 0, second = 0]) => second - first,
    }
  if (post !== 'NONE')
    refuse(
      `${where}.post_transform`,
      `is ${post}; allowed: NONE, LOGISTIC, and SOFTMAX where both labels have weights`,
    )
  if (isNegative || base < 0)
    refuse(
      `${where}.class_weights`,
      'are below 0 at times, and post_transform is NONE: scores are margins and no probabilities',
    )
  return { ...common, link: 'identity', weightOf }
}

const labelsOf = (node: OnnxNode): readonly [string, string] => {
  const { numbers, texts } =
    node.attributes.get('classlabels_int64s') ?? node.attributes.get('classlabels_strings') ?? {}
  const labels = texts ?? Array.from(numbers ?? [], String)
  return labels.length === 2
    ? (labels as unknown as readonly [string, string])
    : refuse(`${node.operator}.classlabels`, `are ${labels.length}; allowed: two`)
}

const baseOf = (node: OnnxNode): OnnxNumbers =>
  (node.attributes.get('base_values_as_tensor') ?? node.attributes.get('base_values'))?.numbers ?? []

const ofRegressor = (model: OnnxModel, node: OnnxNode): Answer => {
  const where = node.operator
  const isNewer = where === 'TreeEnsemble'
  const targets = node.attributes.get('n_targets')?.integer ?? 1
  if (targets !== 1)
    refuse(`${where}.n_targets`, `is ${targets}: the model has several outputs; allowed: one`)
  const trees = isNewer ? readTrees(node) : readNumberedTrees(node, 'target')
  const aggregate = isNewer
    ? ['AVERAGE', 'SUM', 'MIN', 'MAX'][node.attributes.get('aggregate_function')?.integer ?? 1]
    : (node.attributes.get('aggregate_function')?.text ?? 'SUM')
  if (aggregate !== 'SUM' && aggregate !== 'AVERAGE')
    refuse(`${where}.aggregate_function`, `is ${aggregate}; allowed: SUM, AVERAGE`)
  const post = isNewer
    ? node.attributes.get('post_transform')?.integer
    : node.attributes.get('post_transform')?.text
  // Others are not done to one target by onnxruntime (1.32), which says nothing of it.
  if (post !== undefined && post !== 0 && post !== 'NONE')
    refuse(
      `${where}.post_transform`,
      `is ${post}, which runtimes do not agree on where there is one score; allowed: NONE, and Sigmoid as an operator of its own`,
    )
  const bases = isNewer ? [] : baseOf(node)
  if (bases.length > 1) refuse(`${where}.base_values`, `are ${bases.length}; allowed: one`)
  const after = passOn(model, node.outputs[0], { isProbability: false })
  const divisor = aggregate === 'AVERAGE' ? trees.roots.length : 1
  return {
    node,
    trees,
    base: after.scale * (bases[0] ?? 0) + after.base,
    link: after.isLogistic ? 'logistic' : 'identity',
    weightOf: ([weight = 0]) => (after.scale * weight) / divisor,
    words: `${where}${after.isLogistic ? ', Sigmoid' : ''}`,
    notes: after.isLogistic
      ? []
      : ['it is a regression: its scores, which are all from 0 to 1, are taken for probabilities'],
  }
}

interface After {
  readonly scale: number
  readonly base: number
  readonly isLogistic: boolean
}

/** Operators that only show a probability in another form. */
const SHOWS = ['Identity', 'Cast', 'ZipMap', 'Reshape', 'Squeeze', 'Flatten']
/** Operators that take one of the columns of two labels; allowed where the graph gives both. */
const TAKES = ['Slice', 'Gather', 'ArrayFeatureExtractor', 'Split']

/**
 * Follows what the trees say to the outputs of the graph: a sum may be scaled, moved, and put through the
 * logistic function; a probability may only be shown.
 */
const passOn = (
  model: OnnxModel,
  from: string | undefined,
  { isProbability }: { readonly isProbability: boolean },
): After => {
  let after: After & { readonly isDone: boolean } = {
    scale: 1,
    base: 0,
    isLogistic: false,
    isDone: isProbability,
  }
  const waiting = [from ?? '']
  const passed = new Set<string>()
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (passed.has(value)) continue
    passed.add(value)
    const users = model.users.get(value) ?? []
    if (!after.isDone && users.length > 1)
      refuse('graph', `uses ${value} ${users.length} times before it is a probability`)
    for (const user of users) {
      after = { ...after, ...applied(model, user, value, after) }
      waiting.push(...user.outputs)
    }
  }
  return after
}

const applied = (
  model: OnnxModel,
  user: OnnxNode,
  value: string,
  after: After & { readonly isDone: boolean },
) => {
  const { operator, inputs } = user
  if (SHOWS.includes(operator)) return {}
  if (TAKES.includes(operator) && model.outputs.length >= 2) return {}
  const other = inputs.find((name) => name !== value)
  const number = inputs.length === 2 && other !== undefined ? constantOf(model, other) : undefined
  if (operator === 'Mul' && number === 1) return {}
  // The bounds of a probability.
  if ((operator === 'Max' && number === 0) || (operator === 'Min' && number === 1))
    return after.isLogistic ? {} : { isDone: true }
  if (!after.isDone) {
    if (operator === 'Add' && number !== undefined) return { base: after.base + number }
    if (operator === 'Mul' && number !== undefined)
      return { base: after.base * number, scale: after.scale * number }
    if (operator === 'Sigmoid') return { isLogistic: true, isDone: true }
  }
  return refuse(
    operator,
    `comes after the trees${number === undefined ? '' : ` (with ${number})`}; allowed: what only shows their scores in another form (${SHOWS.join(', ')}), and before that Add and Mul with a number, and Sigmoid`,
  )
}

/** The one finite number that a constant holds; undefined where it is none. */
const constantOf = (model: OnnxModel, name: string): number | undefined => {
  const maker = model.makers.get(name)
  const made = maker?.operator === 'Constant' ? maker.attributes.get('value')?.numbers : undefined
  const values = model.constants.get(name) ?? made
  return values?.length === 1 && Number.isFinite(values[0]) ? values[0] : undefined
}
