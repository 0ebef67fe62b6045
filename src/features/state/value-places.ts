import { dimensionHeaderAt, tableAt } from './blocks.ts'
import { findValue } from './frequency-table.ts'
import { DIMENSION, HEADER, type StateLayout } from './layout.ts'

/**
 * Where the values of a dimension stand: which entry of its table a value has, and at which sequence number
 * of the ring it was last seen. A bounded table forgets values that the ring may still hold; then the ring
 * itself is searched.
 */
export class ValuePlaces {
  private readonly layout: StateLayout

  constructor(layout: StateLayout) {
    this.layout = layout
  }

  /** Entry of the value `token` (0: none) in the table of dimension `d`, or -1. */
  entryOf(data: Float64Array, base: number, d: number, token: number): number {
    if (token === 0) return -1
    const size = data[base + dimensionHeaderAt(this.layout, d) + DIMENSION.size]!
    return findValue(data, base + tableAt(this.layout, data, base, d), size, token)
  }

  /** Sequence number at which the value in table entry `entry` (-1: none) last stood, or -1. */
  last(data: Float64Array, base: number, d: number, token: number, entry: number): number {
    if (token === 0) return -1
    const headerAt = base + dimensionHeaderAt(this.layout, d)
    if (entry >= 0) {
      const lastAt = tableAt(this.layout, data, base, d) + 2 * data[headerAt + DIMENSION.capacity]!
      return data[base + lastAt + entry]!
    }
    // A value that the full table forgot can still stand in the ring.
    const mayStand = data[headerAt + DIMENSION.forgotten]! > data[base + HEADER.first]!
    return mayStand ? this.lastInRing(data, base, d, token) : -1
  }

  /** The same, by searching the ring from its end. */
  lastInRing(data: Float64Array, base: number, d: number, token: number): number {
    if (token === 0) return -1
    const { ringAt, fieldCount, dimensionField } = this.layout
    const mask = data[base + HEADER.ringCapacity]! - 1
    const at = base + ringAt + dimensionField + d
    const first = data[base + HEADER.first]!
    for (let sequence = data[base + HEADER.next]! - 1; sequence >= first; sequence--) {
      if (Math.abs(data[at + (sequence & mask) * fieldCount]!) === token) return sequence
    }
    return -1
  }

  /** Says that the value in table entry `entry` now stands at `sequence`. */
  place(data: Float64Array, base: number, d: number, entry: number, sequence: number): void {
    const headerAt = base + dimensionHeaderAt(this.layout, d)
    const lastAt = base + tableAt(this.layout, data, base, d) + 2 * data[headerAt + DIMENSION.capacity]!
    data[lastAt + entry] = sequence
  }

  /** Before the ring is written again: values last seen in it (from `first` on) count as not seen. */
  forget(data: Float64Array, base: number, first: number): void {
    for (let d = 0; d < this.layout.needs.dimensions.length; d++) {
      const headerAt = base + dimensionHeaderAt(this.layout, d)
      const lastAt = base + tableAt(this.layout, data, base, d) + 2 * data[headerAt + DIMENSION.capacity]!
      const end = lastAt + data[headerAt + DIMENSION.size]!
      for (let at = lastAt; at < end; at++) if (data[at]! >= first) data[at] = -1
      if (data[headerAt + DIMENSION.forgotten]! > first) data[headerAt + DIMENSION.forgotten]!++
    }
  }
}
