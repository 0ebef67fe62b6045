import type { ChartVerdict, DriftLook, FeatureDrift } from '../drift/drift-look.ts'

/** Series that tell of a feed rather than of customers. */
const OF_THE_FEED = new Set(['share of missing values', 'share of unseen categories'])

/** What to do about a look, the most urgent first. It names what was found, and commands that exist. */
export const adviceOn = (look: DriftLook): readonly string[] => {
  if (look.basis === 'effects only')
    return [
      `The history has ${look.historyDays} usable days, too few for limits: only the size of changes is shown, and nothing is raised. Days of training come with models that this version trains; every day of the log adds one.`,
    ]
  if (!look.isRaised) return ['Nothing to do: no feature, score or segment is beyond its limit.']
  const changed = beyondLimit(look)
  const broken = changed.filter(({ chart }) => OF_THE_FEED.has(chart!.series))
  const moved = changed.filter(({ chart }) => !OF_THE_FEED.has(chart!.series))
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

const named = (names: readonly string[]): string =>
  names.length <= MOST_NAMED
    ? names.join(', ')
    : `${names.slice(0, MOST_NAMED).join(', ')} and ${names.length - MOST_NAMED} more`

const percent = (share: number): string => (Number.isNaN(share) ? 'unknown' : `${(100 * share).toFixed(2)} %`)
