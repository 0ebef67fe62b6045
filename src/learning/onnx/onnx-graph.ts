import { PbfReader } from 'pbf'
import { VigiaError } from '../../errors.ts'
import { refuse } from '../imported/parts.ts'

/** What an ONNX file holds (onnx.proto), as far as models of trees need it. */
export interface OnnxModel {
  /** `skl2onnx 1.20.0`: what wrote it. */
  readonly producer: string
  readonly metadata: ReadonlyMap<string, string>
  /** By name. */
  readonly inputs: ReadonlyMap<string, OnnxInput>
  /** Names of the graph's outputs. */
  readonly outputs: readonly string[]
  readonly nodes: readonly OnnxNode[]
  /** The node that makes a value, by the value's name. */
  readonly makers: ReadonlyMap<string, OnnxNode>
  /** The nodes that take a value, by the value's name. */
  readonly users: ReadonlyMap<string, readonly OnnxNode[]>
  readonly constants: ReadonlyMap<string, OnnxNumbers>
}

export interface OnnxInput {
  readonly name: string
  /** One of `FLOAT`, `DOUBLE`, ...: numbers of onnx.proto. */
  readonly elementType: number
  /** Undefined where the file leaves it open. */
  readonly columns: number | undefined
}

export interface OnnxNode {
  readonly operator: string
  /** Empty: the standard operators. */
  readonly domain: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: ReadonlyMap<string, OnnxAttribute>
}

export interface OnnxAttribute {
  readonly integer?: number
  readonly float?: number
  readonly text?: string
  readonly numbers?: OnnxNumbers
  readonly texts?: readonly string[]
}

export type OnnxNumbers = readonly number[] | Float32Array | Float64Array | Uint8Array

export const FLOAT = 1
export const DOUBLE = 11
const UINT8 = 2
/** Inputs, nodes, constants and the like at most: graphs of trees have a handful, and an input a feature. */
const MAX_PARTS = 100_000
const INT64 = 7

/** @throws LEARNING_IMPORT_REFUSED when the bytes are no ONNX file, or hold what is not read */
export const readOnnxFile = (file: Uint8Array): OnnxModel => {
  const producer = ['', '']
  const metadata = new Map<string, string>()
  let graph: Uint8Array | undefined
  readMessage(file, 'the model', (field, reader) => {
    if (field === 2) producer[0] = textOf(reader)
    else if (field === 3) producer[1] = textOf(reader)
    else if (field === 7) graph = bytesOf(reader)
    else if (field === 14) {
      const pair = new Map<number, string>()
      readMessage(bytesOf(reader), 'metadata_props', (at, entry) => pair.set(at, textOf(entry)))
      metadata.set(pair.get(1) ?? '', pair.get(2) ?? '')
    } else if (field === 25) refuse('functions', 'are there: operators of its own')
  })
  if (graph === undefined) return refuse('the model', 'has no graph')
  // CatBoost writes a page for its version.
  const [name, version] = producer.map((text) => text.split(/\s*\n/)[0]!.slice(0, 40))
  return { producer: `${name} ${version}`.trim(), metadata, ...readGraph(graph) }
}

const readGraph = (bytes: Uint8Array) => {
  const nodes: OnnxNode[] = []
  const inputs: OnnxInput[] = []
  const outputs: string[] = []
  const constants = new Map<string, OnnxNumbers>()
  let parts = 0
  readMessage(bytes, 'graph', (field, reader) => {
    if (++parts > MAX_PARTS) refuse('graph', `has more than ${MAX_PARTS} parts`)
    if (field === 1) nodes.push(readNode(bytesOf(reader), `graph.node[${nodes.length}]`))
    else if (field === 5) {
      const { name, values } = readTensor(bytesOf(reader), `graph.initializer[${constants.size}]`)
      constants.set(name, values)
    } else if (field === 11) inputs.push(readValue(bytesOf(reader), `graph.input[${inputs.length}]`))
    else if (field === 12) outputs.push(readValue(bytesOf(reader), `graph.output[${outputs.length}]`).name)
    else if (field === 15) refuse('graph.sparse_initializer', 'is not read')
  })
  // Old files list constants among the inputs too.
  const users = new Map<string, OnnxNode[]>()
  for (const node of nodes)
    for (const name of new Set(node.inputs)) {
      const known = users.get(name)
      if (known === undefined) users.set(name, [node])
      else known.push(node)
    }
  const fed = inputs.filter(({ name }) => !constants.has(name))
  return {
    nodes,
    inputs: new Map(fed.map((input) => [input.name, input])),
    outputs,
    makers: new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const))),
    users,
    constants,
  }
}

const readNode = (bytes: Uint8Array, where: string): OnnxNode => {
  const inputs: string[] = []
  const outputs: string[] = []
  const attributes = new Map<string, OnnxAttribute>()
  let operator = ''
  let domain = ''
  let parts = 0
  readMessage(bytes, where, (field, reader) => {
    if (++parts > MAX_PARTS) refuse(where, `has more than ${MAX_PARTS} parts`)
    if (field === 1) inputs.push(textOf(reader))
    else if (field === 2) outputs.push(textOf(reader))
    else if (field === 4) operator = textOf(reader)
    else if (field === 7) domain = textOf(reader)
    else if (field === 5) {
      const { name, ...value } = readAttribute(bytesOf(reader), `${where}.attribute`)
      attributes.set(name, value)
    }
  })
  return { operator, domain: domain === 'ai.onnx' ? '' : domain, inputs, outputs, attributes }
}

const readAttribute = (bytes: Uint8Array, where: string): OnnxAttribute & { readonly name: string } => {
  let name = ''
  let attribute: OnnxAttribute = {}
  const numbers: Pieces = []
  const texts: string[] = []
  readMessage(bytes, where, (field, reader) => {
    if (field === 1) name = textOf(reader)
    else if (field === 2) attribute = { float: reader.readFloat() }
    else if (field === 3) attribute = { integer: reader.readVarint(true) }
    else if (field === 4) attribute = { text: textOf(reader) }
    else if (field === 5) attribute = { numbers: readTensor(bytesOf(reader), `${where}.t`).values }
    else if (field === 7) repeated(reader, numbers, () => reader.readFloat())
    else if (field === 8) repeated(reader, numbers, () => reader.readVarint(true))
    else if (field === 9) texts.push(textOf(reader))
  })
  if (numbers.length > 0) attribute = { numbers: joined(numbers) }
  if (texts.length > 0) attribute = { texts }
  return { name, ...attribute }
}

const readTensor = (
  bytes: Uint8Array,
  where: string,
): { readonly name: string; readonly values: OnnxNumbers } => {
  let name = ''
  let type = 0
  let raw: Uint8Array | undefined
  const numbers: Pieces = []
  readMessage(bytes, where, (field, reader) => {
    if (field === 2) type = reader.readVarint()
    else if (field === 8) name = textOf(reader)
    else if (field === 9) raw = bytesOf(reader)
    else if (field === 4) repeated(reader, numbers, () => reader.readFloat())
    else if (field === 10) repeated(reader, numbers, () => reader.readDouble())
    else if (field === 5 || field === 7) repeated(reader, numbers, () => reader.readVarint(true))
    else if (field === 14) refuse(where, 'is in a file of its own (external data)')
  })
  return { name, values: raw === undefined ? joined(numbers) : rawNumbers(raw, type, where) }
}

/** Numbers as they lie in memory, little-endian. */
const rawNumbers = (raw: Uint8Array, type: number, where: string): OnnxNumbers => {
  const size = { [FLOAT]: 4, [DOUBLE]: 8, [UINT8]: 1, [INT64]: 8 }[type]
  if (size === undefined || raw.length % size !== 0)
    return refuse(where, `has elements of type ${type}; allowed: floats, doubles, int64 and uint8`)
  if (type === UINT8) return raw
  const view = new DataView(raw.buffer, raw.byteOffset, raw.length)
  const read = (at: number): number =>
    type === FLOAT
      ? view.getFloat32(at, true)
      : type === DOUBLE
        ? view.getFloat64(at, true)
        : Number(view.getBigInt64(at, true))
  const values = type === FLOAT ? new Float32Array(raw.length / size) : new Float64Array(raw.length / size)
  for (let index = 0; index < values.length; index++) values[index] = read(index * size)
  return values
}

const readValue = (bytes: Uint8Array, where: string): OnnxInput => {
  let name = ''
  let elementType = 0
  let columns: number | undefined
  readMessage(bytes, where, (field, reader) => {
    if (field === 1) name = textOf(reader)
    if (field !== 2) return
    readMessage(bytesOf(reader), `${where}.type`, (kind, type) => {
      // tensor_type; sequences are what ZipMap gives.
      if (kind !== 1) return
      readMessage(bytesOf(type), `${where}.type.tensor_type`, (part, tensor) => {
        if (part === 1) elementType = tensor.readVarint()
        if (part === 2) columns = lastDimension(bytesOf(tensor), `${where}.type.tensor_type.shape`)
      })
    })
  })
  return { name, elementType, columns }
}

const lastDimension = (bytes: Uint8Array, where: string): number | undefined => {
  let last: number | undefined
  readMessage(bytes, where, (field, shape) => {
    if (field !== 1) return
    last = undefined
    readMessage(bytesOf(shape), where, (kind, dimension) => {
      if (kind === 1) last = dimension.readVarint(true)
    })
  })
  return last
}

/** Numbers of a repeated field in their order: lists of those that stand alone, and packed ones. */
type Pieces = (number[] | Float64Array)[]

/** One number, or several packed. */
const repeated = (reader: PbfReader, into: Pieces, readOne: () => number): void => {
  if (reader.type !== BYTES) {
    const last = into.at(-1)
    if (Array.isArray(last)) last.push(readOne())
    else into.push([readOne()])
    return
  }
  const length = reader.readVarint()
  const start = reader.pos
  const end = start + length
  requireWithin(reader, end)
  // As many as they are, so that memory is eight bytes each.
  let count = 0
  for (; reader.pos < end; count++) readOne()
  reader.pos = start
  const packed = new Float64Array(count)
  for (let at = 0; at < count; at++) packed[at] = readOne()
  into.push(packed)
}

const joined = (pieces: Pieces): OnnxNumbers => {
  const [first = []] = pieces
  if (pieces.length <= 1) return first
  const all = new Float64Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}

/** How protobuf calls a value with its length before it. */
const BYTES = 2

const bytesOf = (reader: PbfReader): Uint8Array => {
  if (reader.type !== BYTES)
    throw new RangeError(`a number stands where bytes are due, at byte ${reader.pos}`)
  const bytes = reader.readBytes()
  requireWithin(reader, reader.pos)
  return bytes
}

const textOf = (reader: PbfReader): string => new TextDecoder().decode(bytesOf(reader))

const requireWithin = (reader: PbfReader, end: number): void => {
  if (end > reader.length) throw new RangeError('it ends too early')
}

const readMessage = (
  bytes: Uint8Array,
  where: string,
  take: (field: number, reader: PbfReader) => void,
): void => {
  const reader = new PbfReader(bytes)
  try {
    reader.readFields((field) => take(field, reader), undefined)
    requireWithin(reader, reader.pos)
  } catch (error) {
    if (error instanceof VigiaError) throw error
    refuse(where, `is no valid ONNX: ${(error as Error).message}`)
  }
}
