import { hashOfDouble } from '../../../foundation/hash-of-double.ts'
import { HEADER, type StateLayout } from '../layout.ts'
import type { AttributeField } from './aggregate-layout.ts'

/**
 * Finds where a value of an attribute last stood in the ring, in constant time on average.
 *
 * A hash table inside the ring, as compressors keep one over their last kilobytes: there are as many buckets
 * as rows; `head` of bucket `b` (kept in the slot of that number, and no part of its row) is the newest row
 * whose value belongs there, `chain` of a row the one before it. What leaves is not taken out: a head is
 * right when its row is in the ring and belongs to the bucket, because every row that came in wrote its
 * bucket's head; and a chain ends where it leaves the ring. So leaving rows cost nothing; only those that
 * stand behind a late one are taken out, from the newest, and entered again.
 *
 * Heads and chains say nothing that the rows do not. Saved states do not have them.
 */
export class ValueIndex {
  private readonly ringAt: number
  private readonly fieldCount: number
  private readonly field: AttributeField

  constructor({ ringAt, fieldCount }: StateLayout, field: AttributeField) {
    this.ringAt = ringAt
    this.fieldCount = fieldCount
    this.field = field
  }

  /** Sequence number at which `value` last stood in the ring, or -1; NaN stands nowhere. */
  find(data: Float64Array, base: number, value: number): number {
    const { fieldCount } = this
    const { valueField, chainField } = this.field
    const ring = base + this.ringAt
    const mask = data[base + HEADER.ringCapacity]! - 1
    const first = data[base + HEADER.first]!
    let at = this.headOf(data, base, hashOfDouble(value) & mask, data[base + HEADER.next]!)
    while (at >= first) {
      const row = ring + (at & mask) * fieldCount
      if (data[row + valueField] === value) return at
      at = data[row + chainField]!
    }
    return -1
  }

  /** The same before `end`. */
  findBefore(data: Float64Array, base: number, value: number, end: number): number {
    const { fieldCount } = this
    const { valueField, chainField } = this.field
    const ring = base + this.ringAt
    const mask = data[base + HEADER.ringCapacity]! - 1
    const first = data[base + HEADER.first]!
    let at = this.headOf(data, base, hashOfDouble(value) & mask, data[base + HEADER.next]!)
    while (at >= first) {
      const row = ring + (at & mask) * fieldCount
      if (at < end && data[row + valueField] === value) return at
      at = data[row + chainField]!
    }
    return -1
  }

  /** Takes the rows from `from` on out: they are about to move, and will be entered again. */
  takeOut(data: Float64Array, base: number, from: number): void {
    const { fieldCount } = this
    const { valueField, chainField, headField } = this.field
    const ring = base + this.ringAt
    const mask = data[base + HEADER.ringCapacity]! - 1
    for (let sequence = data[base + HEADER.next]! - 1; sequence >= from; sequence--) {
      const row = ring + (sequence & mask) * fieldCount
      const value = data[row + valueField]!
      if (Number.isNaN(value)) continue
      // The newest row of its bucket: those after it are out already.
      data[ring + (hashOfDouble(value) & mask) * fieldCount + headField] = data[row + chainField]!
    }
  }

  /** Enters the row at `sequence`, whose value is written; rows before it are entered. */
  enter(data: Float64Array, base: number, sequence: number): void {
    const { fieldCount } = this
    const { valueField, chainField, headField } = this.field
    const ring = base + this.ringAt
    const mask = data[base + HEADER.ringCapacity]! - 1
    const row = ring + (sequence & mask) * fieldCount
    const value = data[row + valueField]!
    if (Number.isNaN(value)) {
      data[row + chainField] = -1
      return
    }
    const bucket = hashOfDouble(value) & mask
    data[row + chainField] = this.headOf(data, base, bucket, sequence)
    data[ring + bucket * fieldCount + headField] = sequence
  }

  /** Enters every row again: after the ring was moved or read back. */
  rebuild(data: Float64Array, base: number): void {
    this.enterFrom(data, base, data[base + HEADER.first]!)
  }

  /** Enters the rows from `from` on again. */
  enterFrom(data: Float64Array, base: number, from: number): void {
    const next = data[base + HEADER.next]!
    for (let sequence = from; sequence < next; sequence++) this.enter(data, base, sequence)
  }

  /** The newest row of a bucket before `end`, or -1. */
  private headOf(data: Float64Array, base: number, bucket: number, end: number): number {
    const { fieldCount } = this
    const ring = base + this.ringAt
    const mask = data[base + HEADER.ringCapacity]! - 1
    const head = data[ring + bucket * fieldCount + this.field.headField]!
    if (head < data[base + HEADER.first]! || head >= end) return -1
    const value = data[ring + (head & mask) * fieldCount + this.field.valueField]!
    return !Number.isNaN(value) && (hashOfDouble(value) & mask) === bucket ? head : -1
  }
}

const indexesOf = (layout: StateLayout): ValueIndex[] =>
  layout.aggregates.attributes
    .filter(({ headField }) => headField >= 0)
    .map((field) => new ValueIndex(layout, field))

/** After the ring of the block at `base` was moved or read back. */
export const rebuildIndexes = (layout: StateLayout, data: Float64Array, base: number): void => {
  if (layout.aggregates.attributes.length === 0) return
  for (const index of indexesOf(layout)) index.rebuild(data, base)
}

/** Leaves heads and chains out of `rows` rows at `words[at...]`, which are to be saved. */
export const leaveOutIndexes = (
  { aggregates: { attributes }, fieldCount }: StateLayout,
  words: Float64Array,
  at: number,
  rows: number,
): void => {
  for (const { chainField, headField } of attributes) {
    if (headField < 0) continue
    for (let row = at; row < at + rows * fieldCount; row += fieldCount) {
      words[row + chainField] = 0
      words[row + headField] = 0
    }
  }
}
