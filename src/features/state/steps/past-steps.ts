import { addSteps, LIMB } from '../../../foundation/exact-sum.ts'
import { ValueSample } from '../../../foundation/value-sample.ts'
import type { StateLayout } from '../layout.ts'
import { createStepLayout, STEP, type StepLayout } from './step-layout.ts'

/** Words before the steps: the time of the latest transaction in them, and how many they are. */
const HEAD_WORDS = 2

/**
 * What a state keeps of transactions that have left its full ring: counts and sums of whole steps.
 *
 * A row for each step that has transactions, ascending; its sums are those of its own and of all rows before
 * it, so what stands between two edges is one difference, and a transaction of the latest step (nearly all
 * are) changes one row.
 *
 * 1. Sums are of integers, of which those beyond 2^53 have two words: nothing depends on their order.
 * 2. A step counts in a window (from, to] as a whole, when its middle is in it, and only as far as the window
 *    begins before `latestMs`: behind that nothing has left the ring.
 */
export class PastSteps {
  readonly layout: StepLayout
  /** Event time of the latest transaction in any step; -Infinity without one. */
  latestMs = Number.NEGATIVE_INFINITY
  /** Different values: of the state's dimensions, then of its aggregates that ask for them. */
  readonly samples: readonly ValueSample[]
  private data = new Float64Array(0)
  private size = 0

  constructor(state: StateLayout, layout: StepLayout = createStepLayout(state)) {
    this.layout = layout
    const samples = state.needs.dimensions.length + layout.distinct.length
    this.samples = Array.from({ length: samples }, () => new ValueSample())
  }

  /** How many steps it has. */
  get steps(): number {
    return this.size
  }

  get byteLength(): number {
    return this.samples.reduce((total, sample) => total + sample.byteLength, this.data.byteLength)
  }

  /** A transaction of `timeMs` comes in. @returns its step's row, to add to */
  open(timeMs: number): number {
    const { words, ms } = this.layout
    this.latestMs = Math.max(this.latestMs, timeMs)
    const number = Math.floor(timeMs / ms)
    const row = this.firstRow(number)
    if (row < this.size && this.data[row * words] === number) return row
    if ((this.size + 1) * words > this.data.length) this.grow()
    const { data } = this
    data.copyWithin((row + 1) * words, row * words, this.size * words)
    this.size++
    const at = row * words
    if (row === 0) data.fill(0, at, at + this.layout.sums)
    else data.copyWithin(at, at - words, at - words + this.layout.sums)
    data.fill(Number.NEGATIVE_INFINITY, at + this.layout.sums, at + words)
    data[at + STEP.number] = number
    return row
  }

  /** The row of the step of `timeMs`; -1 without one. */
  rowAt(timeMs: number): number {
    const number = Math.floor(timeMs / this.layout.ms)
    const row = this.firstRow(number)
    return row < this.size && this.data[row * this.layout.words] === number ? row : -1
  }

  /** Adds to a sum: to its row and to all after it. */
  add(row: number, word: number, value: number): void {
    const { words } = this.layout
    for (let at = row * words + word; at < this.size * words; at += words) this.data[at]! += value
  }

  /** The same for a sum of two words. */
  addSteps(row: number, word: number, value: number): void {
    const { words } = this.layout
    for (let at = row * words + word; at < this.size * words; at += words) addSteps(this.data, at, value)
  }

  /** Raises a largest value to `value`, which is not NaN. */
  raise(row: number, word: number, value: number): void {
    const at = row * this.layout.words + word
    this.data[at] = Math.max(this.data[at]!, value)
  }

  /** Number of rows whose middle is not after `edgeMs`. */
  rowsUpTo(edgeMs: number): number {
    const { ms } = this.layout
    return this.firstRow(Math.floor(edgeMs / ms - 0.5) + 1)
  }

  /** The sum of `word` in the rows from `from` on, before `to`. Of two words, of each by itself. */
  sum(word: number, from: number, to: number): number {
    if (from >= to) return 0
    const { words } = this.layout
    const before = from === 0 ? 0 : this.data[(from - 1) * words + word]!
    return this.data[(to - 1) * words + word]! - before
  }

  /** The largest `word` in the same rows; -Infinity without any. */
  largest(word: number, from: number, to: number): number {
    const { words } = this.layout
    let largest = Number.NEGATIVE_INFINITY
    for (let at = from * words + word; at < to * words; at += words)
      largest = Math.max(largest, this.data[at]!)
    return largest
  }

  /** End of the rows that can stand in a window which ends at `toMs`. */
  endOf(toMs: number): number {
    return toMs >= this.latestMs ? this.size : this.rowsUpTo(toMs)
  }

  /** First row of a window that begins after `fromMs`: the end of all where the ring has all of it. */
  startOf(fromMs: number): number {
    return fromMs >= this.latestMs ? this.size : this.rowsUpTo(fromMs)
  }

  /** Beginning of a step, epoch milliseconds. */
  beganMs(row: number): number {
    return this.data[row * this.layout.words]! * this.layout.ms
  }

  /** Forgets steps that no window can need which begins after `horizonMs`. @returns whether any is left */
  expire(horizonMs: number): boolean {
    const { words, sums, pairs } = this.layout
    const gone = this.rowsUpTo(horizonMs)
    if (gone === this.size && this.latestMs <= horizonMs) return false
    if (gone === 0) return true
    const before = this.data.slice((gone - 1) * words, gone * words)
    this.data.copyWithin(0, gone * words, this.size * words)
    this.size -= gone
    for (let row = 0; row < this.size; row++) {
      const at = row * words
      for (let word = 1; word < sums; word++) this.data[at + word]! -= before[word]!
      for (const pair of pairs) {
        if (this.data[at + pair + 1]! >= 0) continue
        this.data[at + pair]!--
        this.data[at + pair + 1]! += LIMB
      }
    }
    for (const sample of this.samples) sample.expire(horizonMs)
    return true
  }

  /** Words that `write` writes. */
  get words(): number {
    return this.samples.reduce(
      (total, sample) => total + sample.words,
      HEAD_WORDS + this.size * this.layout.words,
    )
  }

  write(into: Float64Array, at: number): void {
    into[at] = this.latestMs
    into[at + 1] = this.size
    into.set(this.data.subarray(0, this.size * this.layout.words), at + HEAD_WORDS)
    let next = at + HEAD_WORDS + this.size * this.layout.words
    for (const sample of this.samples) next = sample.write(into, next)
  }

  /** Takes what `write` wrote: `from[at...]` to its end. @returns whether that is what it is */
  read(from: Float64Array, at: number): boolean {
    const { words } = this.layout
    const size = from[at + 1]!
    if (!(size >= 0 && at + HEAD_WORDS + size * words <= from.length)) return false
    this.latestMs = from[at]!
    this.size = size
    this.data = from.slice(at + HEAD_WORDS, at + HEAD_WORDS + size * words)
    let next = at + HEAD_WORDS + size * words
    for (const sample of this.samples) next = sample.read(from, next)
    return next === from.length
  }

  /** First row whose step is not before `number`. */
  private firstRow(number: number): number {
    const { words } = this.layout
    const { size, data } = this
    // Nearly always the latest, or one after it.
    if (size > 0 && data[(size - 1) * words]! < number) return size
    let low = 0
    let high = size
    while (low < high) {
      const middle = (low + high) >>> 1
      if (data[middle * words]! < number) low = middle + 1
      else high = middle
    }
    return low
  }

  private grow(): void {
    const larger = new Float64Array(Math.max(8 * this.layout.words, 2 * this.data.length))
    larger.set(this.data)
    this.data = larger
  }
}
