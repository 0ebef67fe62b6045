import { HEADER, type StateLayout } from './layout.ts'

/** Ring fields that the links stand in. */
export interface LargestFields {
  /** What is compared; NaN is missing. */
  readonly valueField: number
  /** The row before that is greater, and the last row after it that had it as its greater one; -1: none. */
  readonly greaterField: number
  readonly aboveField: number
}

/**
 * The links by which windows find their largest value (`Windows.stackMaximum`, `MaximumAggregate`), for
 * transactions that come late. A link to a row that has left the ring says as much as none.
 *
 * Law: after `renumber` and `insert` the links are those of a ring that was filled in order.
 */
export class LargestLinks {
  private readonly ringAt: number
  private readonly fieldCount: number
  private readonly valueField: number
  private readonly greaterField: number
  private readonly aboveField: number

  constructor({ ringAt, fieldCount }: StateLayout, fields: LargestFields) {
    this.ringAt = ringAt
    this.fieldCount = fieldCount
    this.valueField = fields.valueField
    this.greaterField = fields.greaterField
    this.aboveField = fields.aboveField
  }

  /** The last of the largest values in the rows from `start` on, before `end`; -1 without any. */
  largestIn(data: Float64Array, base: number, start: number, end: number): number {
    let at = end - 1
    while (at >= start && Number.isNaN(data[this.rowAt(data, base, at) + this.valueField]!)) at--
    if (at < start) return -1
    for (;;) {
      const greater = data[this.rowAt(data, base, at) + this.greaterField]!
      if (greater < start) return at
      at = greater
    }
  }

  /** Of `largest` (-1: none) and the later `sequence`, whichever a window holds as its largest. */
  larger(data: Float64Array, base: number, largest: number, sequence: number): number {
    if (largest < 0) return sequence
    const value = data[this.rowAt(data, base, sequence) + this.valueField]!
    const other = data[this.rowAt(data, base, largest) + this.valueField]!
    return value > other || (value === other && sequence > largest) ? sequence : largest
  }

  /** The rows from `from` on have moved one further: links among them follow. */
  renumber(data: Float64Array, base: number, from: number): void {
    const next = data[base + HEADER.next]!
    for (let sequence = from + 1; sequence < next; sequence++) {
      const row = this.rowAt(data, base, sequence)
      if (data[row + this.greaterField]! >= from) data[row + this.greaterField]!++
      if (data[row + this.aboveField]! >= from) data[row + this.aboveField]!++
    }
  }

  /** Links the row at `sequence`, after which the rows are renumbered. */
  insert(data: Float64Array, base: number, sequence: number): void {
    const { valueField, greaterField, aboveField } = this
    const first = data[base + HEADER.first]!
    const next = data[base + HEADER.next]!
    const row = this.rowAt(data, base, sequence)
    const value = data[row + valueField]!
    data[row + greaterField] = -1
    data[row + aboveField] = -1
    if (!Number.isNaN(value)) this.linkBack(data, base, sequence, value)
    for (let later = sequence + 1; later < next; later++) {
      const laterRow = this.rowAt(data, base, later)
      const laterValue = data[laterRow + valueField]!
      if (Number.isNaN(laterValue)) continue
      if (data[laterRow + greaterField]! < sequence && value > laterValue)
        data[laterRow + greaterField] = sequence
      const greater = data[laterRow + greaterField]!
      // Links among later rows stand already; rows before get the last one here, as they come in order.
      if (greater >= first && greater <= sequence) data[this.rowAt(data, base, greater) + aboveField] = later
    }
  }

  /** What is not above `value` before the row at `sequence` has nothing above it but each other. */
  private linkBack(data: Float64Array, base: number, sequence: number, value: number): void {
    const { valueField, greaterField, aboveField } = this
    const first = data[base + HEADER.first]!
    let below = sequence - 1
    while (below >= first && Number.isNaN(data[this.rowAt(data, base, below) + valueField]!)) below--
    let above = -1
    while (below >= first) {
      const row = this.rowAt(data, base, below)
      if (data[row + valueField]! > value) {
        data[this.rowAt(data, base, sequence) + greaterField] = below
        data[row + aboveField] = sequence
        return
      }
      data[row + aboveField] = above
      above = below
      below = data[row + greaterField]!
    }
  }

  private rowAt(data: Float64Array, base: number, sequence: number): number {
    return base + this.ringAt + (sequence & (data[base + HEADER.ringCapacity]! - 1)) * this.fieldCount
  }
}
