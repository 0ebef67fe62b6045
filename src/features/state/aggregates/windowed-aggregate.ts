import { HEADER, type StateLayout, TIME_FIELD } from '../layout.ts'
import type { AggregateReading } from '../reading.ts'
import type { Aggregate } from './aggregate.ts'
import { headWords, type PlacedAggregate, wordsOfWindow } from './aggregate-layout.ts'

/** Where a window of an aggregate starts in the ring: its first word. */
const START = 0

/**
 * Windows `(t - w, t]` over the ring with pointers of their own, so that an aggregate has the windows it asks
 * for and no others. Each transaction enters a window once and leaves it once.
 */
export abstract class WindowedAggregate implements Aggregate {
  protected readonly ringAt: number
  protected readonly fieldCount: number
  protected readonly valueField: number
  protected readonly windowCount: number
  protected readonly headAt: number
  private readonly windowsMs: Float64Array
  private readonly windowsAt: number
  private readonly windowWords: number

  constructor({ ringAt, fieldCount }: StateLayout, placed: PlacedAggregate) {
    this.ringAt = ringAt
    this.fieldCount = fieldCount
    this.valueField = placed.values.valueField
    this.windowsMs = Float64Array.from(placed.windows, ({ ms }) => ms)
    this.windowCount = placed.windows.length
    this.headAt = placed.at
    this.windowsAt = placed.at + headWords(placed)
    this.windowWords = wordsOfWindow(placed)
  }

  abstract enter(data: Float64Array, base: number, sequence: number, value: number, previous: number): void
  abstract describe(
    data: Float64Array,
    base: number,
    value: number,
    previous: number,
    readings: readonly AggregateReading[],
  ): void
  /** The transaction at `sequence`, whose row is at `row`, leaves window `w`, whose words are at `at`. */
  protected abstract leave(
    data: Float64Array,
    base: number,
    at: number,
    w: number,
    sequence: number,
    row: number,
  ): void

  /** The inverse: the row, just before the window, is in it again. */
  protected abstract comeBack(
    data: Float64Array,
    base: number,
    at: number,
    w: number,
    sequence: number,
    row: number,
  ): void
  /** The rows from `end` on leave every window; all of them hold them. */
  protected abstract takeOut(data: Float64Array, base: number, end: number): void

  /** The late transaction at `sequence` enters window `w`, whose start is right: as it would come back. */
  protected insertInto(
    data: Float64Array,
    base: number,
    at: number,
    w: number,
    sequence: number,
    row: number,
  ): void {
    this.comeBack(data, base, at, w, sequence, row)
  }

  clear(data: Float64Array, base: number, sequence: number): void {
    const from = base + this.windowsAt
    data.fill(0, base + this.headAt, from + this.windowCount * this.windowWords)
    for (let w = 0; w < this.windowCount; w++) data[from + w * this.windowWords + START] = sequence
  }

  reset(_data: Float64Array, _base: number): void {}

  slide(data: Float64Array, base: number, t: number): void {
    const next = data[base + HEADER.next]!
    const mask = data[base + HEADER.ringCapacity]! - 1
    const { fieldCount } = this
    const ring = base + this.ringAt
    for (let w = 0; w < this.windowCount; w++) {
      const at = this.wordsAt(base, w)
      const limit = t - this.windowsMs[w]!
      let start = data[at + START]!
      while (start < next) {
        const row = ring + (start & mask) * fieldCount
        if (data[row + TIME_FIELD]! > limit) break
        this.leave(data, base, at, w, start, row)
        start++
      }
      data[at + START] = start
    }
  }

  dropOldest(data: Float64Array, base: number): boolean {
    const first = data[base + HEADER.first]!
    const mask = data[base + HEADER.ringCapacity]! - 1
    const row = base + this.ringAt + (first & mask) * this.fieldCount
    let mattered = false
    for (let w = 0; w < this.windowCount; w++) {
      const at = this.wordsAt(base, w)
      if (data[at + START] !== first) continue
      this.leave(data, base, at, w, first, row)
      data[at + START] = first + 1
      mattered = true
    }
    return mattered
  }

  rewind(data: Float64Array, base: number, t: number, end: number, _value: number): void {
    const first = data[base + HEADER.first]!
    for (let w = 0; w < this.windowCount; w++) {
      const at = this.wordsAt(base, w)
      const limit = t - this.windowsMs[w]!
      let start = data[at + START]!
      while (start > first) {
        const row = this.rowAt(data, base, start - 1)
        if (data[row + TIME_FIELD]! <= limit) break
        start--
        this.comeBack(data, base, at, w, start, row)
      }
      data[at + START] = start
    }
    this.takeOut(data, base, end)
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

  renumber(data: Float64Array, base: number, from: number): void {
    for (let w = 0; w < this.windowCount; w++) {
      const at = this.wordsAt(base, w)
      if (data[at + START]! >= from) data[at + START]!++
    }
  }

  insert(data: Float64Array, base: number, sequence: number, _value: number): void {
    const row = this.rowAt(data, base, sequence)
    const watermark = data[base + HEADER.watermark]!
    for (let w = 0; w < this.windowCount; w++) {
      if (data[row + TIME_FIELD]! <= watermark - this.windowsMs[w]!) continue
      const at = this.wordsAt(base, w)
      if (data[at + START] === sequence + 1) data[at + START] = sequence
      this.insertInto(data, base, at, w, sequence, row)
    }
  }

  passBy(_data: Float64Array, _base: number, _timeMs: number, _value: number): void {}

  protected wordsAt(base: number, w: number): number {
    return base + this.windowsAt + w * this.windowWords
  }

  /** Sequence number of the first transaction that a window holds. */
  protected startOf(data: Float64Array, at: number): number {
    return data[at + START]!
  }

  protected rowAt(data: Float64Array, base: number, sequence: number): number {
    return base + this.ringAt + (sequence & (data[base + HEADER.ringCapacity]! - 1)) * this.fieldCount
  }
}
