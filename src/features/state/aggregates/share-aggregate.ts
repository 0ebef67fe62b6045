import { HEADER, type StateLayout } from '../layout.ts'
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
  /** Of the late transaction that is read: its value, and how often that is in windows as they move back. */
  private earlier = Number.NaN
  private readonly times: Float64Array
  /** Of the one that is inserted: the latest row of its value, and the one before it (-1: none). */
  private latest = -1
  private previous = -1

  constructor(layout: StateLayout, placed: PlacedAggregate) {
    super(layout, placed)
    this.index = new ValueIndex(layout, placed.values)
    this.timesField = placed.field
    this.times = new Float64Array(placed.windows.length)
  }

  enter(data: Float64Array, base: number, sequence: number, value: number, previous: number): void {
    const row = this.rowAt(data, base, sequence)
    const isKnown = !Number.isNaN(value)
    for (let w = 0; w < this.windowCount; w++) {
      const at = this.wordsAt(base, w)
      data[row + this.timesField + w] = isKnown ? this.timesIn(data, base, at, w, previous) + 1 : 0
      if (isKnown) data[at + COUNT]!++
    }
    if (isKnown) this.handOver(data, base, previous)
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

  override rewind(data: Float64Array, base: number, t: number, end: number, value: number): void {
    const latest = Number.isNaN(value) ? -1 : this.index.find(data, base, value)
    this.earlier = value
    for (let w = 0; w < this.windowCount; w++)
      this.times[w] = this.timesIn(data, base, this.wordsAt(base, w), w, latest)
    super.rewind(data, base, t, end, value)
  }

  override describeEarlier(
    data: Float64Array,
    base: number,
    value: number,
    _previous: number,
    readings: readonly AggregateReading[],
  ): void {
    this.describe(data, base, value, -1, readings)
    if (Number.isNaN(value)) return
    for (let w = 0; w < this.windowCount; w++) readings[w]!.value = this.times[w]! + 1
  }

  protected comeBack(
    data: Float64Array,
    _base: number,
    at: number,
    w: number,
    _sequence: number,
    row: number,
  ): void {
    const value = data[row + this.valueField]!
    if (Number.isNaN(value)) return
    data[at + COUNT]!++
    if (value === this.earlier) this.times[w]!++
  }

  protected takeOut(data: Float64Array, base: number, end: number): void {
    const next = data[base + HEADER.next]!
    for (let sequence = end; sequence < next; sequence++) {
      const value = data[this.rowAt(data, base, sequence) + this.valueField]!
      if (Number.isNaN(value)) continue
      for (let w = 0; w < this.windowCount; w++) {
        data[this.wordsAt(base, w) + COUNT]!--
        if (value === this.earlier) this.times[w]!--
      }
    }
  }

  /** Where a later row has the value too, that one counts its occurrences. */
  override insert(data: Float64Array, base: number, sequence: number, value: number): void {
    const row = this.rowAt(data, base, sequence)
    for (let w = 0; w < this.windowCount; w++) data[row + this.timesField + w] = 0
    if (Number.isNaN(value)) {
      super.insert(data, base, sequence, value)
      return
    }
    this.latest = this.index.find(data, base, value)
    this.previous = this.index.findBefore(data, base, value, sequence)
    super.insert(data, base, sequence, value)
    if (this.latest === sequence) this.handOver(data, base, this.previous)
  }

  protected override insertInto(
    data: Float64Array,
    base: number,
    at: number,
    w: number,
    sequence: number,
    row: number,
  ): void {
    if (Number.isNaN(data[row + this.valueField]!)) return
    data[at + COUNT]!++
    if (this.latest > sequence) data[this.rowAt(data, base, this.latest) + this.timesField + w]!++
    else data[row + this.timesField + w] = this.timesIn(data, base, at, w, this.previous) + 1
  }

  /** A later row counts the value of the row at `previous` (-1: none) from now on. */
  private handOver(data: Float64Array, base: number, previous: number): void {
    if (previous < 0) return
    const times = this.rowAt(data, base, previous) + this.timesField
    for (let w = 0; w < this.windowCount; w++) data[times + w] = 0
  }

  /** Occurrences in window `w` of the value whose latest row is `previous` (-1: none). */
  private timesIn(data: Float64Array, base: number, at: number, w: number, previous: number): number {
    return previous < this.startOf(data, at)
      ? 0
      : data[this.rowAt(data, base, previous) + this.timesField + w]!
  }
}
