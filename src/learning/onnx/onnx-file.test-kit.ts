/*
 * Files of ONNX, written by hand (onnx.proto): fields by their numbers, without a library to which a mistake
 * could not be told.
 */

export const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)]

/** A field of protobuf that holds bytes. */
export const field = (number: number, body: Uint8Array | string): Buffer => {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  return Buffer.concat([Buffer.from([...varint((number << 3) | 2), ...varint(bytes.length)]), bytes])
}

/** A field of protobuf that holds a whole number from 0. */
export const integer = (number: number, value: number): Buffer =>
  Buffer.from([...varint(number << 3), ...varint(value)])

/** A model with a graph of these parts: field 1 is a node, 5 a constant, 11 an input, 12 an output. */
export const onnxFile = (...graph: readonly Uint8Array[]): Buffer =>
  Buffer.concat([integer(1, 8), field(7, Buffer.concat(graph))])

/** An input of the graph: a matrix. `type` is 1 for floats, 11 for doubles. */
export const inputOf = (name: string, columns: number, type = 1): Buffer => {
  const dimensions = [field(1, field(2, 'rows')), field(1, integer(1, columns))]
  const tensor = Buffer.concat([integer(1, type), field(2, Buffer.concat(dimensions))])
  return field(11, Buffer.concat([field(1, name), field(2, field(1, tensor))]))
}

/** A node of the graph. Attributes are the fields that hold their values. */
export const nodeOf = (
  operator: string,
  {
    domain = '',
    inputs = [],
    outputs = [],
    attributes = {},
  }: {
    readonly domain?: string
    readonly inputs?: readonly string[]
    readonly outputs?: readonly string[]
    readonly attributes?: Readonly<Record<string, Uint8Array>>
  },
): Buffer =>
  field(
    1,
    Buffer.concat([
      ...inputs.map((name) => field(1, name)),
      ...outputs.map((name) => field(2, name)),
      field(4, operator),
      ...Object.entries(attributes).map(([name, value]) => field(5, Buffer.concat([field(1, name), value]))),
      field(7, domain),
    ]),
  )

/** A node of trees that is fed with `x` and gives `y` and `z`. */
export const treeNode = (operator: string, attributes: Readonly<Record<string, Uint8Array>>): Buffer =>
  nodeOf(operator, { domain: 'ai.onnx.ml', inputs: ['x'], outputs: ['y', 'z'], attributes })

/** Values of attributes. */
export const integers = (...values: readonly number[]): Buffer =>
  field(8, Buffer.from(values.flatMap(varint)))
export const floats = (...values: readonly number[]): Buffer =>
  field(7, Buffer.from(Float32Array.from(values).buffer))
export const texts = (...values: readonly string[]): Buffer =>
  Buffer.concat(values.map((value) => field(9, value)))
export const text = (value: string): Buffer => field(4, value)
