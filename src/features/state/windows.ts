import type { TransactionEvent } from '../transaction-event.ts'
import { addSquare, removeSquare, squareOf, squaresOf } from './exact-squares.ts'
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

/** What a transaction pays: a refund nothing, as far as sums of payments go. */
export const paidOf = (amountMinor: number): number => Math.max(amountMinor, 0)

/** The label of a transaction that has none yet. */
export const UNLABELLED = -1

/**
 * The windows over the ring of one state block: `slide` lets transactions leave as time passes, `enter` adds
 * the newest, `describe` reads. Each transaction enters a window once and leaves it once, so one costs O(1)
 * amortised per window.
 *
 * Invariant: a window's aggregates are a pure function of the ring and the time it stands at.
 */
export class Windows {
  protected readonly layout: StateLayout
  protected readonly windowsMs: Float64Array
  protected readonly riskMs: Float64Array
  protected readonly dimensionCount: number
  protected readonly fieldCount: number
  protected readonly ringAt: number
  protected readonly windowWords: number

  constructor(layout: StateLayout) {
    this.layout = layout
    this.windowsMs = Float64Array.from(layout.needs.windows, ({ ms }) => ms)
    this.riskMs = Float64Array.from(layout.needs.riskWindows, ({ ms }) => ms)
    this.dimensionCount = layout.needs.dimensions.length
    this.fieldCount = layout.fieldCount
    this.ringAt = layout.ringAt
    this.windowWords = layout.windowWords
  }

  /** Empties every window; the next transaction will have `sequence`. */
  clear(data: Float64Array, base: number, sequence: number): void {
    data.fill(0, base + HEADER_WORDS, base + this.layout.dimensionsAt)
    for (let w = 0; w < this.windowsMs.length; w++) {
      const at = base + HEADER_WORDS + w * this.windowWords
      data[at + WINDOW.start] = sequence
      data[at + WINDOW.maximumAt] = -1
    }
    for (let w = 0; w < this.riskMs.length; w++) {
      data[base + this.layout.riskAt + w * RISK_WORDS + RISK.start] = sequence
    }
    if (this.riskMs.length > 0) data[base + HEADER.riskHead] = sequence
  }

  /** The state of an entity that has not been seen: nothing is in any window, nothing is remembered. */
  reset(data: Float64Array, base: number): void {
    this.clear(data, base, 0)
  }

  /** Moves every window to end at `t`, which is not before the watermark. */
  slide(data: Float64Array, base: number, t: number): void {
    const next = data[base + HEADER.next]!
    const mask = data[base + HEADER.ringCapacity]! - 1
    const { fieldCount } = this
    const timeAt = base + this.ringAt + TIME_FIELD
    for (let w = 0; w < this.windowsMs.length; w++) {
      const at = base + HEADER_WORDS + w * this.windowWords
      const limit = t - this.windowsMs[w]!
      let start = data[at + WINDOW.start]!
      while (start < next && data[timeAt + (start & mask) * fieldCount]! <= limit) {
        this.leave(data, base, at, start, next, mask)
        start++
      }
      data[at + WINDOW.start] = start
    }
    if (this.riskMs.length > 0) this.slideRisk(data, base, t - this.layout.limits.labelDelayMs)
    const horizon = t - this.layout.retentionMs
    let first = data[base + HEADER.first]!
    while (first < next && data[timeAt + (first & mask) * fieldCount]! <= horizon) first++
    data[base + HEADER.first] = first
  }

  /**
   * Risk windows end at `knownBy`: transactions up to it enter all of them at once, then leave each in turn.
   */
  private slideRisk(data: Float64Array, base: number, knownBy: number): void {
    const next = data[base + HEADER.next]!
    const mask = data[base + HEADER.ringCapacity]! - 1
    const { fieldCount } = this
    const timeAt = base + this.ringAt + TIME_FIELD
    let head = data[base + HEADER.riskHead]!
    while (head < next && data[timeAt + (head & mask) * fieldCount]! <= knownBy) {
      const label = this.labelOf(data, base, head, mask)
      if (label !== UNLABELLED) {
        for (let w = 0; w < this.riskMs.length; w++) {
          const at = base + this.layout.riskAt + w * RISK_WORDS
          data[at + RISK.labelled]!++
          data[at + RISK.frauds]! += label
        }
      }
      head++
    }
    data[base + HEADER.riskHead] = head
    for (let w = 0; w < this.riskMs.length; w++) {
      const at = base + this.layout.riskAt + w * RISK_WORDS
      const limit = knownBy - this.riskMs[w]!
      let start = data[at + RISK.start]!
      while (start < head && data[timeAt + (start & mask) * fieldCount]! <= limit) {
        this.leaveRisk(data, base, at, start, mask)
        start++
      }
      data[at + RISK.start] = start
    }
  }

  /** The transaction at `sequence`, just written to the ring, enters every window. */
  enter(data: Float64Array, base: number, sequence: number, { amountMinor }: TransactionEvent): void {
    const { needs, windowRefunds } = this.layout
    const paidMinor = paidOf(amountMinor)
    // Refunds stand in the stack with what they are, below every payment.
    if (needs.maximum) this.stackMaximum(data, base, sequence, amountMinor)
    for (let w = 0; w < this.windowsMs.length; w++) {
      const at = base + HEADER_WORDS + w * this.windowWords
      data[at + WINDOW.totalMinor]! += paidMinor
      if (needs.squares) addSquare(data, at + WINDOW.squaresHigh, paidMinor)
      if (amountMinor < 0 && windowRefunds >= 0) {
        data[at + windowRefunds]!++
        data[at + windowRefunds + 1]! -= amountMinor
      }
    }
  }

  /**
   * Its value in dimension `d` enters too. The latest occurrence of a value stands positive in the ring,
   * earlier ones negative: a window's distinct count is the number of positive ones in it. `previous` is
   * where the value stood so far (-1: nowhere).
   */
  enterValue(data: Float64Array, base: number, d: number, token: number, previous: number): void {
    if (previous >= data[base + HEADER.first]!) {
      const mask = data[base + HEADER.ringCapacity]! - 1
      const field = this.layout.dimensionField + d
      data[base + this.ringAt + (previous & mask) * this.fieldCount + field] = -token
    }
    for (let w = 0; w < this.windowsMs.length; w++) {
      const at = base + HEADER_WORDS + w * this.windowWords
      if (previous < data[at + WINDOW.start]!) data[at + WINDOW.distinct + d]!++
    }
  }

  /** Gives up the oldest transaction of a full ring; says whether a window still counted it. */
  dropOldest(data: Float64Array, base: number): boolean {
    const first = data[base + HEADER.first]!
    const next = data[base + HEADER.next]!
    const mask = data[base + HEADER.ringCapacity]! - 1
    let mattered = false
    for (let w = 0; w < this.windowsMs.length; w++) {
      const at = base + HEADER_WORDS + w * this.windowWords
      if (data[at + WINDOW.start] !== first) continue
      this.leave(data, base, at, first, next, mask)
      data[at + WINDOW.start] = first + 1
      mattered = true
    }
    const head = data[base + HEADER.riskHead]!
    for (let w = 0; w < this.riskMs.length; w++) {
      const at = base + this.layout.riskAt + w * RISK_WORDS
      if (data[at + RISK.start] !== first) continue
      if (first < head) this.leaveRisk(data, base, at, first, mask)
      data[at + RISK.start] = first + 1
      mattered = true
    }
    if (head === first && this.riskMs.length > 0) data[base + HEADER.riskHead] = first + 1
    data[base + HEADER.first] = first + 1
    return mattered
  }

  /**
   * Writes the label of the transaction at `sequence` (null: it has none any more) and corrects the risk
   * windows it stands in.
   */
  label(data: Float64Array, base: number, sequence: number, isFraud: boolean | null): void {
    const mask = data[base + HEADER.ringCapacity]! - 1
    const before = this.labelOf(data, base, sequence, mask)
    const label = isFraud === null ? UNLABELLED : Number(isFraud)
    data[base + this.ringAt + (sequence & mask) * this.fieldCount + this.layout.labelField] = label
    if (sequence >= data[base + HEADER.riskHead]!) return
    for (let w = 0; w < this.riskMs.length; w++) {
      const at = base + this.layout.riskAt + w * RISK_WORDS
      if (sequence < data[at + RISK.start]!) continue
      data[at + RISK.labelled]! += Number(label !== UNLABELLED) - Number(before !== UNLABELLED)
      data[at + RISK.frauds]! += Number(label === 1) - Number(before === 1)
    }
  }

  /**
   * Fills counts, amounts and risks of `reading`; `event`, at the windows' time, counts in them.
   */
  describe(data: Float64Array, base: number, event: TransactionEvent, reading: EntityReading): void {
    const { needs, riskAt, windowRefunds } = this.layout
    const { amountMinor } = event
    const next = data[base + HEADER.next]!
    const mask = data[base + HEADER.ringCapacity]! - 1
    const amountAt = base + this.ringAt + AMOUNT_FIELD
    const paidMinor = paidOf(amountMinor)
    const square = squareOf(paidMinor)
    for (let w = 0; w < this.windowsMs.length; w++) {
      const at = base + HEADER_WORDS + w * this.windowWords
      const window = reading.windows[w]!
      window.count = next - data[at + WINDOW.start]! + 1
      window.totalMinor = data[at + WINDOW.totalMinor]! + paidMinor
      if (needs.squares) window.squares = squaresOf(data, at + WINDOW.squaresHigh) + square
      if (needs.maximum) {
        const maximumAt = data[at + WINDOW.maximumAt]!
        const earlier = maximumAt < 0 ? 0 : data[amountAt + (maximumAt & mask) * this.fieldCount]!
        window.maximumMinor = Math.max(earlier, paidMinor)
      }
      if (needs.refunds) {
        window.refundCount = data[at + windowRefunds]! + (amountMinor < 0 ? 1 : 0)
        window.refundTotalMinor = data[at + windowRefunds + 1]! + paidMinor - amountMinor
      }
    }
    for (let w = 0; w < this.riskMs.length; w++) {
      const at = base + riskAt + w * RISK_WORDS
      const risk = reading.risk[w]!
      risk.labelled = data[at + RISK.labelled]!
      risk.frauds = data[at + RISK.frauds]!
      risk.data = data
      risk.past = undefined
      risk.base = base
      risk.start = data[at + RISK.start]!
      risk.end = data[base + HEADER.riskHead]!
    }
  }

  /**
   * Fills the distinct counts of dimension `d`; the transaction's value (0: none) stood last at `previous`
   * (-1: nowhere).
   */
  describeDistinct(
    data: Float64Array,
    base: number,
    d: number,
    token: number,
    previous: number,
    reading: EntityReading,
  ): void {
    for (let w = 0; w < this.windowsMs.length; w++) {
      const at = base + HEADER_WORDS + w * this.windowWords
      const isNew = token !== 0 && previous < data[at + WINDOW.start]! ? 1 : 0
      reading.windows[w]!.distinct[d] = data[at + WINDOW.distinct + d]! + isNew
    }
  }

  private leave(
    data: Float64Array,
    base: number,
    at: number,
    sequence: number,
    next: number,
    mask: number,
  ): void {
    const { needs, stackField, dimensionField, windowRefunds } = this.layout
    const slot = base + this.ringAt + (sequence & mask) * this.fieldCount
    const amountMinor = data[slot + AMOUNT_FIELD]!
    const paidMinor = paidOf(amountMinor)
    data[at + WINDOW.totalMinor]! -= paidMinor
    if (needs.squares) removeSquare(data, at + WINDOW.squaresHigh, paidMinor)
    if (amountMinor < 0 && windowRefunds >= 0) {
      data[at + windowRefunds]!--
      data[at + windowRefunds + 1]! += amountMinor
    }
    if (needs.maximum && data[at + WINDOW.maximumAt] === sequence) {
      data[at + WINDOW.maximumAt] = sequence === next - 1 ? -1 : data[slot + stackField]!
    }
    for (let d = 0; d < this.dimensionCount; d++) {
      if (data[slot + dimensionField + d]! > 0) data[at + WINDOW.distinct + d]!--
    }
  }

  private leaveRisk(data: Float64Array, base: number, at: number, sequence: number, mask: number): void {
    const label = this.labelOf(data, base, sequence, mask)
    if (label === UNLABELLED) return
    data[at + RISK.labelled]!--
    data[at + RISK.frauds]! -= label
  }

  protected labelOf(data: Float64Array, base: number, sequence: number, mask: number): number {
    return data[base + this.ringAt + (sequence & mask) * this.fieldCount + this.layout.labelField]!
  }

  /**
   * Keeps the stack of transactions not yet followed by one at least as large: `greater` links each to the
   * one below it, `stack` to the one above. The first of them inside a window is that window's maximum.
   */
  private stackMaximum(data: Float64Array, base: number, sequence: number, amountMinor: number): void {
    const { greaterField, stackField } = this.layout
    const { fieldCount } = this
    const ring = base + this.ringAt
    const mask = data[base + HEADER.ringCapacity]! - 1
    const first = data[base + HEADER.first]!
    let below = sequence - 1
    while (below >= first && data[ring + (below & mask) * fieldCount + AMOUNT_FIELD]! <= amountMinor) {
      below = data[ring + (below & mask) * fieldCount + greaterField]!
    }
    if (below >= first) data[ring + (below & mask) * fieldCount + stackField] = sequence
    data[ring + (sequence & mask) * fieldCount + greaterField] = below >= first ? below : -1
    // Nothing above it yet; what the slot's former owner left would make equal states differ in their bytes.
    data[ring + (sequence & mask) * fieldCount + stackField] = -1
    for (let w = 0; w < this.windowsMs.length; w++) {
      const at = base + HEADER_WORDS + w * this.windowWords + WINDOW.maximumAt
      const largest = data[at]!
      if (largest < 0 || data[ring + (largest & mask) * fieldCount + AMOUNT_FIELD]! <= amountMinor) {
        data[at] = sequence
      }
    }
  }
}
