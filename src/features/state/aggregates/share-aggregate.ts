import type { StateLayout } from '../layout.ts'
import type { AggregateReading } from '../reading.ts'
import type { PlacedAggregate } from './aggregate-layout.ts'
import { ValueIndex } from './value-index.ts'
import { WindowedAggregate } from './windowed-aggregate.ts'

/** Word of a window after its start: how many values are in it. */
const COUNT = 1

/**
 * How often the value at hand is in each window, and how many values are: the latest row of a value counts
 * its occurrences, one ring field a window.
 */
export class ShareAggregate extends WindowedAggregate {
  private readonly index: ValueIndex
  private readonly timesField: number

  constructor(layout: StateLayout, placed: PlacedAggregate) {
    super(layout, placed)
    this.index = new ValueIndex(layout, placed.values)
    this.timesField = placed.field
  }

  enter(data: Float64Array, base: number, sequence: number, value: number, previous: number): void {
    const row = this.rowAt(data, base, sequence)
    const isKnown = !Number.isNaN(value)
    for (let w = 0; w < this.windowCount; w++) {
      const at = this.wordsAt(base, w)
      data[row + this.timesField + w] = isKnown ? this.timesIn(data, base, at, w, previous) + 1 : 0
      if (isKnown) data[at + COUNT]!++
    }
  }

  /** Missing without a value at hand. */
  describe(
    data: Float64Array,
    base: number,
    value: number,
    previous: number,
    readings: readonly AggregateReading[],
  ): void {
    const isKnown = !Number.isNaN(value)
    for (let w = 0; w < this.windowCount; w++) {
      const at = this.wordsAt(base, w)
      const reading = readings[w]!
      reading.count = data[at + COUNT]! + (isKnown ? 1 : 0)
      reading.value = isKnown ? this.timesIn(data, base, at, w, previous) + 1 : Number.NaN
    }
  }

  protected leave(
    data: Float64Array,
    base: number,
    at: number,
    w: number,
    _sequence: number,
    row: number,
  ): void {
    const value = data[row + this.valueField]!
    if (Number.isNaN(value)) return
    data[at + COUNT]!--
    const latest = this.index.find(data, base, value)
    data[this.rowAt(data, base, latest) + this.timesField + w]!--
  }

  /** Occurrences in window `w` of the value whose latest row is `previous` (-1: none). */
  private timesIn(data: Float64Array, base: number, at: number, w: number, previous: number): number {
    return previous < this.startOf(data, at)
      ? 0
      : data[this.rowAt(data, base, previous) + this.timesField + w]!
  }
}
