import {
  field,
  nodeOf,
  onnxFile as onnx,
  treeNode,
  varint,
} from '../../../src/learning/onnx/onnx-file.test-kit.ts'

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
  return onnx(
    treeNode('TreeEnsembleClassifier', {
      classlabels_int64s: field(8, Buffer.from([0, 1])),
      nodes_modes: repeated(6 * count, [...field(9, 'LEAF')]),
      nodes_treeids: zeros,
      nodes_nodeids: field(8, Buffer.from(places)),
      nodes_featureids: zeros,
      nodes_values: field(7, Buffer.alloc(4 * count)),
      nodes_truenodeids: zeros,
      nodes_falsenodeids: zeros,
    }),
  )
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
  'ONNX: modes': (size) => onnx(treeNode('TreeEnsembleClassifier', { nodes_modes: repeated(size, [74, 0]) })),
  'ONNX: whole numbers': (size) =>
    onnx(treeNode('TreeEnsembleClassifier', { nodes_treeids: field(8, Buffer.alloc(size)) })),
  'ONNX: leaves': leaves,
  'ONNX: joins of joins': () => {
    const joins = [0, 1, 2].map((level) =>
      nodeOf('Concat', { inputs: Array(100).fill(`x${level}`), outputs: [`x${level + 1}`] }),
    )
    const trees = nodeOf('TreeEnsembleRegressor', { domain: 'ai.onnx.ml', inputs: ['x3'] })
    return onnx(field(11, field(1, 'x0')), ...joins, trees)
  },
}
