/*
 * Files that are no models and cost a careless reader many times their own memory, because they have
 * numberless little parts. Each has about so many bytes.
 */

/** `piece` so often that it has about `size` bytes, between a beginning and an end. */
const repeated = (size: number, piece: string | readonly number[], head = '', tail = ''): Buffer => {
  const bytes = Buffer.from(piece as string)
  const count = Math.floor(size / bytes.length)
  return Buffer.concat([Buffer.from(head), Buffer.alloc(count * bytes.length, bytes), Buffer.from(tail)])
}

const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)]

/** A field of protobuf that holds bytes. */
const field = (number: number, body: Uint8Array | string): Buffer => {
  const bytes = Buffer.from(body as string)
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(bytes.length)]), bytes])
}

const onnx = (...graph: readonly Uint8Array[]): Buffer =>
  Buffer.concat([Buffer.from([8, 8]), field(7, Buffer.concat(graph))])

const treeNode = (attributes: Readonly<Record<string, Uint8Array>>): Buffer => {
  const parts = Object.entries(attributes).map(([name, value]) =>
    field(5, Buffer.concat([field(1, name), value])),
  )
  const head = [field(4, 'TreeEnsembleClassifier'), field(7, 'ai.onnx.ml')]
  return onnx(field(1, Buffer.concat([...head, ...parts])))
}

const lightgbm = (features: string, rest: string): Buffer =>
  Buffer.from(
    `tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nobjective=binary sigmoid:1\nfeature_names=${features}\n\n${rest}`,
  )

const many = (size: number, pieceOf: (index: number) => string): string => {
  const pieces: string[] = []
  for (let index = 0, length = 0; length < size; index++) {
    pieces.push(pieceOf(index))
    length += pieces[index]!.length
  }
  return pieces.join('')
}

/** Leaves alone, of one tree. */
const leaves = (size: number): Buffer => {
  const count = Math.floor(size / 14)
  const places: number[] = []
  for (let place = 0; place < count; place++) places.push(...varint(place))
  const zeros = field(8, Buffer.alloc(count))
  return treeNode({
    classlabels_int64s: field(8, Buffer.from([0, 1])),
    nodes_modes: repeated(6 * count, [...field(9, 'LEAF')]),
    nodes_treeids: zeros,
    nodes_nodeids: field(8, Buffer.from(places)),
    nodes_featureids: zeros,
    nodes_values: field(7, Buffer.alloc(4 * count)),
    nodes_truenodeids: zeros,
    nodes_falsenodeids: zeros,
  })
}

/** By what they are made of; a function of their size in bytes. */
export const HOSTILE_FILES: Readonly<Record<string, (size: number) => Uint8Array>> = {
  'JSON: empty lists': (size) => repeated(size, '[],', '{"learner":[', '[]]}'),
  'JSON: empty objects': (size) => repeated(size, '{},', '{"learner":[', '{}]}'),
  'JSON: lists and spaces': (size) => repeated(size, '[],              ', '{"learner":[', '[]]}'),
  'JSON: empty texts': (size) => repeated(size, '"",', '{"learner":[', '""]}'),
  'JSON: numbers': (size) => repeated(size, '0.5,', '{"learner":[', '1]}'),
  'JSON: names': (size) =>
    Buffer.from(`{"learner":{${many(size, (index) => `"${index.toString(36)}":1,`)}"end":1}}`),
  'JSON: trees of CatBoost': (size) =>
    repeated(size, '{"leaf_values":[0]},', '{"features_info":{},"oblivious_trees":[', '{}]}'),
  'UBJSON: empty lists': (size) => repeated(size, '[]', '{i\x07learner[', ']}'),
  'UBJSON: empty objects': (size) => repeated(size, '{}', '{i\x07learner[', ']}'),
  'UBJSON: bytes': (size) => {
    const count = Buffer.alloc(4)
    count.writeInt32BE(size)
    return Buffer.concat([Buffer.from('{i\x07learner[$U#l'), count, Buffer.alloc(size, 1), Buffer.from('}')])
  },
  'LightGBM: features': (size) => lightgbm('a '.repeat(size / 2), 'end of trees\n'),
  'LightGBM: leaves': (size) =>
    lightgbm('a', `Tree=0\nnum_leaves=${size / 2}\nleaf_value=${'0 '.repeat(size / 2)}`),
  'LightGBM: trees without an end': (size) =>
    lightgbm(
      'a',
      many(size, (index) => `Tree=${index}\nnum_leaves=1\nleaf_value=0\n\n`),
    ),
  'ONNX: operators': (size) => onnx(repeated(size, [10, 0])),
  'ONNX: constants': (size) => onnx(repeated(size, [42, 0])),
  'ONNX: inputs': (size) => onnx(repeated(size, [90, 0])),
  'ONNX: attributes': (size) => onnx(field(1, repeated(size, [42, 0]))),
  'ONNX: inputs of an operator': (size) => onnx(field(1, repeated(size, [10, 0]))),
  'ONNX: metadata': (size) => Buffer.concat([Buffer.from([8, 8]), repeated(size, [114, 0])]),
  'ONNX: modes': (size) => treeNode({ nodes_modes: repeated(size, [74, 0]) }),
  'ONNX: whole numbers': (size) => treeNode({ nodes_treeids: field(8, Buffer.alloc(size)) }),
  'ONNX: leaves': leaves,
  'ONNX: joins of joins': () => {
    const joins = Array.from({ length: 3 }, (_, level) =>
      field(
        1,
        Buffer.concat([
          ...Array.from({ length: 100 }, () => field(1, `x${level}`)),
          field(2, `x${level + 1}`),
          field(4, 'Concat'),
        ]),
      ),
    )
    const trees = Buffer.concat([field(1, 'x3'), field(4, 'TreeEnsembleRegressor'), field(7, 'ai.onnx.ml')])
    return onnx(field(11, field(1, 'x0')), ...joins, field(1, trees))
  },
}
