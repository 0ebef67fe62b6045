import { dimensionHeaderAt, tableAt } from './blocks.ts'
import { DIMENSION, HEADER, type StateLayout } from './layout.ts'
import { lastValueBefore } from './row-values.ts'

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
    const next = data[base + HEADER.next]!
    return mayStand ? lastValueBefore(this.layout, data, base, d, token, next) : -1
  }

  /** Rows from `from` on move one further, in a ring that began at `first`. */
  renumber(data: Float64Array, base: number, from: number, first: number): void {
    for (let d = 0; d < this.layout.needs.dimensions.length; d++) {
      const headerAt = base + dimensionHeaderAt(this.layout, d)
      const lastAt = base + tableAt(this.layout, data, base, d) + 2 * data[headerAt + DIMENSION.capacity]!
      const end = lastAt + data[headerAt + DIMENSION.size]!
      for (let at = lastAt; at < end; at++) if (data[at]! >= from) data[at]!++
      if (data[headerAt + DIMENSION.forgotten]! > first) data[headerAt + DIMENSION.forgotten]!++
    }
  }
}
