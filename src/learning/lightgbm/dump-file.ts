import { emptyRoom, type Room, takeCodes, takeNodes } from '../imported/grow-tree.ts'
import { listAt, numberAt, type Parts, recordAt, refuse, requireKnown } from '../imported/parts.ts'
import {
  LINEAR_PARTS,
  type LightgbmFile,
  type LightgbmTree,
  MAX_CATEGORY,
  type MissingKind,
  refuseLinear,
} from './lightgbm-file.ts'

const HEAD = [
  ...[
    'name',
    'version',
    'num_class',
    'num_tree_per_iteration',
    'label_index',
    'max_feature_idx',
    'objective',
  ],
  ...['average_output', 'feature_names', 'monotone_constraints', 'feature_infos', 'tree_info'],
  ...['feature_importances', 'pandas_categorical'],
]
const SPLIT = [
  ...['split_index', 'split_feature', 'split_gain', 'threshold', 'decision_type', 'default_left'],
  ...['missing_type', 'internal_value', 'internal_weight', 'internal_count', 'left_child', 'right_child'],
]
const LEAF = ['leaf_index', 'leaf_value', 'leaf_weight', 'leaf_count']

/**
 * What `json.dump(booster.dump_model(), file)` has written: the text's trees with their nodes within each
 * other.
 *
 * @throws LEARNING_IMPORT_REFUSED with the place
 */
export const readDumpFile = (file: Parts): LightgbmFile => {
  requireKnown(file, HEAD, 'the model')
  const room = emptyRoom()
  return {
    version: String(file['version']),
    classes: Number(file['num_class']),
    treesPerIteration: Number(file['num_tree_per_iteration']),
    objective: String(file['objective'] ?? ''),
    isMean: file['average_output'] === true,
    featureNames: listAt(file['feature_names'], 'feature_names').map(String),
    trees: listAt(file['tree_info'], 'tree_info').map((tree, index) =>
      readTree(recordAt(tree, `tree_info[${index}]`), `tree_info[${index}]`, room),
    ),
    columns: 'pandas_categorical' in file ? (file['pandas_categorical'] ?? []) : undefined,
  }
}

/** Nodes get the numbers that the text has: splits from 0, leaves -1, -2 and so on. */
const readTree = (info: Parts, where: string, room: Room): LightgbmTree => {
  const splits = {
    feature: [] as number[],
    threshold: [] as number[],
    members: [] as (readonly number[] | undefined)[],
    isMissingLeft: [] as boolean[],
    missing: [] as MissingKind[],
    left: [] as number[],
    right: [] as number[],
    gain: [] as number[],
  }
  const value: number[] = []
  const weight: number[] = []
  /** Nodes that are still to be read, each with where its number goes. */
  const waiting: { readonly node: Parts; readonly to: number[]; readonly at: number }[] = []
  const root: number[] = []
  waiting.push({ node: recordAt(info['tree_structure'], `${where}.tree_structure`), to: root, at: 0 })
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { node, to, at } = next
    takeNodes(room, 1)
    if (node['split_feature'] === undefined) {
      if (LINEAR_PARTS.some((name) => name in node)) refuseLinear(where)
      requireKnown(node, LEAF, where)
      to[at] = -1 - value.length
      value.push(numberAt(node, 'leaf_value', where))
      weight.push(Number(node['leaf_weight'] ?? node['leaf_count'] ?? 0))
      continue
    }
    requireKnown(node, SPLIT, where)
    const index = splits.feature.length
    to[at] = index
    const isCategorical = node['decision_type'] === '=='
    if (!isCategorical && node['decision_type'] !== '<=')
      refuse(`${where}.decision_type`, `is ${String(node['decision_type'])}; allowed: <=, ==`)
    splits.feature.push(numberAt(node, 'split_feature', where))
    splits.threshold.push(isCategorical ? 0 : numberAt(node, 'threshold', where))
    splits.members.push(isCategorical ? readMembers(node['threshold'], where, room) : undefined)
    splits.isMissingLeft.push(node['default_left'] === true)
    splits.missing.push(readMissing(node['missing_type'], where))
    splits.gain.push(Number(node['split_gain'] ?? 0))
    splits.left.push(0)
    splits.right.push(0)
    waiting.push(
      { node: recordAt(node['right_child'], `${where}.right_child`), to: splits.right, at: index },
      { node: recordAt(node['left_child'], `${where}.left_child`), to: splits.left, at: index },
    )
  }
  return { where, splits, leaves: { value, weight } }
}

const readMissing = (value: unknown, where: string): MissingKind =>
  KINDS.get(value) ?? refuse(`${where}.missing_type`, `is ${String(value)}; allowed: None, Zero, NaN`)

const KINDS: ReadonlyMap<unknown, MissingKind> = new Map([
  ['None', 'none'],
  ['Zero', 'zero'],
  ['NaN', 'nan'],
])

/** `"2||5||7"`: the categories that go left. */
const readMembers = (value: unknown, where: string, room: Room): readonly number[] => {
  const members = String(value)
    .split('||')
    .filter((member) => member !== '')
    .map(Number)
  takeCodes(room, members.length, where)
  const bad = members.find((member) => !(Number.isInteger(member) && member >= 0 && member <= MAX_CATEGORY))
  if (bad !== undefined)
    refuse(`${where}.threshold`, `has the category ${bad}; allowed: 0 to ${MAX_CATEGORY}`)
  return [...new Set(members)].sort((a, b) => a - b)
}
