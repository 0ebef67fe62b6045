import type { NumberRange } from '../decisions/log/number-ranges.ts'
import { appendNumbers, type NumberProblems, without } from './restore-history.ts'

export interface NumbersInARowOptions {
  /** The run begins after this number. */
  readonly after: number
  /** Highest number that the store had given before the logs were read, inclusive. */
  readonly given: number
  /** Numbers of records that waited in the store then. */
  readonly waiting: readonly NumberRange[]
  /** Numbers that may be missing or name two decisions. */
  readonly accepted: readonly NumberRange[]
}

/** What came of the numbers of some logs. */
export interface CountedNumbers extends NumberProblems {
  /** Numbers that no log has, that did not wait in the store, and that nobody has accepted. */
  readonly open: readonly NumberRange[]
  /** Records after the end of the run. */
  readonly left: number
}

/**
 * The unbroken run of numbers in logs that are being written: it ends before the first one that is in none
 * yet. Numbers that are accepted as missing do not break it.
 */
export class NumbersInARow {
  private readonly options: NumbersInARowOptions
  private readonly missing: NumberRange[] = []
  private readonly doubled: NumberRange[] = []
  private readonly open: NumberRange[] = []
  private lastTaken: number
  private seen: number
  private isBroken = false
  private left = 0

  constructor(options: NumbersInARowOptions) {
    this.options = options
    this.lastTaken = options.after
    this.seen = options.after
  }

  /** Last number of the run, inclusive. */
  get last(): number {
    return this.lastTaken
  }

  /** Takes the next number, ascending. @returns whether its record belongs to the run */
  take(sequence: number): boolean {
    if (sequence === this.seen && !this.isBroken) appendNumbers(this.doubled, sequence, sequence)
    if (sequence > this.seen + 1) this.gap({ first: this.seen + 1, last: sequence - 1 })
    this.seen = sequence
    if (this.isBroken) this.left++
    else this.lastTaken = sequence
    return !this.isBroken
  }

  finish(): CountedNumbers {
    const { missing, doubled, open, left, options, seen } = this
    const rest = seen < options.given ? this.unexplained({ first: seen + 1, last: options.given }) : []
    return { missing, doubled, left, open: [...open, ...rest] }
  }

  private gap(range: NumberRange): void {
    if (without(range, this.options.accepted).length > 0) {
      this.open.push(...this.unexplained(range))
      this.isBroken = true
    } else if (!this.isBroken) this.missing.push(range)
  }

  private unexplained({ first, last }: NumberRange): NumberRange[] {
    const { given, waiting, accepted } = this.options
    return without({ first, last: Math.min(last, given) }, [...waiting, ...accepted])
  }
}
