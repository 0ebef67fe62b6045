import { PbfWriter } from 'pbf'
import { withOneFloatNaN, withOneNaN } from '../../foundation/one-nan.ts'

/** What a graph computes in: doubles of 64 bits, or floats of 32. */
export type OnnxElement = 'double' | 'float'

/**
 * The part of ONNX that our graphs use (onnx.proto3, onnx 1.16), as data. Lists of integers are 64-bit in the
 * file.
 */
export interface OnnxGraph {
  /** Of the input, the output and what is computed between them. */
  readonly element: OnnxElement
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
  | { readonly floats: readonly number[] }
  | { readonly text: string }
  | { readonly texts: readonly string[] }
  | { readonly tensor: OnnxTensor }
)

export interface OnnxTensor {
  readonly name: string
  readonly dimensions: readonly number[]
  readonly values: Float64Array | Float32Array | BigInt64Array | Uint8Array
}

/** A matrix with any number of rows. */
export interface OnnxValue {
  readonly name: string
  readonly columns: number
}

/**
 * Versions of the file, of the standard operators and of those for trees. TreeEnsemble, which takes and gives
 * doubles, came with ai.onnx.ml 5; which runtimes open it: the decision on doubles. Floats have the oldest
 * versions that know all that their graphs use, because they are for the runtimes that know little.
 */
const VERSIONS = {
  double: { file: 10, operators: 21, trees: 5 },
  float: { file: 7, operators: 13, trees: 1 },
} as const

const FLOAT = 1
const DOUBLE = 11
const INT64 = 7
const UINT8 = 2

const ELEMENTS = { double: DOUBLE, float: FLOAT } as const

const ATTRIBUTE_TYPES = { integer: 2, text: 3, tensor: 4, floats: 6, integers: 7, texts: 8 } as const

/** The graph as an ONNX file. Equal graphs give equal bytes. */
export const writeOnnxFile = (graph: OnnxGraph): Uint8Array => {
  const file = new PbfWriter()
  const versions = VERSIONS[graph.element]
  file.writeVarintField(1, versions.file)
  file.writeStringField(2, 'vigia')
  file.writeMessage(7, writeGraph, graph)
  for (const [domain, version] of [
    ['', versions.operators],
    ['ai.onnx.ml', versions.trees],
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

const writeGraph = ({ element, nodes, constants, input, output }: OnnxGraph, out: PbfWriter): void => {
  for (const node of nodes) out.writeMessage(1, writeNode, node)
  out.writeStringField(2, 'probability_of_fraud')
  for (const constant of constants) out.writeMessage(5, writeTensor, constant)
  out.writeMessage(11, writeValue, { ...input, element })
  out.writeMessage(12, writeValue, { ...output, element })
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
  } else if ('text' in attribute) {
    out.writeStringField(4, attribute.text)
    out.writeVarintField(20, ATTRIBUTE_TYPES.text)
  } else if ('tensor' in attribute) {
    out.writeMessage(5, writeTensor, attribute.tensor)
    out.writeVarintField(20, ATTRIBUTE_TYPES.tensor)
  } else if ('floats' in attribute) {
    out.writePackedFloat(7, [...attribute.floats])
    out.writeVarintField(20, ATTRIBUTE_TYPES.floats)
  } else if ('texts' in attribute) {
    for (const text of attribute.texts) out.writeStringField(9, text)
    out.writeVarintField(20, ATTRIBUTE_TYPES.texts)
  } else {
    out.writePackedVarint(8, [...attribute.integers])
    out.writeVarintField(20, ATTRIBUTE_TYPES.integers)
  }
}

const writeTensor = ({ name, dimensions, values }: OnnxTensor, out: PbfWriter): void => {
  out.writePackedVarint(1, [...dimensions])
  out.writeVarintField(2, elementOf(values))
  out.writeStringField(8, name)
  // Typed arrays of every machine that Node runs on are little-endian, as the file wants it.
  if (values instanceof Float64Array) withOneNaN(values)
  if (values instanceof Float32Array) withOneFloatNaN(values)
  out.writeBytesField(9, new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
}

const elementOf = (values: OnnxTensor['values']): number =>
  values instanceof Float64Array
    ? DOUBLE
    : values instanceof Float32Array
      ? FLOAT
      : values instanceof BigInt64Array
        ? INT64
        : UINT8

type TypedValue = OnnxValue & { readonly element: OnnxElement }

const writeValue = (value: TypedValue, out: PbfWriter): void => {
  out.writeStringField(1, value.name)
  out.writeMessage(2, writeMatrixType, value)
}

const writeMatrixType = (value: TypedValue, out: PbfWriter): void => {
  out.writeMessage(1, writeTensorType, value)
}

const writeTensorType = ({ element, columns }: TypedValue, out: PbfWriter): void => {
  out.writeVarintField(1, ELEMENTS[element])
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
