import type { TransactionEvent } from '../transaction-event.ts'
import { addSquare, removeSquare } from './exact-squares.ts'
import { LargestLinks } from './largest-links.ts'
import {
  AMOUNT_FIELD,
  HEADER,
  HEADER_WORDS,
  RISK,
  RISK_WORDS,
  type StateLayout,
  TIME_FIELD,
  WINDOW,
} from './layout.ts'
import type { EntityReading } from './reading.ts'
import { paidOf, UNLABELLED, Windows } from './windows.ts'

/**
 * What windows do for a transaction behind the watermark: they are moved back to its time to be read, and it
 * enters those that hold it. Either costs what stands between: the rows behind it, and those that an edge of
 * a window passes.
 *
 * Law: both leave what windows would be that are filled from the ring in order, bit for bit: their sums are
 * of integers, so what is added and taken back leaves no trace.
 */
export class LateWindows extends Windows {
  private readonly largest: LargestLinks | undefined

  constructor(layout: StateLayout) {
    super(layout)
    const { greaterField, stackField } = layout
    if (layout.needs.maximum)
      this.largest = new LargestLinks(layout, {
        valueField: AMOUNT_FIELD,
        greaterField,
        aboveField: stackField,
      })
  }

  /**
   * Moves every window back to end at `t`, over the rows before `end`: those up to `t`. Distinct counts of
   * dimensions still count the rows from there on (`takeValueOut`). Only words before the ring change; the
   * caller keeps them and puts them back.
   *
   * @param _event what will be read
   */
  rewind(data: Float64Array, base: number, t: number, end: number, _event: TransactionEvent): void {
    const first = data[base + HEADER.first]!
    const mask = data[base + HEADER.ringCapacity]! - 1
    const timeAt = base + this.ringAt + TIME_FIELD
    for (let w = 0; w < this.windowsMs.length; w++) {
      const at = base + HEADER_WORDS + w * this.windowWords
      const limit = t - this.windowsMs[w]!
      let start = data[at + WINDOW.start]!
      while (start > first && data[timeAt + ((start - 1) & mask) * this.fieldCount]! > limit) {
        start--
        this.comeBack(data, base, at, start)
      }
      data[at + WINDOW.start] = start
      this.takeOut(data, base, at, end)
    }
    if (this.riskMs.length > 0) this.rewindRisk(data, base, t - this.layout.limits.labelDelayMs)
  }

  /** `describe` of windows that `rewind` has moved back. */
  describeEarlier(data: Float64Array, base: number, event: TransactionEvent, reading: EntityReading): void {
    this.describe(data, base, event, reading)
  }

  /** A value of dimension `d` that stood last at `previous` (-1: nowhere) leaves windows that begin later. */
  takeValueOut(data: Float64Array, base: number, d: number, previous: number): void {
    for (let w = 0; w < this.windowsMs.length; w++) {
      const at = base + HEADER_WORDS + w * this.windowWords
      if (previous < data[at + WINDOW.start]!) data[at + WINDOW.distinct + d]!--
    }
  }

  /** Rows from `from` on are about to move one further. */
  beforeMove(_data: Float64Array, _base: number, _from: number): void {}

  /** Rows from `from` on have moved one further. */
  renumber(data: Float64Array, base: number, from: number): void {
    for (let w = 0; w < this.windowsMs.length; w++) {
      const at = base + HEADER_WORDS + w * this.windowWords
      if (data[at + WINDOW.start]! >= from) data[at + WINDOW.start]!++
      if (data[at + WINDOW.maximumAt]! >= from) data[at + WINDOW.maximumAt]!++
    }
    for (let w = 0; w < this.riskMs.length; w++) {
      const at = base + this.layout.riskAt + w * RISK_WORDS
      if (data[at + RISK.start]! >= from) data[at + RISK.start]!++
    }
    if (this.riskMs.length > 0 && data[base + HEADER.riskHead]! >= from) data[base + HEADER.riskHead]!++
    this.largest?.renumber(data, base, from)
  }

  /**
   * The late transaction at `sequence`, just written to the ring, enters the windows that hold its time; they
   * stand at the watermark, and the rows behind it are renumbered. It has no label yet.
   */
  insert(data: Float64Array, base: number, sequence: number, event: TransactionEvent): void {
    const { riskAt, limits } = this.layout
    const { amountMinor, eventTimeMs } = event
    const watermark = data[base + HEADER.watermark]!
    this.largest?.insert(data, base, sequence)
    for (let w = 0; w < this.windowsMs.length; w++) {
      if (eventTimeMs <= watermark - this.windowsMs[w]!) continue
      const at = base + HEADER_WORDS + w * this.windowWords
      if (data[at + WINDOW.start] === sequence + 1) data[at + WINDOW.start] = sequence
      this.gain(data, base, at, sequence, amountMinor)
    }
    const knownBy = watermark - limits.labelDelayMs
    for (let w = 0; w < this.riskMs.length; w++) {
      const at = base + riskAt + w * RISK_WORDS
      if (eventTimeMs > knownBy - this.riskMs[w]! && data[at + RISK.start] === sequence + 1)
        data[at + RISK.start] = sequence
    }
    const isHead = this.riskMs.length > 0 && data[base + HEADER.riskHead] === sequence + 1
    if (isHead && eventTimeMs > knownBy) data[base + HEADER.riskHead] = sequence
  }

  /**
   * Its value in dimension `d` enters too, unless a later row has it, which counts for both. `previous` is
   * where the value stood before (-1: nowhere).
   */
  insertValue(data: Float64Array, base: number, d: number, event: TransactionEvent, previous: number): void {
    const watermark = data[base + HEADER.watermark]!
    for (let w = 0; w < this.windowsMs.length; w++) {
      if (event.eventTimeMs <= watermark - this.windowsMs[w]!) continue
      const at = base + HEADER_WORDS + w * this.windowWords
      if (previous < data[at + WINDOW.start]!) data[at + WINDOW.distinct + d]!++
    }
  }

  /** The late transaction came to leave at once: rows are renumbered, and nothing holds it. */
  passBy(_data: Float64Array, _base: number, _from: number, _event: TransactionEvent): void {}

  /** What the window at `at` sums up gets the amount of the row at `sequence`, and its maximum sees it. */
  private gain(data: Float64Array, base: number, at: number, sequence: number, amountMinor: number): void {
    const { needs, windowRefunds } = this.layout
    const paidMinor = paidOf(amountMinor)
    data[at + WINDOW.totalMinor]! += paidMinor
    if (needs.squares) addSquare(data, at + WINDOW.squaresHigh, paidMinor)
    if (amountMinor < 0 && windowRefunds >= 0) {
      data[at + windowRefunds]!++
      data[at + windowRefunds + 1]! -= amountMinor
    }
    if (this.largest !== undefined)
      data[at + WINDOW.maximumAt] = this.largest.larger(data, base, data[at + WINDOW.maximumAt]!, sequence)
  }

  /** The row at `sequence`, just before the window at `at`, is in it again. */
  private comeBack(data: Float64Array, base: number, at: number, sequence: number): void {
    const { dimensionField } = this.layout
    const mask = data[base + HEADER.ringCapacity]! - 1
    const slot = base + this.ringAt + (sequence & mask) * this.fieldCount
    this.gain(data, base, at, sequence, data[slot + AMOUNT_FIELD]!)
    for (let d = 0; d < this.dimensionCount; d++) {
      if (data[slot + dimensionField + d]! > 0) data[at + WINDOW.distinct + d]!++
    }
  }

  /** The rows from `end` on leave the window at `at`, which holds them all; its distinct counts stay. */
  private takeOut(data: Float64Array, base: number, at: number, end: number): void {
    const { needs, windowRefunds } = this.layout
    const next = data[base + HEADER.next]!
    const mask = data[base + HEADER.ringCapacity]! - 1
    const amountAt = base + this.ringAt + AMOUNT_FIELD
    for (let sequence = end; sequence < next; sequence++) {
      const amountMinor = data[amountAt + (sequence & mask) * this.fieldCount]!
      const paidMinor = paidOf(amountMinor)
      data[at + WINDOW.totalMinor]! -= paidMinor
      if (needs.squares) removeSquare(data, at + WINDOW.squaresHigh, paidMinor)
      if (amountMinor < 0 && windowRefunds >= 0) {
        data[at + windowRefunds]!--
        data[at + windowRefunds + 1]! += amountMinor
      }
    }
    if (this.largest !== undefined && data[at + WINDOW.maximumAt]! >= end)
      data[at + WINDOW.maximumAt] = this.largest.largestIn(data, base, data[at + WINDOW.start]!, end)
  }

  /** Risk windows end at `knownBy` again: what has entered since leaves, what has left comes back. */
  private rewindRisk(data: Float64Array, base: number, knownBy: number): void {
    const first = data[base + HEADER.first]!
    const mask = data[base + HEADER.ringCapacity]! - 1
    const timeAt = base + this.ringAt + TIME_FIELD
    const before = data[base + HEADER.riskHead]!
    let head = before
    while (head > first && data[timeAt + ((head - 1) & mask) * this.fieldCount]! > knownBy) head--
    data[base + HEADER.riskHead] = head
    for (let w = 0; w < this.riskMs.length; w++) {
      const at = base + this.layout.riskAt + w * RISK_WORDS
      const limit = knownBy - this.riskMs[w]!
      let start = data[at + RISK.start]!
      while (start > first && data[timeAt + ((start - 1) & mask) * this.fieldCount]! > limit) {
        start--
        this.countLabel(data, base, at, start, 1)
      }
      data[at + RISK.start] = start
      for (let sequence = head; sequence < before; sequence++) this.countLabel(data, base, at, sequence, -1)
    }
  }

  private countLabel(data: Float64Array, base: number, at: number, sequence: number, sign: 1 | -1): void {
    const label = this.labelOf(data, base, sequence, data[base + HEADER.ringCapacity]! - 1)
    if (label === UNLABELLED) return
    data[at + RISK.labelled]! += sign
    data[at + RISK.frauds]! += sign * label
  }
}
