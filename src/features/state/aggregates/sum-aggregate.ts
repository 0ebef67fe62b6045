import { addSteps, isBeyond, scaleOf, stepsOf, sumWith } from '../../../foundation/exact-sum.ts'
import { HEADER, type StateLayout } from '../layout.ts'
import type { AggregateReading } from '../reading.ts'
import type { PlacedAggregate } from './aggregate-layout.ts'
import { WindowedAggregate } from './windowed-aggregate.ts'

/** Words of a window after its start: values in it, those too large to be summed, the others' sum. */
export const SUM_WINDOW = { count: 1, beyond: 2, high: 3 } as const
const { count: COUNT, beyond: BEYOND, high: HIGH } = SUM_WINDOW

/** How many values, and their exact sum. */
export class SumAggregate extends WindowedAggregate {
  private readonly scale: number

  constructor(layout: StateLayout, placed: PlacedAggregate) {
    super(layout, placed)
    this.scale = scaleOf(placed.decimals ?? 0)
  }

  enter(data: Float64Array, base: number, _sequence: number, value: number): void {
    if (Number.isNaN(value)) return
    const steps = stepsOf(value, this.scale)
    for (let w = 0; w < this.windowCount; w++) count(data, this.wordsAt(base, w), steps, 1)
  }

  /** The sum in steps; missing without a value, and while one is too large. */
  describe(
    data: Float64Array,
    base: number,
    value: number,
    _previous: number,
    readings: readonly AggregateReading[],
  ): void {
    const isKnown = !Number.isNaN(value)
    const steps = isKnown ? stepsOf(value, this.scale) : 0
    for (let w = 0; w < this.windowCount; w++) {
      const at = this.wordsAt(base, w)
      const reading = readings[w]!
      reading.count = data[at + COUNT]! + (isKnown ? 1 : 0)
      const isExact = reading.count > 0 && data[at + BEYOND] === 0 && !isBeyond(steps)
      reading.value = isExact ? sumWith(data, at + HIGH, steps) : Number.NaN
    }
  }

  protected leave(
    data: Float64Array,
    _base: number,
    at: number,
    _w: number,
    _sequence: number,
    row: number,
  ): void {
    const value = data[row + this.valueField]!
    if (!Number.isNaN(value)) count(data, at, stepsOf(value, this.scale), -1)
  }

  protected comeBack(
    data: Float64Array,
    _base: number,
    at: number,
    _w: number,
    _sequence: number,
    row: number,
  ): void {
    const value = data[row + this.valueField]!
    if (!Number.isNaN(value)) count(data, at, stepsOf(value, this.scale), 1)
  }

  protected takeOut(data: Float64Array, base: number, end: number): void {
    const next = data[base + HEADER.next]!
    for (let sequence = end; sequence < next; sequence++) {
      const value = data[this.rowAt(data, base, sequence) + this.valueField]!
      if (Number.isNaN(value)) continue
      const steps = stepsOf(value, this.scale)
      for (let w = 0; w < this.windowCount; w++) count(data, this.wordsAt(base, w), steps, -1)
    }
  }
}

/** Adds the value to a window (`sign` 1), or takes it back (-1). */
const count = (data: Float64Array, at: number, steps: number, sign: 1 | -1): void => {
  data[at + COUNT]! += sign
  if (isBeyond(steps)) data[at + BEYOND]! += sign
  else addSteps(data, at + HIGH, sign * steps)
}
