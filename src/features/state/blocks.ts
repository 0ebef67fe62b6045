import { rebuildIndexes } from './aggregates/value-index.ts'
import type { BlockAllocator, EntityState } from './entity-state.ts'
import { DIMENSION, DIMENSION_WORDS, HEADER, type StateLayout } from './layout.ts'

/** Where dimension `d` has its header, from the block's base. */
export const dimensionHeaderAt = (layout: StateLayout, d: number): number =>
  layout.dimensionsAt + d * DIMENSION_WORDS

/** Where the table of dimension `d` starts, from the block's base. */
export const tableAt = (layout: StateLayout, data: Float64Array, base: number, d: number): number => {
  let at = layout.ringAt + layout.fieldCount * data[base + HEADER.ringCapacity]!
  for (let i = 0; i < d; i++) at += 3 * data[base + dimensionHeaderAt(layout, i) + DIMENSION.capacity]!
  return at
}

/** Words of a block with these capacities. */
const wordsFor = (layout: StateLayout, ringCapacity: number, tableCapacities: readonly number[]): number => {
  let words = layout.ringAt + layout.fieldCount * ringCapacity
  for (const capacity of tableCapacities) words += 3 * capacity
  return words
}

/** Gives `state` an empty block; windows are still to be cleared. */
export const startBlock = (
  layout: StateLayout,
  blocks: BlockAllocator,
  state: EntityState,
  ringCapacity: number,
  tableCapacities: readonly number[],
): void => {
  blocks.allocate(state, wordsFor(layout, ringCapacity, tableCapacities))
  const { data, base } = state
  data[base + HEADER.schema] = layout.schemaHash
  data[base + HEADER.ringCapacity] = ringCapacity
  data[base + HEADER.watermark] = Number.NEGATIVE_INFINITY
  data[base + HEADER.firstTime] = Number.POSITIVE_INFINITY
  data[base + HEADER.latitude] = Number.NaN
  data[base + HEADER.longitude] = Number.NaN
  for (let d = 0; d < tableCapacities.length; d++) {
    data[base + dimensionHeaderAt(layout, d) + DIMENSION.capacity] = tableCapacities[d]!
  }
}

/** The capacities of the tables of `state`. */
export const tableCapacitiesOf = (layout: StateLayout, { data, base }: EntityState): number[] =>
  layout.needs.dimensions.map((_, d) => data[base + dimensionHeaderAt(layout, d) + DIMENSION.capacity]!)

/**
 * Copies the transactions in the ring of the block at `base`, oldest first, to `out[at...]`.
 *
 * @returns how many words they are
 */
export const readRing = (
  layout: StateLayout,
  data: Float64Array,
  base: number,
  out: Float64Array,
  at: number,
): number => {
  const { ring, oldest, straight, round } = ringPieces(layout, data, base)
  out.set(data.subarray(oldest, oldest + straight), at)
  out.set(data.subarray(ring, ring + round), at + straight)
  return straight + round
}

/** The inverse of `readRing`: fills the ring, as the block's header describes it, from `words[at...]`. */
export const writeRing = (
  layout: StateLayout,
  data: Float64Array,
  base: number,
  words: Float64Array,
  at: number,
): number => {
  const { ring, oldest, straight, round } = ringPieces(layout, data, base)
  data.set(words.subarray(at, at + straight), oldest)
  data.set(words.subarray(at + straight, at + straight + round), ring)
  return straight + round
}

/**
 * A ring in two pieces: `straight` words from its oldest transaction to its end, then `round` from its start,
 * which have come round.
 */
const ringPieces = ({ ringAt, fieldCount }: StateLayout, data: Float64Array, base: number) => {
  const first = data[base + HEADER.first]!
  const capacity = data[base + HEADER.ringCapacity]!
  const words = (data[base + HEADER.next]! - first) * fieldCount
  const ring = base + ringAt
  const oldest = ring + (first & (capacity - 1)) * fieldCount
  const straight = Math.min(words, ring + capacity * fieldCount - oldest)
  return { ring, oldest, straight, round: words - straight }
}

/** Moves `state` to a block with at least as much room; what it holds stays the same. */
export const moveToLargerBlock = (
  layout: StateLayout,
  blocks: BlockAllocator,
  state: EntityState,
  ringCapacity: number,
  tableCapacities: readonly number[],
): void => {
  const { data, base, size } = state
  const { ringAt, fieldCount } = layout
  const before = data[base + HEADER.ringCapacity]!
  if (ringCapacity !== before) state.links = undefined
  const capacitiesBefore = tableCapacitiesOf(layout, state)
  const tablesBefore = capacitiesBefore.map((_, d) => base + tableAt(layout, data, base, d))
  blocks.allocate(state, wordsFor(layout, ringCapacity, tableCapacities))
  const target = state.data
  const to = state.base
  target.set(data.subarray(base, base + ringAt), to)
  target[to + HEADER.ringCapacity] = ringCapacity
  const next = data[base + HEADER.next]!
  for (let sequence = data[base + HEADER.first]!; sequence < next; sequence++) {
    const from = base + ringAt + (sequence & (before - 1)) * fieldCount
    const into = to + ringAt + (sequence & (ringCapacity - 1)) * fieldCount
    for (let f = 0; f < fieldCount; f++) target[into + f] = data[from + f]!
  }
  for (let d = 0; d < tableCapacities.length; d++) {
    const capacity = tableCapacities[d]!
    target[to + dimensionHeaderAt(layout, d) + DIMENSION.capacity] = capacity
    const into = to + tableAt(layout, target, to, d)
    for (let part = 0; part < 3; part++) {
      const from = tablesBefore[d]! + part * capacitiesBefore[d]!
      target.set(data.subarray(from, from + capacitiesBefore[d]!), into + part * capacity)
    }
  }
  rebuildIndexes(layout, target, to)
  if (size > 0) blocks.release(data, base, size)
}
