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
  private readonly layout: StateLayout

  constructor(layout: StateLayout, { at }: PlacedAggregate) {
    this.at = at
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
    const timeMs = data[base + ringAt + slot * fieldCount + TIME_FIELD]!
    // A ring that is written again comes past older ones.
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
}
