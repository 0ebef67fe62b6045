import type { DriftLook } from '../drift/drift-look.ts'
import { isOfTheFeed } from '../drift/feed-series.ts'
import { isAtLeast } from '../drift/severity.ts'
import { DAY_MS } from '../foundation/days.ts'
import { firstNames } from '../foundation/first-names.ts'
import type { DataFault } from '../quality/data-fault.ts'
import type { DataFaultFound, ShiftFound } from './finding.ts'

const MOST_NAMED = 5

/**
 * Faults of a day's data; undefined where none blocks a retraining.
 *
 * @param day whole days since 1970
 */
export const findingOfFaults = (day: number, faults: readonly DataFault[]): DataFaultFound | undefined => {
  const blocking = faults.filter(({ blocksRetraining }) => blocksRetraining)
  if (blocking.length === 0) return undefined
  return {
    kind: 'data_fault',
    faults: blocking.map(({ kind, field }) => (field === null ? kind : `${kind} of ${field}`)),
    days: [day],
  }
}

/**
 * What a look for drift says of the feed: features that lost their values or have new codes, from moderate
 * on. It is asked where nobody judged the data themselves, which know more of them.
 */
export const feedFaultOf = (look: DriftLook): DataFaultFound | undefined => {
  if (!look.isRaised) return undefined
  const broken = look.features.filter(
    ({ chart, severity }) =>
      chart?.isBeyond === true && isOfTheFeed(chart.series) && isAtLeast(severity, 'moderate'),
  )
  if (broken.length === 0) return undefined
  return {
    kind: 'data_fault',
    faults: broken.map(({ feature, chart }) => `${chart!.series} of ${feature}`),
    days: [look.day],
  }
}

/** What a look for drift says of what comes in and of scores; what is missing or new is the feed's. */
export const shiftOf = (look: DriftLook): ShiftFound | undefined => {
  if (!look.isRaised) return undefined
  const moved = look.features.filter(({ chart }) => chart?.isBeyond === true && !isOfTheFeed(chart.series))
  const scores = [look.score, ...look.segments].filter(({ chart }) => chart?.isBeyond === true)
  if (moved.length + scores.length === 0) return undefined
  return {
    kind: 'covariate_shift',
    severity: look.severity,
    movedScores: scores.length > 0,
    sinceMs: look.day * DAY_MS,
    what: named([
      ...scores.map(({ segment }) => (segment === undefined ? 'scores' : `scores of ${segment}`)),
      ...moved.map(({ feature }) => feature),
    ]),
  }
}

/** What a finding names of what it found. */
export const named = (names: readonly string[]): string => firstNames(names, MOST_NAMED)
