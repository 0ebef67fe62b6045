import type { StateLayout } from '../layout.ts'

/**
 * What a state keeps of one step: a fixed length of time, of whose transactions it has counts alone, as they
 * have left the ring. Words of a row of `PastSteps`; -1: not kept.
 */
export interface StepLayout {
  /** Length of a step. Steps begin at whole multiples of it since 1970, UTC. */
  readonly ms: number
  readonly words: number
  /** Words from 1 on, before this, are sums; those from it on are largest values. */
  readonly sums: number
  /** Sums of squared amounts, in two words. */
  readonly squares: number
  /** Refunds, and their total. */
  readonly refunds: number
  /** Known labels, and frauds among them. */
  readonly labelled: number
  readonly maximum: number
  /** Per aggregate of the layout: where its count begins, or its largest value. */
  readonly aggregates: readonly number[]
  /** Where sums of two words begin. */
  readonly pairs: readonly number[]
  /** Aggregates whose different values are sampled, behind the dimensions. */
  readonly distinct: readonly number[]
}

/** First words of a row: the step's number, its transactions, and the total of its payments. */
export const STEP = { number: 0, count: 1, totalMinor: 2 } as const

/** Of a sum of an attribute: values, those too large to be summed, the others' sum in two words. */
export const STEP_SUM = { count: 0, beyond: 1, high: 2 } as const
const SUM_WORDS = 4

/** A step is the shortest of these of which the reach has no more than `MOST_STEPS`, or the longest. */
const LENGTHS_MS = [1000, 60_000, 3_600_000] as const
const MOST_STEPS = 4096

/** An hour, unless nothing in the state reaches back 4,096 minutes (a minute) or seconds (a second). */
export const stepMsOf = ({ retentionMs }: Pick<StateLayout, 'retentionMs'>): number =>
  LENGTHS_MS.find((ms) => retentionMs <= MOST_STEPS * ms) ?? LENGTHS_MS[LENGTHS_MS.length - 1]!

/** Most steps that a state has at a time. */
export const mostSteps = (layout: Pick<StateLayout, 'retentionMs'>): number =>
  Math.ceil(layout.retentionMs / stepMsOf(layout)) + 2

export const createStepLayout = (layout: StateLayout): StepLayout => {
  const { needs, aggregates } = layout
  let next: number = STEP.totalMinor + 1
  const words = (kept: boolean, count: number): number => {
    if (!kept) return -1
    next += count
    return next - count
  }
  const squares = words(needs.squares, 2)
  const refunds = words(layout.windowRefunds >= 0, 2)
  const labelled = words(layout.labelField >= 0, 2)
  const places = aggregates.placed.map(({ keeps }) => words(keeps === 'sum', SUM_WORDS))
  const sums = next
  const maximum = words(needs.maximum, 1)
  const all = aggregates.placed.map(({ keeps }, i) => (keeps === 'maximum' ? words(true, 1) : places[i]!))
  const ofSums = places.filter((at) => at >= 0).map((at) => at + STEP_SUM.high)
  return {
    ms: stepMsOf(layout),
    words: next,
    sums,
    squares,
    refunds,
    labelled,
    maximum,
    aggregates: all,
    pairs: squares < 0 ? ofSums : [squares, ...ofSums],
    distinct: aggregates.placed.flatMap(({ keeps }, i) => (keeps === 'distinct' ? [i] : [])),
  }
}
