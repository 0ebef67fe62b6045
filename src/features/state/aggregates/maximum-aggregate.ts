import { LargestLinks } from '../largest-links.ts'
import { HEADER, type StateLayout } from '../layout.ts'
import type { AggregateReading } from '../reading.ts'
import type { PlacedAggregate } from './aggregate-layout.ts'
import { WindowedAggregate } from './windowed-aggregate.ts'

/** Word of a window after its start: where its largest value stands, or -1. */
const LARGEST_AT = 1

/**
 * The largest value of each window, by a stack of values not yet followed by one at least as large: `greater`
 * links each to the one below it, `above` to the one above. The first of them inside a window is its largest.
 * The head word is the newest of them all.
 */
export class MaximumAggregate extends WindowedAggregate {
  private readonly greaterField: number
  private readonly aboveField: number
  private readonly links: LargestLinks

  constructor(layout: StateLayout, placed: PlacedAggregate) {
    super(layout, placed)
    this.greaterField = placed.field
    this.aboveField = placed.field + 1
    const { valueField, greaterField, aboveField } = this
    this.links = new LargestLinks(layout, { valueField, greaterField, aboveField })
  }

  override clear(data: Float64Array, base: number, sequence: number): void {
    super.clear(data, base, sequence)
    data[base + this.headAt] = -1
    for (let w = 0; w < this.windowCount; w++) data[this.wordsAt(base, w) + LARGEST_AT] = -1
  }

  enter(data: Float64Array, base: number, sequence: number, value: number): void {
    const row = this.rowAt(data, base, sequence)
    data[row + this.greaterField] = -1
    // What the slot's former owner left would make equal states differ in their bytes.
    data[row + this.aboveField] = -1
    if (Number.isNaN(value)) return
    const first = data[base + HEADER.first]!
    let below = data[base + this.headAt]!
    while (below >= first && this.valueAt(data, base, below) <= value) {
      below = data[this.rowAt(data, base, below) + this.greaterField]!
    }
    if (below >= first) {
      data[row + this.greaterField] = below
      data[this.rowAt(data, base, below) + this.aboveField] = sequence
    }
    data[base + this.headAt] = sequence
    for (let w = 0; w < this.windowCount; w++) {
      const at = this.wordsAt(base, w) + LARGEST_AT
      const largest = data[at]!
      if (largest < 0 || this.valueAt(data, base, largest) <= value) data[at] = sequence
    }
  }

  describe(
    data: Float64Array,
    base: number,
    value: number,
    _previous: number,
    readings: readonly AggregateReading[],
  ): void {
    for (let w = 0; w < this.windowCount; w++) {
      const largest = data[this.wordsAt(base, w) + LARGEST_AT]!
      const earlier = largest < 0 ? Number.NaN : this.valueAt(data, base, largest)
      readings[w]!.value = earlier > value || Number.isNaN(value) ? earlier : value
    }
  }

  protected leave(
    data: Float64Array,
    _base: number,
    at: number,
    _w: number,
    sequence: number,
    row: number,
  ): void {
    if (data[at + LARGEST_AT] === sequence) data[at + LARGEST_AT] = data[row + this.aboveField]!
  }

  override renumber(data: Float64Array, base: number, from: number): void {
    super.renumber(data, base, from)
    if (data[base + this.headAt]! >= from) data[base + this.headAt]!++
    for (let w = 0; w < this.windowCount; w++) {
      const at = this.wordsAt(base, w) + LARGEST_AT
      if (data[at]! >= from) data[at]!++
    }
    this.links.renumber(data, base, from)
  }

  override insert(data: Float64Array, base: number, sequence: number, value: number): void {
    this.links.insert(data, base, sequence)
    if (!Number.isNaN(value)) data[base + this.headAt] = Math.max(data[base + this.headAt]!, sequence)
    super.insert(data, base, sequence, value)
  }

  protected comeBack(
    data: Float64Array,
    base: number,
    at: number,
    _w: number,
    sequence: number,
    row: number,
  ): void {
    if (Number.isNaN(data[row + this.valueField]!)) return
    data[at + LARGEST_AT] = this.links.larger(data, base, data[at + LARGEST_AT]!, sequence)
  }

  protected takeOut(data: Float64Array, base: number, end: number): void {
    for (let w = 0; w < this.windowCount; w++) {
      const at = this.wordsAt(base, w)
      if (data[at + LARGEST_AT]! < end) continue
      data[at + LARGEST_AT] = this.links.largestIn(data, base, this.startOf(data, at), end)
    }
  }

  private valueAt(data: Float64Array, base: number, sequence: number): number {
    return data[this.rowAt(data, base, sequence) + this.valueField]!
  }
}
