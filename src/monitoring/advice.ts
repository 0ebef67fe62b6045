import type { ChartVerdict, DriftLook, FeatureDrift } from '../drift/drift-look.ts'
import { DRIFT_DEFAULTS } from '../drift/drift-settings.ts'
import { isOfTheFeed } from '../drift/feed-series.ts'
import { firstNames } from '../foundation/first-names.ts'
import { faultInWords } from './fault-in-words.ts'
import type { MonitorReport } from './monitor-report.ts'

/**
 * What to do about a look, the most urgent first: broken data explain the rest, and what labels say is more
 * than what features let fear.
 */
export const adviceOn = (
  look: DriftLook,
  { performance, quality }: Pick<MonitorReport, 'performance' | 'quality'>,
): readonly string[] => {
  const found = [...onQuality(quality), ...onPerformance(performance)]
  return found.length > 0 && look.basis === 'chart' && !look.isRaised ? found : [...found, ...onDrift(look)]
}

const onQuality = ({ days, blockedDays }: MonitorReport['quality']): readonly string[] => {
  const latest = days.at(-1)
  return [
    ...(latest?.faults ?? []).map(
      (fault) => `Data of ${latest!.date} are broken: ${faultInWords(fault)}. ${fault.whatToDo}`,
    ),
    ...(blockedDays.length === 0
      ? []
      : [`Do not retrain on ${blockedDays.join(', ')}: a model that learns a fault is worse.`]),
  ]
}

const onPerformance = (performance: MonitorReport['performance']): readonly string[] => {
  if (performance === null || performance.reasons.length === 0) return []
  return [
    `Decisions have become worse, or the scores wrong. First of all: ${performance.reasons[0]}. Look at the latest alerts and missed frauds for what is new, and train on recent days with labels once the cohorts are mature.`,
  ]
}

/** What to do about drift. It names what was found, and commands that exist. */
const onDrift = (look: DriftLook): readonly string[] => {
  if (look.basis === 'effects only')
    return [
      `Before the day looked at are ${look.historyDays} days of ${DRIFT_DEFAULTS.leastRows} rows or more, of the model’s training and of the log together: too few for limits, which need ${DRIFT_DEFAULTS.leastHistory}. So only the size of changes is shown, and nothing is raised. Each day of service adds one; a model that is trained on longer data brings days of its training along (days.bin).`,
    ]
  if (!look.isRaised) return ['Nothing to do: no feature, score or segment is beyond its limit.']
  const changed = beyondLimit(look)
  const broken = changed.filter(({ chart }) => isOfTheFeed(chart!.series))
  const moved = changed.filter(({ chart }) => !isOfTheFeed(chart!.series))
  const scores = [look.score, ...look.segments].filter(({ chart }) => isBeyond(chart))
  return [
    ...(broken.length === 0
      ? []
      : [
          `Look at the feed first: ${named(broken.map(({ feature }) => feature))} ${broken.length === 1 ? 'is' : 'are'} missing, or ${broken.length === 1 ? 'has' : 'have'} categories that training did not know. A model that is trained on a broken feed is worse: do not retrain before it is mended.`,
        ]),
    ...(scores.length === 0
      ? []
      : [
          `Scores have moved (${named(scores.map(({ segment }) => segment ?? 'all rows'))}): hold the share of alerts, ${percent(look.score.alertRate)} where ${percent(look.score.usualAlertRate)} is usual, against what analysts can review.`,
        ]),
    ...(moved.length === 0
      ? []
      : [
          `Ask what has changed about ${named(moved.map(({ feature }) => feature))}: a campaign, a new kind of customer, a change of the source. ${scores.length === 0 ? 'Scores have not moved, so nothing is urgent.' : 'Where it stays, train on recent days once their labels are known.'}`,
        ]),
    'Drift of what comes in says nothing of frauds that changed their ways: only labels do.',
  ]
}

/** Features beyond their limit, the furthest first. */
export const beyondLimit = ({ features }: DriftLook): readonly FeatureDrift[] =>
  features.filter(({ chart }) => isBeyond(chart)).sort((a, b) => Math.abs(b.chart!.z) - Math.abs(a.chart!.z))

const isBeyond = (chart: ChartVerdict | undefined): chart is ChartVerdict => chart?.isBeyond === true

const MOST_NAMED = 5

const named = (names: readonly string[]): string => firstNames(names, MOST_NAMED)

const percent = (share: number): string => (Number.isNaN(share) ? 'unknown' : `${(100 * share).toFixed(2)} %`)
