import { doubleAfter } from '../imported/float-threshold.ts'
import type { KnownCategory } from '../imported/foreign-model.ts'
import { type ForeignNode, growTree, type Room, takeCodes } from '../imported/grow-tree.ts'
import { refuse } from '../imported/parts.ts'
import { splitByPlace } from '../imported/split-by-place.ts'
import type { Tree } from '../trees/tree-ensemble.ts'
import type { LightgbmTree } from './lightgbm-file.ts'

/** How a tree is to be read. */
export interface TreeReading {
  /** One a feature. */
  readonly featureNames: readonly string[]
  /** What leaves are multiplied with. */
  readonly weight: number
  /** Of features whose numbers are places of categories: what each place is here. The others' are values. */
  readonly categories: ReadonlyMap<number, readonly KnownCategory[]>
  readonly room: Room
}

/**
 * One tree of LightGBM as ours. cover is the sum of `leaf_weight` below a node, gain is `split_gain`.
 *
 * A row goes left there where its value is at most the threshold, compared as doubles, or is one of the
 * node's categories; ours where it is below the double after the threshold. NaN counts as 0 at a split at
 * which nothing counts as missing, and is no category at any.
 *
 * @throws LEARNING_IMPORT_REFUSED with the place; MODEL_CATEGORIES_DIFFER
 */
export const importTree = (tree: LightgbmTree, reading: TreeReading): Tree => {
  const { splits, leaves, where } = tree
  const { featureNames, weight, categories, room } = reading
  requireSound(tree, featureNames.length)
  const nodeAt = (id: number): ForeignNode => {
    if (id < 0) return { value: weight * leaves.value[-1 - id]!, cover: leaves.weight?.[-1 - id] ?? 1 }
    const feature = splits.feature[id]!
    const threshold = splits.threshold[id]!
    const missing = splits.missing[id]!
    const members = splits.members[id]
    const isMissingLeft =
      members === undefined && (missing === 'none' ? threshold >= 0 : splits.isMissingLeft[id]!)
    const gain = splits.gain[id]!
    const split = {
      feature,
      isMissingLeft,
      left: splits.left[id]!,
      right: splits.right[id]!,
      gain: Number.isFinite(gain) ? gain : 0,
    }
    const known = categories.get(feature)
    takeCodes(room, known?.length ?? members?.length ?? 0, where)
    if (known === undefined) return { ...split, goesLeft: members ?? doubleAfter(threshold) }
    const chosen = members && new Set(members)
    const isLeft = (place: number): boolean =>
      chosen?.has(place) ?? (missing === 'zero' && place === 0 ? isMissingLeft : place <= threshold)
    return splitByPlace({ ...split, isLeft }, known, featureNames[feature]!)
  }
  return growTree(splits.feature.length === 0 ? -1 : 0, nodeAt, where, room)
}

const requireSound = ({ splits, leaves, where }: LightgbmTree, featureCount: number): void => {
  const splitCount = splits.feature.length
  const leafCount = leaves.value.length
  const isFeature = (x: number) => Number.isInteger(x) && x >= 0 && x < featureCount
  const isChild = (x: number) => Number.isInteger(x) && x >= -leafCount && x < splitCount && x !== 0
  const requireAll = (
    name: string,
    values: readonly number[],
    isValid: (x: number) => boolean,
    allowed: string,
  ) => {
    const bad = values.findIndex((value) => !isValid(value))
    if (bad >= 0) refuse(`${where}'s ${name}[${bad}]`, `is ${values[bad]}; allowed: ${allowed}`)
  }
  const children = `a split from 1 to ${splitCount - 1}, or a leaf from -1 to ${-leafCount}`
  requireAll('split_feature', splits.feature, isFeature, `a feature from 0 to ${featureCount - 1}`)
  requireAll('left_child', splits.left, isChild, children)
  requireAll('right_child', splits.right, isChild, children)
  requireAll('threshold', splits.threshold, Number.isFinite, 'a finite number')
  requireAll('leaf_value', leaves.value, Number.isFinite, 'a finite number')
  requireAll(
    'leaf_weight',
    leaves.weight ?? [],
    (x) => x >= 0 && Number.isFinite(x),
    'a finite number from 0',
  )
}
