import { MAX_FEATURES, readFeatureNames } from '../imported/feature-names.ts'
import { doubleAfter, doubleBoundOf, floatAfter } from '../imported/float-threshold.ts'
import type { ForeignCategories, ForeignModel } from '../imported/foreign-model.ts'
import { emptyRoom, type ForeignNode, growTree, type Room, takeCodes } from '../imported/grow-tree.ts'
import { refuse } from '../imported/parts.ts'
import type { TreeEnsembleModel } from '../trees/tree-ensemble.ts'
import { readAnswer } from './answer.ts'
import { readOnnxFile } from './onnx-graph.ts'
import type { LeafWeights, OnnxSplit, OnnxTrees } from './onnx-trees.ts'
import { readQuestion } from './question.ts'

/** Largest whole number that a split may compare with for equality: larger codes no feature has. */
const MAX_CODE = 65_535

/**
 * A model of trees as an ONNX file has it: one operator TreeEnsembleClassifier, TreeEnsembleRegressor
 * (ai.onnx.ml 1 to 3) or TreeEnsemble (5), fed with the features as they are, and two labels or one score.
 *
 * Rows take the paths that they take in onnxruntime: features are compared as floats where the graph takes
 * floats, as doubles where it takes doubles. What a converter lost of the model that it wrote is lost.
 *
 * @throws LEARNING_IMPORT_REFUSED with the place in the file and the reason
 */
export const readOnnxModel = (file: Uint8Array): ForeignModel => {
  const model = readOnnxFile(file)
  const { trees, ...answer } = readAnswer(model)
  const question = readQuestion(model, answer.node)
  const highest = trees.nodes.reduce(
    (most, node) => ('feature' in node ? Math.max(most, node.feature) : most),
    0,
  )
  const count = question.columns ?? highest + 1
  if (!(count >= 1 && count <= MAX_FEATURES))
    refuse('graph.input', `has ${count} columns; allowed: 1 to ${MAX_FEATURES}`)
  requireSound(trees, count)
  const names = readFeatureNames(question.names, { count, prefix: '', where: 'The names of the features' })
  const categories = new Map<number, ForeignCategories>()
  for (const node of trees.nodes)
    if ('feature' in node && setOf(node) !== undefined) categories.set(node.feature, { areOwn: true })
  return {
    library: `ONNX (${model.producer || 'of unknown origin'})`,
    objective: answer.words,
    ...names,
    categories,
    trees: { count: trees.roots.length, scored: trees.roots.length, why: 'all that the file has' },
    whyNoMissingValue: 'ONNX has no such setting, and its nodes say where NaN goes',
    ...(answer.classes !== undefined && { classes: answer.classes }),
    notes: [...answer.notes, ...(isForestOfScikit(model.producer, answer.words) ? [FOREST_NOTE] : [])],
    convert: ({ featureNames, trees: asked }) => {
      if (asked !== trees.roots.length)
        refuse('The trees', `are weighed for all ${trees.roots.length} together: fewer have no meaning here`)
      const room = emptyRoom()
      const reading = { ...answer, isFloat: question.isFloat, room }
      const model: TreeEnsembleModel = {
        kind: 'onnx',
        featureNames,
        link: answer.link,
        base: answer.base,
        trees: trees.roots.map((root, at) =>
          growTree(root, (id) => nodeOf(trees, id, reading), `Tree ${at}`, room),
        ),
      }
      requireProbabilities(model)
      return model
    },
  }
}

/** What is known of skl2onnx 1.20 and random forests of scikit-learn 1.9. */
const FOREST_NOTE =
  'where it was trained on rows with missing values, skl2onnx may send them elsewhere than scikit-learn: compare its scores (--check)'

const isForestOfScikit = (producer: string, words: string): boolean =>
  producer.startsWith('skl2onnx') && words.startsWith('TreeEnsembleClassifier')

/** Scores that are taken as they are must lie from 0 to 1, whatever the row. */
const requireProbabilities = ({ link, base, trees }: TreeEnsembleModel): void => {
  if (link === 'logistic') return
  let [least, most] = [base, base]
  for (const { feature, value } of trees) {
    const leaves = value.filter((_, node) => feature[node] === -1)
    least += leaves.reduce((a, b) => Math.min(a, b))
    most += leaves.reduce((a, b) => Math.max(a, b))
  }
  if (least < -SLACK || most > 1 + SLACK)
    refuse('The trees', `give scores from ${least} to ${most}, which are no probabilities`)
}

/** What floats that should add up to 1 are beside it. */
const SLACK = 1e-5

interface NodeReading {
  readonly weightOf: (weights: LeafWeights) => number
  readonly isFloat: boolean
  readonly room: Room
}

const nodeOf = ({ nodes }: OnnxTrees, id: number, { weightOf, isFloat, room }: NodeReading): ForeignNode => {
  const node = nodes[id]!
  if ('weights' in node) return { value: weightOf(node.weights), cover: 1 }
  const { feature, comparison, isMissingTrue, whenTrue, whenFalse } = node
  // Whether our left, where a value is below a bound or in a set, is their true branch.
  const isTrueLeft = !['GTE', 'GT', 'NEQ'].includes(comparison)
  // NaN differs from any number, and is neither below nor above one.
  const isNaNTrue = isMissingTrue || comparison === 'NEQ'
  const set = setOf(node)
  if (set !== undefined) takeCodes(room, set.length, 'The trees')
  return {
    feature,
    goesLeft: set ?? boundOf(node.value, comparison === 'LEQ' || comparison === 'GT', isFloat),
    isMissingLeft: isNaNTrue === isTrueLeft,
    left: isTrueLeft ? whenTrue : whenFalse,
    right: isTrueLeft ? whenFalse : whenTrue,
    gain: 0,
  }
}

/** What the values are of which one equal to it is told apart; undefined for what asks for more or less. */
const setOf = ({ comparison, value, members }: OnnxSplit): readonly number[] | undefined => {
  if (comparison === 'MEMBER') return [...new Set(members)].sort((a, b) => a - b)
  return comparison === 'EQ' || comparison === 'NEQ' ? [value] : undefined
}

/** The bound of doubles below which a value is below `value`, or at most it (`isWithin`). */
const boundOf = (value: number, isWithin: boolean, isFloat: boolean): number => {
  if (value === Number.POSITIVE_INFINITY) return Number.MAX_VALUE
  if (value === Number.NEGATIVE_INFINITY) return -Number.MAX_VALUE
  if (!isFloat) return isWithin ? doubleAfter(value) : value
  return doubleBoundOf(isWithin ? floatAfter(Math.fround(value)) : Math.fround(value))
}

const requireSound = ({ nodes }: OnnxTrees, features: number): void => {
  for (const node of nodes) {
    if (!('feature' in node)) continue
    const { feature, value } = node
    if (!(Number.isInteger(feature) && feature >= 0 && feature < features))
      refuse('nodes_featureids', `has ${feature}; allowed: features from 0 to ${features - 1}`)
    if (Number.isNaN(value)) refuse('The trees', 'compare with NaN')
    const stranger = setOf(node)?.find((code) => !(Number.isInteger(code) && code >= -1 && code <= MAX_CODE))
    if (stranger !== undefined)
      refuse('The trees', `ask whether a value is ${stranger}; allowed: whole numbers from -1 to ${MAX_CODE}`)
  }
}
