import { emptyRoom, type Room, takeCodes, takeNodes } from '../imported/grow-tree.ts'
import { parseLooseJson } from '../imported/loose-json.ts'
import { refuse } from '../imported/parts.ts'
import {
  LINEAR_PARTS,
  type LightgbmFile,
  type LightgbmTree,
  MAX_CATEGORY,
  type MissingKind,
  refuseLinear,
} from './lightgbm-file.ts'

/** Lines of the head, and what each tree has. What is not read here says nothing of scores. */
const HEAD = [
  ...['version', 'num_class', 'num_tree_per_iteration', 'label_index', 'max_feature_idx', 'objective'],
  ...['average_output', 'feature_names', 'monotone_constraints', 'feature_infos', 'tree_sizes'],
]
const TREE = [
  ...['num_leaves', 'num_cat', 'split_feature', 'split_gain', 'threshold', 'decision_type', 'left_child'],
  ...['right_child', 'leaf_value', 'leaf_weight', 'leaf_count', 'internal_value', 'internal_weight'],
  ...['internal_count', 'cat_boundaries', 'cat_threshold', 'is_linear', 'shrinkage'],
  ...LINEAR_PARTS,
]

/**
 * LightGBM's text, as `Booster.save_model` writes it: a head, the trees, `end of trees`, and what follows it,
 * of which the last line has the values of the frame's category columns.
 *
 * @throws LEARNING_IMPORT_REFUSED with the place
 */
export const readTextFile = (text: string): LightgbmFile => {
  const lines = new Lines(text)
  lines.next() // `tree`, by which the file was known
  const head = lines.block('the head', HEAD)
  const number = (name: string) => numberOf(head.get(name), `the head's ${name}`)
  const featureNames = (head.get('feature_names') ?? '').split(' ')
  const trees: LightgbmTree[] = []
  const room = emptyRoom()
  for (;;) {
    const line = lines.next()
    if (line === 'end of trees') break
    if (line !== `Tree=${trees.length}`)
      refuse(
        `tree ${trees.length}`,
        `is missing: the file has ${JSON.stringify(line?.slice(0, 40) ?? 'its end')} there`,
      )
    trees.push(readTree(lines.block(`tree ${trees.length}`, TREE), `tree ${trees.length}`, room))
  }
  return {
    version: head.get('version') ?? '',
    classes: number('num_class'),
    treesPerIteration: number('num_tree_per_iteration'),
    objective: head.get('objective') ?? '',
    isMean: head.has('average_output'),
    featureNames,
    trees,
    columns: readColumns(lines),
  }
}

/** The values of the category columns; undefined where the file has none, because Python did not write it. */
const readColumns = (lines: Lines): unknown => {
  const start = 'pandas_categorical:'
  for (let line = lines.next(); line !== undefined; line = lines.next())
    if (line.startsWith(start)) return parseLooseJson(line.slice(start.length), 'pandas_categorical') ?? []
  return undefined
}

const readTree = (parts: ReadonlyMap<string, string>, where: string, room: Room): LightgbmTree => {
  const leaves = numberOf(parts.get('num_leaves'), `${where}'s num_leaves`)
  if (!(Number.isInteger(leaves) && leaves >= 1))
    refuse(`${where}'s num_leaves`, `is ${leaves}; allowed: a whole number from 1`)
  takeNodes(room, 2 * leaves - 1)
  if (Number(parts.get('is_linear') ?? 0) !== 0 || LINEAR_PARTS.some((name) => parts.has(name)))
    refuseLinear(where)
  const list = (name: string, count: number) => numbersOf(parts.get(name) ?? '', count, `${where}'s ${name}`)
  const splits = leaves - 1
  const types = list('decision_type', splits).map((type, at) =>
    readType(type, `${where}'s decision_type[${at}]`),
  )
  const threshold = list('threshold', splits)
  const sets = readSets(parts, where, room)
  return {
    where,
    splits: {
      feature: list('split_feature', splits),
      threshold,
      members: types.map(({ isCategorical }, at) =>
        isCategorical
          ? (sets[threshold[at]!] ??
            refuse(`${where}'s threshold[${at}]`, `names no set of its ${sets.length}`))
          : undefined,
      ),
      isMissingLeft: types.map(({ isMissingLeft }) => isMissingLeft),
      missing: types.map(({ missing }) => missing),
      left: list('left_child', splits),
      right: list('right_child', splits),
      gain: list('split_gain', splits),
    },
    leaves: {
      value: list('leaf_value', leaves),
      weight: readWeights(parts, leaves, where),
    },
  }
}

/** Sums of Hessians, or else rows. A tree that is one leaf has neither. */
const readWeights = (
  parts: ReadonlyMap<string, string>,
  leaves: number,
  where: string,
): readonly number[] | undefined => {
  const name = ['leaf_weight', 'leaf_count'].find((one) => (parts.get(one) ?? '') !== '')
  return name === undefined ? undefined : numbersOf(parts.get(name)!, leaves, `${where}'s ${name}`)
}

const KINDS: readonly MissingKind[] = ['none', 'zero', 'nan']

/** `decision_type`: 1 categorical, 2 missing goes left, 4 zero and 8 NaN count as missing. */
const readType = (type: number, where: string) => {
  const missing = Number.isInteger(type) && type >= 0 && type < 16 ? KINDS[type >> 2] : undefined
  if (missing === undefined) return refuse(where, `is ${type}; allowed: whole numbers from 0 to 11`)
  return { isCategorical: (type & 1) === 1, isMissingLeft: (type & 2) === 2, missing }
}

/** Sets of categories: bit k of the words of a set is category k. */
const readSets = (
  parts: ReadonlyMap<string, string>,
  where: string,
  room: Room,
): readonly (readonly number[])[] => {
  const count = numberOf(parts.get('num_cat') ?? '0', `${where}'s num_cat`)
  if (!(Number.isInteger(count) && count >= 0))
    refuse(`${where}'s num_cat`, `is ${count}; allowed: a whole number from 0`)
  if (count === 0) return []
  const place = `${where}'s cat_boundaries`
  const bounds = numbersOf(parts.get('cat_boundaries') ?? '', count + 1, place)
  const isRising = bounds.every((bound, at) => Number.isInteger(bound) && bound >= (bounds[at - 1] ?? 0))
  if (!isRising || bounds[0] !== 0) refuse(place, 'do not rise from 0')
  const words = numbersOf(parts.get('cat_threshold') ?? '', bounds[count]!, `${where}'s cat_threshold`)
  const bad = words.findIndex((word) => !(Number.isInteger(word) && word >= 0 && word < 2 ** 32))
  if (bad >= 0) refuse(`${where}'s cat_threshold[${bad}]`, 'is no word of 32 bits')
  return Array.from({ length: count }, (_, set) => {
    const members: number[] = []
    for (let at = bounds[set]!; at < bounds[set + 1]!; at++)
      for (let bit = 0; bit < 32; bit++)
        if (((words[at]! >>> bit) & 1) === 1) members.push((at - bounds[set]!) * 32 + bit)
    takeCodes(room, members.length, where)
    if ((members.at(-1) ?? 0) > MAX_CATEGORY)
      refuse(`${where}'s cat_threshold`, `has the category ${members.at(-1)}; allowed: 0 to ${MAX_CATEGORY}`)
    return members
  })
}

const numberOf = (text: string | undefined, where: string): number => {
  const number = text === undefined || text.trim() === '' ? Number.NaN : Number(text)
  return Number.isNaN(number) ? refuse(where, `is ${text ?? 'missing'}; allowed: a number`) : number
}

/** So many numbers with a space between them. Nothing is made for those beyond. */
const numbersOf = (text: string, count: number, where: string): readonly number[] => {
  const numbers: number[] = []
  for (let at = 0; at < text.length; ) {
    const space = text.indexOf(' ', at)
    const end = space < 0 ? text.length : space
    if (numbers.length === count) refuse(where, `has more than ${count} numbers`)
    numbers.push(
      numberOf(WORDS.get(text.slice(at, end)) ?? text.slice(at, end), `${where}[${numbers.length}]`),
    )
    at = end + 1
  }
  return numbers.length === count
    ? numbers
    : refuse(where, `has ${numbers.length} numbers; allowed: ${count}`)
}

/** How C++ writes what is infinite. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ['inf', 'Infinity'],
  ['-inf', '-Infinity'],
])

/** The lines of a text, one after the other. */
class Lines {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** The next line that is not empty; undefined at the end. */
  next(): string | undefined {
    for (;;) {
      const line = this.#line()
      if (line === undefined || line !== '') return line
    }
  }

  /** What the lines up to an empty one say: `name=value`, or a name alone. */
  block(where: string, known: readonly string[]): ReadonlyMap<string, string> {
    const parts = new Map<string, string>()
    for (let line = this.#line(); line !== undefined && line !== ''; line = this.#line()) {
      const sign = line.indexOf('=')
      const name = sign < 0 ? line : line.slice(0, sign)
      if (!known.includes(name))
        refuse(
          `${where}'s ${name.slice(0, 40)}`,
          'is not known, so that what it does to scores cannot be told',
        )
      if (parts.has(name)) refuse(`${where}'s ${name}`, 'is there twice')
      parts.set(name, sign < 0 ? '' : line.slice(sign + 1))
    }
    return parts
  }

  #line(): string | undefined {
    if (this.#at >= this.#text.length) return undefined
    const end = this.#text.indexOf('\n', this.#at)
    const line = this.#text.slice(this.#at, end < 0 ? this.#text.length : end)
    this.#at = end < 0 ? this.#text.length : end + 1
    return line.endsWith('\r') ? line.slice(0, -1) : line
  }
}
