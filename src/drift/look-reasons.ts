import type { DriftLook, FeatureDrift, ScoreDrift } from './drift-look.ts'
import type { DriftSettings } from './drift-settings.ts'
import { SEVERITIES } from './severity.ts'

/** Reasons of one kind that are told one by one. */
const MOST_TOLD = 10

/** The verdict of a look in sentences, what weighs most first. */
export const reasonsOf = (look: Omit<DriftLook, 'reasons'>, settings: DriftSettings): string[] => {
  const { basis, rows, found, severity } = look
  const beyond = [...look.features, look.score, ...look.segments]
    .filter(({ chart }) => chart?.isBeyond === true)
    .sort(
      (a, b) =>
        SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity) ||
        Math.abs(b.chart!.z) - Math.abs(a.chart!.z),
    )
  const told = beyond.slice(0, MOST_TOLD).map(sentenceOf)
  if (beyond.length > MOST_TOLD) told.push(`${beyond.length - MOST_TOLD} more are beyond the limit.`)
  const short =
    basis === 'effects only'
      ? [`Fewer than ${settings.leastHistory} days of history: effect sizes only, nothing is raised.`]
      : []
  const thin =
    rows < settings.leastRows
      ? [`${rows} rows are too few to be judged (${settings.leastRows} are the least).`]
      : []
  const unconfirmed =
    found !== severity
      ? [
          `Severe is told when it is found on ${settings.confirmLooks} of ${settings.confirmWithin} days; this one is told as ${severity}.`,
        ]
      : []
  const small =
    look.isRaised && found === 'none'
      ? ['The change is real and small: no effect reaches the limits of moderate.']
      : []
  return [...short, ...thin, ...told, ...unconfirmed, ...small, ...sinceTraining(look.features, settings)]
}

const sentenceOf = (drift: FeatureDrift | ScoreDrift): string => {
  const { z, limit } = drift.chart!
  return `${nameOf(drift)}: ${drift.direction} (${Math.abs(z).toFixed(1)}, limit ${limit.toFixed(1)}; ${drift.severity}).`
}

const nameOf = (drift: FeatureDrift | ScoreDrift): string => {
  if ('feature' in drift) return drift.feature
  return drift.segment === undefined ? 'The score' : `The segment ${drift.segment}`
}

/**
 * A chart follows what changes slowly, and cannot see it: what has moved far since training is told apart.
 */
const sinceTraining = (features: readonly FeatureDrift[], { severe }: DriftSettings): string[] => {
  const moved = features
    .filter(({ sinceTraining }) => sinceTraining.shift >= severe.shift)
    .sort((a, b) => b.sinceTraining.shift - a.sinceTraining.shift)
  if (moved.length === 0) return []
  const most = moved
    .slice(0, 3)
    .map(({ feature, sinceTraining }) => `${feature} by ${sinceTraining.shift.toFixed(2)}`)
  return [
    `Since training ${moved.length === 1 ? '1 feature has' : `${moved.length} features have`} moved by ${severe.shift} standard deviations or more (${most.join(', ')}): expected of what grows, and in time a reason to train again.`,
  ]
}
