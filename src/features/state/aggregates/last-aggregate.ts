import { HEADER, type StateLayout, TIME_FIELD } from '../layout.ts'
import type { AggregateReading } from '../reading.ts'
import type { Aggregate } from './aggregate.ts'
import type { PlacedAggregate } from './aggregate-layout.ts'

/** Its words: the value, and when it was. */
const VALUE = 0
const TIME = 1

/** The last known value, however long ago; of equal times, the one that arrived last. */
export class LastAggregate implements Aggregate {
  private readonly at: number
  private readonly valueField: number
  private readonly layout: StateLayout

  constructor(layout: StateLayout, { at, values }: PlacedAggregate) {
    this.at = at
    this.valueField = values.valueField
    this.layout = layout
  }

  clear(_data: Float64Array, _base: number, _sequence: number): void {}

  reset(data: Float64Array, base: number): void {
    data[base + this.at + VALUE] = Number.NaN
    data[base + this.at + TIME] = Number.NEGATIVE_INFINITY
  }

  slide(_data: Float64Array, _base: number, _t: number): void {}

  dropOldest(_data: Float64Array, _base: number): boolean {
    return false
  }

  enter(data: Float64Array, base: number, sequence: number, value: number): void {
    const { ringAt, fieldCount } = this.layout
    const slot = sequence & (data[base + HEADER.ringCapacity]! - 1)
    this.passBy(data, base, data[base + ringAt + slot * fieldCount + TIME_FIELD]!, value)
  }

  passBy(data: Float64Array, base: number, timeMs: number, value: number): void {
    // One that comes late may be older than what is known.
    if (Number.isNaN(value) || timeMs < data[base + this.at + TIME]!) return
    data[base + this.at + VALUE] = value
    data[base + this.at + TIME] = timeMs
  }

  describe(
    data: Float64Array,
    base: number,
    _value: number,
    _previous: number,
    [reading]: readonly AggregateReading[],
  ): void {
    reading!.value = data[base + this.at + VALUE]!
  }

  /**
   * The last known value at `t` is that of the rows which the ring still has. Rows are looked through from
   * `end` back to a known one, only where the last of all is later.
   */
  rewind(data: Float64Array, base: number, t: number, end: number): void {
    const { ringAt, fieldCount } = this.layout
    const { valueField, at } = this
    const mask = data[base + HEADER.ringCapacity]! - 1
    const ring = base + ringAt
    const first = data[base + HEADER.first]!
    const oldestMs = data[ring + (first & mask) * fieldCount + TIME_FIELD]!
    const lastMs = data[base + at + TIME]!
    if (lastMs <= t && lastMs > oldestMs) return
    let sequence = lastMs < oldestMs ? first - 1 : end - 1
    while (sequence >= first && Number.isNaN(data[ring + (sequence & mask) * fieldCount + valueField]!))
      sequence--
    const row = ring + (sequence & mask) * fieldCount
    data[base + at + VALUE] = sequence < first ? Number.NaN : data[row + valueField]!
    data[base + at + TIME] = sequence < first ? Number.NEGATIVE_INFINITY : data[row + TIME_FIELD]!
  }

  describeEarlier(
    data: Float64Array,
    base: number,
    value: number,
    previous: number,
    readings: readonly AggregateReading[],
  ): void {
    this.describe(data, base, value, previous, readings)
  }

  renumber(_data: Float64Array, _base: number, _from: number): void {}

  insert(data: Float64Array, base: number, sequence: number, value: number): void {
    this.enter(data, base, sequence, value)
  }
}
