import { PbfWriter } from 'pbf'
import { withOneNaN } from '../../foundation/one-nan.ts'

/**
 * The part of ONNX that our graphs use (onnx.proto3, onnx 1.16), as data. Numbers are doubles unless said
 * otherwise; lists of integers are 64-bit in the file.
 */
export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[]
  readonly constants: readonly OnnxTensor[]
  readonly input: OnnxValue
  readonly output: OnnxValue
  readonly metadata: Readonly<Record<string, string>>
}

export interface OnnxNode {
  readonly operator: string
  /** `ai.onnx.ml`; the standard operators when absent. */
  readonly domain?: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes?: readonly OnnxAttribute[]
}

export type OnnxAttribute = { readonly name: string } & (
  | { readonly integer: number }
  | { readonly integers: readonly number[] }
  | { readonly tensor: OnnxTensor }
)

export interface OnnxTensor {
  readonly name: string
  readonly dimensions: readonly number[]
  readonly values: Float64Array | BigInt64Array | Uint8Array
}

/** A matrix of doubles with any number of rows. */
export interface OnnxValue {
  readonly name: string
  readonly columns: number
}

/**
 * TreeEnsemble, which takes and gives doubles, came with this version; which runtimes open it: the decision
 * on doubles.
 */
const TREE_OPERATORS_VERSION = 5
const OPERATORS_VERSION = 21
const FILE_VERSION = 10

const DOUBLE = 11
const INT64 = 7
const UINT8 = 2

const ATTRIBUTE_TYPES = { integer: 2, tensor: 4, integers: 7 } as const

/** The graph as an ONNX file. Equal graphs give equal bytes. */
export const writeOnnxFile = (graph: OnnxGraph): Uint8Array => {
  const file = new PbfWriter()
  file.writeVarintField(1, FILE_VERSION)
  file.writeStringField(2, 'vigia')
  file.writeMessage(7, writeGraph, graph)
  for (const [domain, version] of [
    ['', OPERATORS_VERSION],
    ['ai.onnx.ml', TREE_OPERATORS_VERSION],
  ] as const)
    file.writeMessage(8, writeOperatorSet, { domain, version })
  for (const [key, value] of Object.entries(graph.metadata)) file.writeMessage(14, writeEntry, { key, value })
  return file.finish()
}

const writeOperatorSet = (
  set: { readonly domain: string; readonly version: number },
  out: PbfWriter,
): void => {
  out.writeStringField(1, set.domain)
  out.writeVarintField(2, set.version)
}

const writeEntry = (entry: { readonly key: string; readonly value: string }, out: PbfWriter): void => {
  out.writeStringField(1, entry.key)
  out.writeStringField(2, entry.value)
}

const writeGraph = ({ nodes, constants, input, output }: OnnxGraph, out: PbfWriter): void => {
  for (const node of nodes) out.writeMessage(1, writeNode, node)
  out.writeStringField(2, 'probability_of_fraud')
  for (const constant of constants) out.writeMessage(5, writeTensor, constant)
  out.writeMessage(11, writeValue, input)
  out.writeMessage(12, writeValue, output)
}

const writeNode = (
  { operator, domain, inputs, outputs, attributes = [] }: OnnxNode,
  out: PbfWriter,
): void => {
  for (const name of inputs) out.writeStringField(1, name)
  for (const name of outputs) out.writeStringField(2, name)
  // Unique in a graph, as the first result is.
  out.writeStringField(3, outputs[0]!)
  out.writeStringField(4, operator)
  for (const attribute of attributes) out.writeMessage(5, writeAttribute, attribute)
  if (domain !== undefined) out.writeStringField(7, domain)
}

const writeAttribute = (attribute: OnnxAttribute, out: PbfWriter): void => {
  out.writeStringField(1, attribute.name)
  if ('integer' in attribute) {
    out.writeVarintField(3, attribute.integer)
    out.writeVarintField(20, ATTRIBUTE_TYPES.integer)
  } else if ('tensor' in attribute) {
    out.writeMessage(5, writeTensor, attribute.tensor)
    out.writeVarintField(20, ATTRIBUTE_TYPES.tensor)
  } else {
    out.writePackedVarint(8, [...attribute.integers])
    out.writeVarintField(20, ATTRIBUTE_TYPES.integers)
  }
}

const writeTensor = ({ name, dimensions, values }: OnnxTensor, out: PbfWriter): void => {
  out.writePackedVarint(1, [...dimensions])
  out.writeVarintField(
    2,
    values instanceof Float64Array ? DOUBLE : values instanceof BigInt64Array ? INT64 : UINT8,
  )
  out.writeStringField(8, name)
  // Typed arrays of every machine that Node runs on are little-endian, as the file wants it.
  if (values instanceof Float64Array) withOneNaN(values)
  out.writeBytesField(9, new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
}

const writeValue = ({ name, columns }: OnnxValue, out: PbfWriter): void => {
  out.writeStringField(1, name)
  out.writeMessage(2, writeMatrixType, columns)
}

const writeMatrixType = (columns: number, out: PbfWriter): void => {
  out.writeMessage(1, writeTensorType, columns)
}

const writeTensorType = (columns: number, out: PbfWriter): void => {
  out.writeVarintField(1, DOUBLE)
  out.writeMessage(2, writeShape, columns)
}

const writeShape = (columns: number, out: PbfWriter): void => {
  out.writeMessage(1, writeRowsDimension, 'rows')
  out.writeMessage(1, writeColumnsDimension, columns)
}

const writeRowsDimension = (name: string, out: PbfWriter): void => {
  out.writeStringField(2, name)
}

const writeColumnsDimension = (columns: number, out: PbfWriter): void => {
  out.writeVarintField(1, columns)
}
