import type { Calibration } from '../../learning/calibration/calibration.ts'
import type { LogisticRegressionModel } from '../../learning/logistic-regression.ts'
import type { Model } from '../../learning/model.ts'
import { ZERO_REACH } from '../../learning/trees/missing-value.ts'
import type { TreeEnsembleModel } from '../../learning/trees/tree-ensemble.ts'
import { GraphBuilder } from './graph-builder.ts'
import { writeOnnxFile } from './onnx-file.ts'
import { treeEnsembleAttributes } from './tree-ensemble-node.ts'

/**
 * Name of the one input: a matrix of doubles, one row a transaction, the features in the model's order, NaN
 * where missing.
 */
export const ONNX_INPUT = 'features'
/** Name of the one output: the calibrated probability of fraud, rows x 1. */
export const ONNX_OUTPUT = 'probability'

/**
 * The model and its calibration as an ONNX file: the same probabilities in any runtime (onnxruntime from 1.26
 * on), to rounding.
 *
 * In doubles throughout, so that a value meets a threshold as it does here:
 * docs/decisions/2026-11-23-onnx-in-doubles.md. The names of the features, in their order, are in the file's
 * metadata as `feature_names`. Equal models give equal bytes.
 */
export const encodeOnnx = (model: Model, calibration: Calibration): Uint8Array => {
  const graph = new GraphBuilder()
  const raw =
    model.kind === 'logistic_regression' ? linearProbability(graph, model) : treeProbability(graph, model)
  graph.finish(calibrated(graph, calibration, raw), ONNX_OUTPUT)
  return writeOnnxFile({
    nodes: graph.nodes,
    constants: graph.constants,
    input: { name: ONNX_INPUT, columns: model.featureNames.length },
    output: { name: ONNX_OUTPUT, columns: 1 },
    metadata: { feature_names: JSON.stringify(model.featureNames), model: model.kind },
  })
}

const linearProbability = (
  graph: GraphBuilder,
  { means, scales, coefficients, intercept }: LogisticRegressionModel,
): string => {
  const isMissing = graph.add('IsNaN', [ONNX_INPUT])
  // A missing value stands at its mean.
  const present = graph.add('Where', [isMissing, graph.row(means), ONNX_INPUT])
  const centred = graph.add('Sub', [present, graph.row(means)])
  const standardised = graph.add('Div', [centred, graph.row(scales)])
  const weighted = graph.add('MatMul', [standardised, graph.column(coefficients)])
  return graph.add('Sigmoid', [graph.add('Add', [weighted, graph.row([intercept])])])
}

const treeProbability = (graph: GraphBuilder, model: TreeEnsembleModel): string => {
  const { trees, base, link } = model
  const sum =
    trees.length === 0
      ? graph.add('Mul', [firstColumn(graph), graph.row([0])])
      : graph.add('TreeEnsemble', [seenMissing(graph, model)], treeEnsembleAttributes(trees), 'ai.onnx.ml')
  const margin = graph.add('Add', [sum, graph.row([base])])
  return link === 'logistic' ? graph.add('Sigmoid', [margin]) : within(graph, margin, 0, 1)
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
    const asFloats = cast(cast(ONNX_INPUT, FLOAT), DOUBLE)
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
  return graph.add('Where', [graph.add('IsNaN', [column]), graph.row([0]), column])
}

const within = (graph: GraphBuilder, value: string, least: number, greatest: number): string =>
  graph.add('Min', [graph.add('Max', [value, graph.row([least])]), graph.row([greatest])])

const calibrated = (graph: GraphBuilder, calibration: Calibration, raw: string): string => {
  if (calibration.method === 'platt') {
    const inside = within(graph, raw, Number.EPSILON, 1 - Number.EPSILON)
    const odds = graph.add('Div', [inside, graph.add('Sub', [graph.row([1]), inside])])
    const scaled = graph.add('Mul', [graph.add('Log', [odds]), graph.row([calibration.slope])])
    return graph.add('Sigmoid', [graph.add('Add', [scaled, graph.row([calibration.intercept])])])
  }
  if (calibration.method === 'isotonic' && calibration.x.length > 0)
    return onLine(graph, calibration.x, calibration.y, raw)
  return raw
}

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
