import { worstOf } from '../drift/severity.ts'
import { DAY_MS } from '../foundation/days.ts'
import type { PerformanceSection, ReportedRate, WatchSection } from '../monitoring/performance-section.ts'
import type { ConceptFound } from '../retraining/finding.ts'
import { named } from '../retraining/findings-of.ts'

/** Part of its limit below which a CUSUM speaks for nothing: of two sides one is hardly ever at 0. */
const CALM = 0.2

/**
 * What labels say of the decisions of a model: concept drift, where a watch of all decisions or of a segment
 * alarms. The alarm and how grave it is are the report's.
 *
 * The change is dated to the day after the last one on which the CUSUM of the strongest rate stood near 0
 * (Page 1954): some days late rather than early, so that what is learnt from is of the changed kind. Of
 * several alarms the earliest date counts.
 */
export const conceptOfPerformance = ({
  watches,
}: Pick<PerformanceSection, 'watches'>): ConceptFound | undefined => {
  const alarming = watches.filter(({ isAlarm }) => isAlarm)
  if (alarming.length === 0) return undefined
  return {
    kind: 'concept_drift',
    severity: worstOf(alarming.map(({ severity }) => severity)),
    sinceMs: Math.min(...alarming.map(changedMs)),
    what: named(alarming.flatMap(speaking)),
  }
}

const changedMs = ({ rates }: WatchSection): number => {
  const strongest = rates.toSorted((a, b) => strengthOf(b) - strengthOf(a))[0]!
  const watched = strongest.days.filter(({ cusum }) => cusum !== null)
  const calm = watched.findLast(({ cusum }) => cusum! < CALM)
  return calm === undefined ? Date.parse(watched[0]!.date) : Date.parse(calm.date) + DAY_MS
}

/** What a rate adds to the alarm. */
const strengthOf = ({ weight, evidence, cusum, days }: ReportedRate): number =>
  days.at(-1)?.cusum == null ? Number.NEGATIVE_INFINITY : weight * evidence + cusum

const speaking = ({ segment, rates }: WatchSection): readonly string[] =>
  rates
    .filter(({ evidence, cusum }) => evidence > 1 || cusum > 0.5)
    .map(({ name }) => (segment === '' ? name : `${name} of ${segment}`))
