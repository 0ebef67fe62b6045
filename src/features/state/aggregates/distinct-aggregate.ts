import type { StateLayout } from '../layout.ts'
import type { AggregateReading } from '../reading.ts'
import type { PlacedAggregate } from './aggregate-layout.ts'
import { ValueIndex } from './value-index.ts'
import { WindowedAggregate } from './windowed-aggregate.ts'

/** Word of a window after its start: how many different values are in it. */
const DISTINCT = 1

/** How many different values: a window counts each by its latest occurrence. */
export class DistinctAggregate extends WindowedAggregate {
  private readonly index: ValueIndex

  constructor(layout: StateLayout, placed: PlacedAggregate) {
    super(layout, placed)
    this.index = new ValueIndex(layout, placed.values)
  }

  enter(data: Float64Array, base: number, _sequence: number, value: number, previous: number): void {
    if (Number.isNaN(value)) return
    for (let w = 0; w < this.windowCount; w++) {
      const at = this.wordsAt(base, w)
      if (previous < this.startOf(data, at)) data[at + DISTINCT]!++
    }
  }

  describe(
    data: Float64Array,
    base: number,
    value: number,
    previous: number,
    readings: readonly AggregateReading[],
  ): void {
    for (let w = 0; w < this.windowCount; w++) {
      const at = this.wordsAt(base, w)
      const isNew = !Number.isNaN(value) && previous < this.startOf(data, at) ? 1 : 0
      readings[w]!.value = data[at + DISTINCT]! + isNew
    }
  }

  protected leave(
    data: Float64Array,
    base: number,
    at: number,
    _w: number,
    sequence: number,
    row: number,
  ): void {
    const value = data[row + this.valueField]!
    if (!Number.isNaN(value) && this.index.find(data, base, value) === sequence) data[at + DISTINCT]!--
  }
}
