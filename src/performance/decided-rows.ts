import { VigiaError } from '../errors.ts'

/** Who told a label: a reviewer of an alert, a customer (a chargeback, a call), the random audit sample. */
export const ORIGINS = ['alert', 'customer', 'sample'] as const
export type Origin = (typeof ORIGINS)[number]

/** One decision with what is known of it. */
export interface DecidedEvent {
  readonly decidedAtMs: number
  /** Calibrated probability of fraud, 0 to 1. */
  readonly score: number
  /** Whether the model raised an alert or declined. */
  readonly flagged: boolean
  /** In minor units; NaN where it is not known. */
  readonly amountMinor: number
  /** A group that figures are told of apart, a channel for instance; '' where there are none. */
  readonly segment: string
  /** 1 fraud, 0 genuine; null until somebody told. */
  readonly label: 0 | 1 | null
  /** When the label became known, not before `decidedAtMs`; null without a label. */
  readonly knownAtMs: number | null
  readonly origin: Origin | null
  /** Chance that this row had of its label by review or audit: in (0, 1]; null where nobody drew. */
  readonly propensity: number | null
}

/** The same as columns, one entry a decision, as all figures read them. */
export interface DecidedRows {
  /**
   * How many decisions each row stands for; left out: 1. Those of more are not flagged, nobody drew them or
   * told a fraud among them, and they are of one day and segment: `decidedAtMs` and `scores` are their means,
   * `amountsMinor` is of all of them together. So a year of decisions of which nobody ever told fits memory.
   */
  readonly counts?: Float64Array
  readonly decidedAtMs: Float64Array
  readonly scores: Float64Array
  readonly flagged: Uint8Array
  readonly amountsMinor: Float64Array
  /** Index into `segmentNames`. */
  readonly segments: Uint32Array
  readonly segmentNames: readonly string[]
  /** 1 fraud, 0 genuine, `UNKNOWN` until somebody told. */
  readonly labels: Uint8Array
  /** NaN without a label. */
  readonly knownAtMs: Float64Array
  /** Index into `ORIGINS`, `UNKNOWN` without a label. */
  readonly origins: Uint8Array
  /** NaN where nobody drew. */
  readonly propensities: Float64Array
}

/** In `labels` and `origins`: nobody has told yet. */
export const UNKNOWN = 255

/**
 * Decisions as columns, in the same order.
 *
 * @throws PERFORMANCE_EVENT_INVALID with the first event that contradicts itself
 */
export const decidedRows = (events: readonly DecidedEvent[]): DecidedRows => {
  const names = new Map<string, number>()
  const codeOf = (segment: string): number => {
    const code = names.get(segment) ?? names.size
    names.set(segment, code)
    return code
  }
  events.forEach(checkEvent)
  return {
    decidedAtMs: Float64Array.from(events, ({ decidedAtMs }) => decidedAtMs),
    scores: Float64Array.from(events, ({ score }) => score),
    flagged: Uint8Array.from(events, ({ flagged }) => Number(flagged)),
    amountsMinor: Float64Array.from(events, ({ amountMinor }) => amountMinor),
    segments: Uint32Array.from(events, ({ segment }) => codeOf(segment)),
    segmentNames: [...names.keys()],
    labels: Uint8Array.from(events, ({ label }) => label ?? UNKNOWN),
    knownAtMs: Float64Array.from(events, ({ knownAtMs }) => knownAtMs ?? Number.NaN),
    origins: Uint8Array.from(events, ({ origin }) => (origin === null ? UNKNOWN : ORIGINS.indexOf(origin))),
    propensities: Float64Array.from(events, ({ propensity }) => propensity ?? Number.NaN),
  }
}

const checkEvent = (event: DecidedEvent, row: number): void => {
  const { decidedAtMs, score, label, knownAtMs, origin, propensity } = event
  const refuse = (what: string, got: unknown, allowed: string): never => {
    throw new VigiaError('PERFORMANCE_EVENT_INVALID', { row, what, got: String(got), allowed })
  }
  if (!Number.isFinite(decidedAtMs)) refuse('decidedAtMs', decidedAtMs, 'milliseconds since 1970')
  if (!(score >= 0 && score <= 1)) refuse('score', score, '0 to 1')
  if (propensity !== null && !(propensity > 0 && propensity <= 1))
    refuse('propensity', propensity, 'above 0, at most 1, or null')
  if (label === null && (knownAtMs !== null || origin !== null))
    refuse('label', label, '0 or 1 where knownAtMs or origin is given')
  if (label === null) return
  if (origin === null) refuse('origin', origin, ORIGINS.join(', '))
  if (knownAtMs === null || !(knownAtMs >= decidedAtMs))
    refuse('knownAtMs', knownAtMs, `at least decidedAtMs, ${decidedAtMs}`)
}

/** Decisions that a row stands for. */
export const countOf = ({ counts }: DecidedRows, row: number): number =>
  counts === undefined ? 1 : counts[row]!

/** Whether the label of a row was known at `asOfMs`. */
export const isKnownAt = (rows: DecidedRows, row: number, asOfMs: number): boolean =>
  rows.knownAtMs[row]! <= asOfMs
