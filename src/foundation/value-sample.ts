import { powerOfTwo } from './elementary/whole-powers.ts'
import { hashOfDouble } from './hash-of-double.ts'

/** Most values in a sample. */
export const SAMPLED_VALUES = 512

/**
 * Different values, each with the time it was last seen: all of them, or, when they are more than there is
 * room for, those whose hash begins with `level` zeros, of which each stands for 2^level (Gibbons, Distinct
 * Sampling, VLDB 2001).
 *
 * So the number of different values last seen in an interval is exact while there is room, and has a relative
 * standard error of at most 1 / sqrt(values of the sample in it) beyond. Entries ascend by value: equal
 * samples have equal words.
 */
export class ValueSample {
  private level = 0
  private size = 0
  private values = new Float64Array(8)
  private times = new Float64Array(8)

  /** `value` was seen at `timeMs`; NaN is none. */
  add(value: number, timeMs: number): void {
    if (Number.isNaN(value)) return
    let at = this.find(value)
    if (at < this.size && this.values[at] === value) {
      this.times[at] = Math.max(this.times[at]!, timeMs)
      return
    }
    if (!this.isSampled(value)) return
    while (this.size === SAMPLED_VALUES) {
      this.level++
      this.keep((i) => this.isSampled(this.values[i]!))
      if (!this.isSampled(value)) return
      at = this.find(value)
    }
    if (this.size === this.values.length) this.grow()
    for (const words of [this.values, this.times]) words.copyWithin(at + 1, at, this.size)
    this.values[at] = value
    this.times[at] = timeMs
    this.size++
  }

  /** Forgets `value`. */
  remove(value: number): void {
    const at = this.find(value)
    if (at === this.size || this.values[at] !== value) return
    for (const words of [this.values, this.times]) words.copyWithin(at, at + 1, this.size)
    this.size--
  }

  /** How many were last seen in (afterMs, untilMs], `value` left out. */
  countIn(afterMs: number, untilMs: number, value: number): number {
    let count = 0
    for (let i = 0; i < this.size; i++) {
      const at = this.times[i]!
      if (at > afterMs && at <= untilMs && this.values[i] !== value) count++
    }
    return count * powerOfTwo(this.level)
  }

  /** Forgets what was last seen up to `horizonMs`. */
  expire(horizonMs: number): void {
    this.keep((i) => this.times[i]! > horizonMs)
    if (this.size === 0) this.level = 0
  }

  get byteLength(): number {
    return this.values.byteLength + this.times.byteLength
  }

  /** Words that `write` writes. */
  get words(): number {
    return 2 + 2 * this.size
  }

  /** Level, number of values, values, times. @returns the place behind them */
  write(into: Float64Array, at: number): number {
    const { size } = this
    into[at] = this.level
    into[at + 1] = size
    into.set(this.values.subarray(0, size), at + 2)
    into.set(this.times.subarray(0, size), at + 2 + size)
    return at + this.words
  }

  /** What `write` wrote at `at`. @returns the place behind; NaN when it is none */
  read(from: Float64Array, at: number): number {
    const [level, size] = [from[at]!, from[at + 1]!]
    if (!(level >= 0 && size >= 0 && size <= SAMPLED_VALUES && at + 2 + 2 * size <= from.length))
      return Number.NaN
    this.level = level
    this.size = size
    while (this.values.length < size) this.grow()
    this.values.set(from.subarray(at + 2, at + 2 + size))
    this.times.set(from.subarray(at + 2 + size, at + 2 + 2 * size))
    return at + this.words
  }

  private isSampled(value: number): boolean {
    return this.level === 0 || hashOfDouble(value) >>> (32 - this.level) === 0
  }

  /** Place of the first value that is not below `value`. */
  private find(value: number): number {
    let low = 0
    let high = this.size
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.values[middle]! < value) low = middle + 1
      else high = middle
    }
    return low
  }

  private keep(wanted: (i: number) => boolean): void {
    let kept = 0
    for (let i = 0; i < this.size; i++) {
      if (!wanted(i)) continue
      this.values[kept] = this.values[i]!
      this.times[kept++] = this.times[i]!
    }
    this.size = kept
  }

  private grow(): void {
    const enlarged = (words: Float64Array) => {
      const larger = new Float64Array(words.length * 2)
      larger.set(words)
      return larger
    }
    this.values = enlarged(this.values)
    this.times = enlarged(this.times)
  }
}
