import { comparePaired, type PairedComparison } from '../evaluation/paired-comparison.ts'
import type { Random } from '../foundation/random.ts'
import type { RecordFigure } from './episode.ts'
import type { RetrainingRules } from './retraining-rules.ts'
import type { ServedTraffic } from './retraining-works.ts'

/** What service says of a challenger beside the champion. */
export interface TrafficVerdict {
  /** Why it has to go; undefined: it may stay. */
  readonly against: string | undefined
  readonly figures: Readonly<Record<string, RecordFigure>>
}

type Judging = Pick<
  RetrainingRules,
  'alertsPerDay' | 'alertRateLimits' | 'leastDecisions' | 'leastJudgedFrauds' | 'resamples'
> & {
  readonly random: Random
  /** Looks that are taken until the end: each may err, so each errs as much less. */
  readonly looks: number
}

/**
 * Whether a challenger in service is worse than the champion, by the paired test on matured decisions that
 * both scored, or raises far too many or too few alerts: beyond the limits beside the champion's, and beside
 * the budget too, since a champion whose scores have moved is no measure.
 */
export const judgeTraffic = (traffic: ServedTraffic, judging: Judging): TrafficVerdict => {
  const { decisions, days, championAlerts, challengerAlerts } = traffic
  const compared = comparisonOf(traffic, judging)
  const figures = {
    decisions,
    championAlertsPerDay: championAlerts / days,
    challengerAlertsPerDay: challengerAlerts / days,
    ...(compared !== undefined && figuresOfComparison(compared)),
  }
  if (compared?.verdict === 'worse')
    return { against: 'it is worse on matured decisions that both models scored', figures }
  const [least, greatest] = judging.alertRateLimits
  const isWithin = (usual: number): boolean =>
    challengerAlerts >= least * usual && challengerAlerts <= greatest * usual
  if (
    decisions >= judging.leastDecisions &&
    !isWithin(championAlerts) &&
    !isWithin(judging.alertsPerDay * days)
  )
    return {
      against: `it raises ${(challengerAlerts / days).toFixed(1)} alerts a day, the champion ${(championAlerts / days).toFixed(1)}, and the budget is ${judging.alertsPerDay}`,
      figures,
    }
  return { against: undefined, figures }
}

const comparisonOf = (
  { pairs }: ServedTraffic,
  { leastJudgedFrauds, alertsPerDay, random, resamples, looks }: Judging,
): PairedComparison | undefined => {
  if (pairs === undefined) return undefined
  const frauds = pairs.labels.reduce((sum, label) => sum + label, 0)
  if (frauds < leastJudgedFrauds || frauds === pairs.labels.length) return undefined
  return comparePaired(pairs, { alertsPerDay, random, resamples, looks })
}

/** A comparison as figures of a record. */
export const figuresOfComparison = ({
  rows,
  frauds,
  users,
  figures,
  verdict,
}: PairedComparison): Readonly<Record<string, RecordFigure>> => ({
  verdict,
  rows,
  frauds,
  users,
  ...Object.fromEntries(
    Object.entries(figures).flatMap(([name, { champion, challenger, difference, low, high }]) => [
      [`${name}.champion`, finite(champion)],
      [`${name}.challenger`, finite(challenger)],
      [`${name}.difference`, finite(difference)],
      [`${name}.low`, finite(low)],
      [`${name}.high`, finite(high)],
    ]),
  ),
})

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null)
