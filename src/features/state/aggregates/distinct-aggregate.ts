import { HEADER, type StateLayout } from '../layout.ts'
import type { AggregateReading } from '../reading.ts'
import type { PlacedAggregate } from './aggregate-layout.ts'
import { ValueIndex } from './value-index.ts'
import { WindowedAggregate } from './windowed-aggregate.ts'

/** Word of a window after its start: how many different values are in it. */
const DISTINCT = 1

/** How many different values: a window counts each by its latest occurrence. */
export class DistinctAggregate extends WindowedAggregate {
  private readonly index: ValueIndex
  /** Of the late transaction that is inserted: no later row has its value, and where that stood before. */
  private isNewest = false
  private previous = -1

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
    if (this.isLatest(data, base, value, sequence)) data[at + DISTINCT]!--
  }

  protected comeBack(
    data: Float64Array,
    base: number,
    at: number,
    _w: number,
    sequence: number,
    row: number,
  ): void {
    if (this.isLatest(data, base, data[row + this.valueField]!, sequence)) data[at + DISTINCT]!++
  }

  protected takeOut(data: Float64Array, base: number, end: number): void {
    const next = data[base + HEADER.next]!
    for (let sequence = end; sequence < next; sequence++) {
      const value = data[this.rowAt(data, base, sequence) + this.valueField]!
      if (!this.isLatest(data, base, value, sequence)) continue
      const previous = this.index.findBefore(data, base, value, end)
      for (let w = 0; w < this.windowCount; w++) {
        const at = this.wordsAt(base, w)
        if (previous < this.startOf(data, at)) data[at + DISTINCT]!--
      }
    }
  }

  /** A value that a later row has too is counted by that one. */
  override insert(data: Float64Array, base: number, sequence: number, value: number): void {
    this.isNewest = this.isLatest(data, base, value, sequence)
    this.previous = this.isNewest ? this.index.findBefore(data, base, value, sequence) : -1
    super.insert(data, base, sequence, value)
  }

  protected override insertInto(data: Float64Array, _base: number, at: number): void {
    if (this.isNewest && this.previous < this.startOf(data, at)) data[at + DISTINCT]!++
  }

  private isLatest(data: Float64Array, base: number, value: number, sequence: number): boolean {
    return !Number.isNaN(value) && this.index.find(data, base, value) === sequence
  }
}
