import type { Calibration } from '../../learning/calibration/calibration.ts'
import type { LogisticRegressionModel } from '../../learning/logistic-regression.ts'
import type { Model } from '../../learning/model.ts'
import { ZERO_REACH } from '../../learning/trees/missing-value.ts'
import type { TreeEnsembleModel } from '../../learning/trees/tree-ensemble.ts'
import { GraphBuilder } from './graph-builder.ts'
import { calibrationInFloats, inFloats } from './in-floats.ts'
import { writeOnnxFile } from './onnx-file.ts'
import { CODE_SHIFT, treeEnsembleAttributes } from './tree-ensemble-node.ts'
import { treeRegressorAttributes } from './tree-regressor-node.ts'

/**
 * Name of the one input: a matrix, one row a transaction, the features in the model's order, NaN where
 * missing.
 */
export const ONNX_INPUT = 'features'
/** Name of the one output: the calibrated probability of fraud, rows x 1. */
export const ONNX_OUTPUT = 'probability'

/**
 * The model and its calibration as an ONNX file: the same probabilities in any runtime that computes in
 * doubles (onnxruntime from 1.23 on), to rounding.
 *
 * In doubles throughout, so that a value meets a threshold as it does here:
 * docs/decisions/2026-11-23-onnx-in-doubles.md. The names of the features, in their order, are in the file's
 * metadata as `feature_names`. Equal models give equal bytes.
 */
export const encodeOnnx = (model: Model, calibration: Calibration): Uint8Array =>
  encode(new GraphBuilder('double'), model, calibration)

/**
 * The same in floats of 32 bits, input and output too, for runtimes that have no doubles, or no trees in them
 * (docs/decisions/2026-11-30-a-second-onnx-file-in-floats.md): rows of floats take the same leaves, sums
 * differ in the seventh digit. How much rounding the input changes: `compareFloats`.
 *
 * Undefined where a number of the model is beyond the floats.
 */
export const encodeFloatOnnx = (model: Model, calibration: Calibration): Uint8Array | undefined => {
  const rounded = inFloats(model)
  if (rounded === undefined) return undefined
  return encode(new GraphBuilder('float'), rounded, calibrationInFloats(calibration))
}

const encode = (graph: GraphBuilder, model: Model, calibration: Calibration): Uint8Array => {
  const raw =
    model.kind === 'logistic_regression' ? linearProbability(graph, model) : treeProbability(graph, model)
  graph.finish(calibrated(graph, calibration, raw), ONNX_OUTPUT)
  return writeOnnxFile({
    element: graph.element,
    nodes: graph.nodes,
    constants: graph.constants,
    input: { name: ONNX_INPUT, columns: model.featureNames.length },
    output: { name: ONNX_OUTPUT, columns: 1 },
    metadata: { feature_names: JSON.stringify(model.featureNames), model: model.kind },
  })
}

/** A probability before calibration; and the margin, where it is the logistic function of one. */
interface Raw {
  readonly probability: string
  readonly margin?: string
}

const linearProbability = (
  graph: GraphBuilder,
  { means, scales, coefficients, intercept }: LogisticRegressionModel,
): Raw => {
  // A missing value stands at its mean. It is what is not at most infinity: tract (0.23) knows no IsNaN of
  // doubles.
  const isPresent = graph.add('LessOrEqual', [ONNX_INPUT, graph.row([Number.POSITIVE_INFINITY])])
  const present = graph.add('Where', [isPresent, ONNX_INPUT, graph.row(means)])
  const centred = graph.add('Sub', [present, graph.row(means)])
  const standardised = graph.add('Div', [centred, graph.row(scales)])
  const weighted = graph.add('MatMul', [standardised, graph.column(coefficients)])
  const margin = graph.add('Add', [weighted, graph.row([intercept])])
  return { margin, probability: logistic(graph, margin) }
}

/** 1 / (1 + e^-x) step by step: tract (0.23) knows no Sigmoid of doubles. */
const logistic = (graph: GraphBuilder, margin: string): string => {
  const power = graph.add('Exp', [graph.add('Neg', [margin])])
  return graph.add('Div', [graph.row([1]), graph.add('Add', [power, graph.row([1])])])
}

const treeProbability = (graph: GraphBuilder, model: TreeEnsembleModel): Raw => {
  const margin = graph.add('Add', [sumOfTrees(graph, model), graph.row([model.base])])
  if (model.link === 'identity') return { probability: within(graph, margin, 0, 1) }
  return { margin, probability: graph.add('Sigmoid', [margin]) }
}

const sumOfTrees = (graph: GraphBuilder, model: TreeEnsembleModel): string => {
  const { trees } = model
  if (trees.length === 0) return graph.add('Mul', [firstColumn(graph), graph.row([0])])
  const seen = seenMissing(graph, model)
  if (graph.element === 'float')
    return graph.add('TreeEnsembleRegressor', [seen], treeRegressorAttributes(trees), 'ai.onnx.ml')
  const moved = movedColumns(model)
  const asked = moved.size === 0 ? seen : withMovedCodes(graph, seen, [...moved.keys()])
  return graph.add('TreeEnsemble', [asked], treeEnsembleAttributes(trees, moved), 'ai.onnx.ml')
}

/** By feature with a set that holds 0, the column behind the features where its codes stand moved. */
const movedColumns = ({ trees, featureNames }: TreeEnsembleModel): ReadonlyMap<number, number> => {
  const features = new Set<number>()
  for (const { feature, categories } of trees)
    for (const [node, codes] of Object.entries(categories ?? {}))
      if (codes.includes(0)) features.add(feature[Number(node)]!)
  const inOrder = [...features].sort((a, b) => a - b)
  return new Map(inOrder.map((feature, at) => [feature, featureNames.length + at]))
}

/** The features, and behind them the codes of some, moved (`treeEnsembleAttributes` says why). */
const withMovedCodes = (graph: GraphBuilder, features: string, chosen: readonly number[]): string => {
  const codes = graph.add('Gather', [features, graph.integers(chosen)], [{ name: 'axis', integer: 1 }])
  const moved = graph.add('Add', [codes, graph.row([CODE_SHIFT])])
  return graph.add('Concat', [features, moved], [{ name: 'axis', integer: 1 }])
}

/** ONNX's numbers of types of elements. */
const FLOAT = 1
const DOUBLE = 11

/** The input with NaN where another number counts as missing, as `createMissingReader` shows it. */
const seenMissing = (graph: GraphBuilder, model: TreeEnsembleModel): string => {
  const { missingValue, zeroIsMissing, featureNames } = model
  const without = (isMissing: string, value: string) =>
    graph.add('Where', [isMissing, graph.row([Number.NaN]), value])
  let seen = ONNX_INPUT
  if (missingValue !== undefined) {
    const cast = (value: string, to: number) => graph.add('Cast', [value], [{ name: 'to', integer: to }])
    const asFloats = graph.element === 'float' ? ONNX_INPUT : cast(cast(ONNX_INPUT, FLOAT), DOUBLE)
    seen = without(graph.add('Equal', [asFloats, graph.row([Math.fround(missingValue)])]), seen)
  }
  if (zeroIsMissing !== undefined) {
    const reaches = featureNames.map((_, feature) => (zeroIsMissing.includes(feature) ? ZERO_REACH : -1))
    const distance = graph.add('Abs', [ONNX_INPUT])
    seen = without(graph.add('LessOrEqual', [distance, graph.row(reaches)]), seen)
  }
  return seen
}

/** A column of numbers, none missing: a model without trees gives every row the same. */
const firstColumn = (graph: GraphBuilder): string => {
  const column = graph.add('Slice', [
    ONNX_INPUT,
    graph.integers([0]),
    graph.integers([1]),
    graph.integers([1]),
  ])
  const isPresent = graph.add('LessOrEqual', [column, graph.row([Number.POSITIVE_INFINITY])])
  return graph.add('Where', [isPresent, column, graph.row([0])])
}

const within = (graph: GraphBuilder, value: string, least: number, greatest: number): string =>
  graph.add('Min', [graph.add('Max', [value, graph.row([least])]), graph.row([greatest])])

const calibrated = (graph: GraphBuilder, calibration: Calibration, raw: Raw): string => {
  if (calibration.method === 'platt') {
    const scaled = graph.add('Mul', [logOdds(graph, raw), graph.row([calibration.slope])])
    return logistic(graph, graph.add('Add', [scaled, graph.row([calibration.intercept])]))
  }
  if (calibration.method === 'isotonic' && calibration.x.length > 0)
    return onLine(graph, calibration.x, calibration.y, raw.probability)
  return raw.probability
}

/** log(p / (1 - p)), p kept 2^-52 away from 0 and 1. In floats that is the margin, where there is one. */
const logOdds = (graph: GraphBuilder, { probability, margin }: Raw): string => {
  const isFloat = graph.element === 'float'
  if (isFloat && margin !== undefined) return within(graph, margin, -MOST_LOG_ODDS, MOST_LOG_ODDS)
  // 1 - 2^-52 is no float.
  const highest = 1 - (isFloat ? FLOAT_EPSILON : Number.EPSILON)
  const inside = within(graph, probability, Number.EPSILON, highest)
  return graph.add('Log', [graph.add('Div', [inside, graph.add('Sub', [graph.row([1]), inside])])])
}

/** The log odds of 1 - 2^-52. */
const MOST_LOG_ODDS = 36.04365338911715
/** Between 1 and the float below it. */
const FLOAT_EPSILON = 2 ** -24

/**
 * The line through the points, constant outside of them: the piece is found by counting the points that are
 * not above the value.
 */
const onLine = (graph: GraphBuilder, x: readonly number[], y: readonly number[], raw: string): string => {
  const last = x.length - 1
  if (last === 0) return graph.add('Add', [graph.add('Mul', [raw, graph.row([0])]), graph.row([y[0]!])])
  const value = within(graph, raw, x[0]!, x[last]!)
  // Infinity, so that a line of two points has one bound too.
  const bounds = graph.row([...x.slice(1, last), Number.POSITIVE_INFINITY])
  const passed = graph.add(
    'Cast',
    [graph.add('GreaterOrEqual', [value, bounds])],
    [{ name: 'to', integer: 7 }],
  )
  const piece = graph.add('ReduceSum', [passed, graph.integers([1])], [{ name: 'keepdims', integer: 1 }])
  const at = (values: readonly number[]): string => graph.add('Gather', [graph.list(values), piece])
  const lower = at(y.slice(0, last))
  const upper = at(y.slice(1))
  const from = at(x.slice(0, last))
  const run = graph.add('Sub', [at(x.slice(1)), from])
  const share = graph.add('Div', [graph.add('Sub', [value, from]), run])
  const risen = graph.add('Mul', [share, graph.add('Sub', [upper, lower])])
  return graph.add('Min', [upper, graph.add('Add', [lower, risen])])
}
