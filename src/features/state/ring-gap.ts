import type { EntityState } from './entity-state.ts'
import { HEADER, type StateLayout } from './layout.ts'

/**
 * Makes place in a ring for a late transaction: the rows from there on move one further. What costs is what
 * stands behind the place, not the ring.
 */
export class RingGap {
  private readonly layout: StateLayout
  /** Ring fields that belong to a row; heads of value indexes belong to slots. */
  private readonly fields: readonly number[]
  private readonly oldest: Float64Array

  constructor(layout: StateLayout) {
    this.layout = layout
    const heads = layout.aggregates.attributes.map(({ headField }) => headField)
    this.fields = Array.from({ length: layout.fieldCount }, (_, field) => field).filter(
      (field) => !heads.includes(field),
    )
    this.oldest = new Float64Array(layout.fieldCount)
  }

  /**
   * Moves the rows from `place` on to the sequence numbers one above, `next` among them. In a full ring
   * `place` is its first row, whose slot the last row takes; there is no gap then, and what had come in it
   * must leave again.
   */
  open({ data, base }: EntityState, place: number): void {
    const { fields, oldest } = this
    const { ringAt, fieldCount } = this.layout
    const mask = data[base + HEADER.ringCapacity]! - 1
    const ring = base + ringAt
    const next = data[base + HEADER.next]!
    const isFull = next - data[base + HEADER.first]! > mask
    const placeRow = ring + (place & mask) * fieldCount
    if (isFull) for (const field of fields) oldest[field] = data[placeRow + field]!
    for (let sequence = next - 1; sequence >= place; sequence--) {
      const from = ring + (sequence & mask) * fieldCount
      const into = ring + ((sequence + 1) & mask) * fieldCount
      if (isFull && sequence === place) for (const field of fields) data[into + field] = oldest[field]!
      else for (let f = 0; f < fields.length; f++) data[into + fields[f]!] = data[from + fields[f]!]!
    }
    data[base + HEADER.next] = next + 1
  }
}
