import { powerOfTwo } from '../../foundation/elementary/whole-powers.ts'
import { bytesOf, floatsOf, integersOf, ownShare, type SharedParts } from '../shared-parts.ts'
import { GROUP, type Kernels, openKernels, type RowOrder } from '../trees/kernels.ts'

/**
 * Memory of growing that the crew shares. Rows of a node lie side by side in `sides[level % 2]`, with their
 * gradients and Hessians.
 */
export interface GrowMemory {
  readonly sides: readonly [RowOrder, RowOrder]
  /** Histograms of whole nodes, one a slot. */
  readonly slots: Float64Array
  /** The best split of each (node of a level, group of features): `CANDIDATE` numbers each. */
  readonly candidates: Float64Array
  /** Bins that go left in each candidate, a bit each; used by categorical ones. */
  readonly candidateBins: Int32Array
  /** Rows that went left, by node of a level. */
  readonly leftCounts: Int32Array
  /** This thread's own: two histograms of a group of features, and a mark for each bin of a split. */
  readonly scratch: readonly [Float64Array, Float64Array]
  readonly goesLeft: Uint8Array
  readonly kernels: Kernels
}

/**
 * Numbers of a candidate: gain, feature, bin, whether missing ones go left, and the sums of the left child.
 */
export const CANDIDATE = 6

/**
 * Sizes of `GrowMemory`, in bytes. `slotLimit` bounds the histograms kept; the others are computed when
 * needed.
 */
export const growMemory = (
  rows: number,
  features: number,
  width: number,
  maxDepth: number,
  threads: number,
): Readonly<Record<string, number>> => {
  const nodes = levelNodes(rows, maxDepth)
  const groups = Math.ceil(features / GROUP)
  return {
    orders: rows * 4 * 2,
    pairs: rows * 16 * 2,
    slots: slotCount(rows, features, width, maxDepth) * features * width * 16,
    candidates: nodes * groups * CANDIDATE * 8,
    candidateBins: nodes * groups * Math.ceil(width / 32) * 4,
    leftCounts: nodes * 4,
    scratch: threads * 2 * GROUP * width * 16,
    // Categories may be more than bins; their marks are by bin too.
    marks: threads * markBytes(width),
  }
}

/** Nodes that a level can have at most. */
const levelNodes = (rows: number, maxDepth: number): number =>
  Math.max(1, Math.min(powerOfTwo(maxDepth - 1), rows))

/** Histograms are kept up to here, 128 MiB; nodes beyond are computed without their parent's. */
const SLOT_BYTES = 2 ** 27

const slotCount = (rows: number, features: number, width: number, maxDepth: number): number =>
  Math.max(2, Math.min(levelNodes(rows, maxDepth), Math.floor(SLOT_BYTES / (features * width * 16))))

/** Marks of one thread, on cache lines of their own. */
const markBytes = (width: number): number => Math.ceil(width / 64) * 64

/** Opens the memory as thread `index` of `threads` sees it. */
export const openGrowMemory = (
  parts: SharedParts,
  rows: number,
  index: number,
  threads: number,
): GrowMemory => {
  const orders = integersOf(parts, 'orders')
  const pairs = floatsOf(parts, 'pairs')
  const side = (number: 0 | 1): RowOrder => ({
    order: orders.subarray(number * rows, (number + 1) * rows),
    pairs: pairs.subarray(number * rows * 2, (number + 1) * rows * 2),
  })
  const scratch = ownShare(floatsOf(parts, 'scratch'), index, threads)
  return {
    sides: [side(0), side(1)],
    slots: floatsOf(parts, 'slots'),
    candidates: floatsOf(parts, 'candidates'),
    candidateBins: integersOf(parts, 'candidateBins'),
    leftCounts: integersOf(parts, 'leftCounts'),
    scratch: [scratch.subarray(0, scratch.length / 2), scratch.subarray(scratch.length / 2)],
    goesLeft: ownShare(bytesOf(parts, 'marks'), index, threads),
    kernels: openKernels(parts.memory),
  }
}
