import { DAY_MS } from '../foundation/days.ts'
import { type DecidedRows, isKnownAt, ORIGINS, type Origin, UNKNOWN } from './decided-rows.ts'
import { quantileOf } from './estimate.ts'

/** Labels of one origin that are known. */
export interface OriginLabels {
  readonly labels: number
  readonly frauds: number
  /** Of flagged decisions, and of those frauds among them. */
  readonly flagged: number
  readonly flaggedFrauds: number
  /** Median days from the decision to the label; NaN without labels. */
  readonly medianDelayDays: number
}

/**
 * Labels known at `asOfMs`, kept apart by who told them: alerts know only what the model flagged, customers
 * only what they noticed, and the audit sample all, but of few. Added up they are none of these.
 */
export const labelsByOrigin = (rows: DecidedRows, asOfMs: number): Readonly<Record<Origin, OriginLabels>> => {
  const found = ORIGINS.map(() => ({ rows: [] as number[], delays: [] as number[] }))
  for (let row = 0; row < rows.labels.length; row++) {
    if (rows.labels[row] === UNKNOWN || !isKnownAt(rows, row, asOfMs)) continue
    const { rows: members, delays } = found[rows.origins[row]!]!
    members.push(row)
    delays.push((rows.knownAtMs[row]! - rows.decidedAtMs[row]!) / DAY_MS)
  }
  const of = (origin: Origin): OriginLabels => {
    const { rows: members, delays } = found[ORIGINS.indexOf(origin)]!
    const frauds = members.filter((row) => rows.labels[row] === 1)
    return {
      labels: members.length,
      frauds: frauds.length,
      flagged: members.filter((row) => rows.flagged[row] === 1).length,
      flaggedFrauds: frauds.filter((row) => rows.flagged[row] === 1).length,
      medianDelayDays: quantileOf(Float64Array.from(delays).sort(), 0.5),
    }
  }
  return { alert: of('alert'), customer: of('customer'), sample: of('sample') }
}
