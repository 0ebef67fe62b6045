import { VigiaError } from '../errors.ts'
import { DAY_MS } from '../foundation/days.ts'
import { type Episode, isAdjusted } from './episode.ts'
import { countedMs, judgeAlerts } from './judge-alerts.ts'
import type { AdjustedEpisode, ProposedEpisode } from './retraining-works.ts'
import type { NextStep, StepOutcome, StepParts } from './step.ts'

type Act = Extract<NextStep, { readonly kind: 'act' }>

/** The step that proposes a threshold; undefined where none is wanted, or it was answered already. */
export const proposing = (episode: Episode, { works, rules, nowMs }: StepParts): NextStep | undefined => {
  const { wantsThreshold, threshold, thresholdKept, changedMs, movedMs = changedMs } = episode
  if (!wantsThreshold || threshold !== undefined || thresholdKept !== undefined) return undefined
  const wholeDayMs = movedMs === null ? nowMs : (Math.ceil(movedMs / DAY_MS) + 1) * DAY_MS
  // Hours differ more than days do: of a part of a day no threshold is made.
  if (nowMs < wholeDayMs)
    return { kind: 'wait', why: 'no whole day has passed since scores moved', untilMs: wholeDayMs }
  return {
    kind: 'act',
    what: 'propose a threshold that meets the alert budget',
    why: 'scores have moved, and it needs no labels',
    carryOut: async (): Promise<StepOutcome> => {
      const answer = await works.proposeThreshold(episode, rules, nowMs)
      if ('kept' in answer)
        return {
          to: 'waiting',
          why: `the threshold stays: ${answer.kept}`,
          change: { thresholdKept: answer.kept },
        }
      const { calibration, calibrationWhy, presentRescaled: _, ...figures } = answer
      const { present, alertsPerDay, presentAlertsPerDay } = answer
      return {
        to: rules.threshold === 'apply' ? 'adjusting' : 'waiting',
        why: `a threshold of ${answer.threshold} raises ${alertsPerDay.toFixed(1)} alerts a day, where the present one, ${present}, raises ${presentAlertsPerDay.toFixed(1)}; calibration: ${calibrationWhy}`,
        change: { threshold: answer },
        figures: { ...figures, isRecalibrated: calibration !== null },
      }
    },
  }
}

/** The champion with that threshold is registered. */
export const adjusting = (episode: Episode, { works, control }: StepParts): NextStep => {
  const { threshold } = episode
  if (threshold === undefined) return { kind: 'wait', why: 'it has no threshold to apply', untilMs: null }
  return {
    kind: 'act',
    what: `register the champion with the threshold ${threshold.threshold}`,
    why: episode.why,
    carryOut: async (signal) => {
      const { champion } = await control.serving()
      if (champion !== threshold.champion)
        return {
          to: 'waiting',
          why: `the threshold is one for ${threshold.champion}, and ${champion} decides by now`,
          change: { thresholdKept: 'another model decides by now' },
        }
      const derived = await works.derive({ ...episode, threshold }, signal)
      return {
        to: 'waiting',
        why: `version ${derived.version} is the champion with the threshold ${threshold.threshold}`,
        change: { adjusted: { ...derived, before: champion } },
        figures: { version: derived.version, source: derived.source, before: champion },
      }
    },
  }
}

/**
 * What a champion with another threshold asks for before its episode goes on: to be put in service, and to be
 * taken back where its alerts leave the limits. Undefined: nothing.
 *
 * For as long as it is watched the server is held to it, so that one that was started anew is put right.
 * Where a third model decides somebody has chosen it, and it stays.
 */
export const watchingAdjusted = async (episode: Episode, parts: StepParts): Promise<Act | undefined> => {
  if (!hasAdjusted(episode)) return undefined
  const { control, rules, works, nowMs } = parts
  const { source, before, servedMs } = episode.adjusted
  if (servedMs !== undefined && nowMs >= servedMs + rules.watchMs) return undefined
  const { champion } = await control.serving()
  if (champion !== source && champion !== before) return undefined
  // A threshold of broken data goes in service with nobody.
  if (episode.status === 'held' && servedMs === undefined) return undefined
  if (servedMs === undefined || champion !== source) return serving(episode, parts)
  const servedForMs = nowMs - servedMs
  const fromMs = nowMs - Math.min(servedForMs, countedMs(rules))
  const traffic = await works.adjustedTraffic(episode, fromMs, nowMs)
  const { against, figures } = judgeAlerts(traffic, rules, servedForMs)
  if (against === undefined) return undefined
  return {
    kind: 'act',
    what: 'put the champion with the threshold before back',
    why: against,
    carryOut: async () => ({
      to: 'restoring',
      why: against,
      change: { returnTo: episode.status },
      figures,
    }),
  }
}

/** Alias and server; what is there already stays as it is. */
const serving = (episode: AdjustedEpisode & ProposedEpisode, { control, works, nowMs }: StepParts): Act => {
  const { adjusted, status } = episode
  const what = `let ${adjusted.source} decide`
  return {
    kind: 'act',
    what,
    why: 'it is the champion with a threshold that meets the alert budget',
    carryOut: async (signal) => {
      await works.adopt(episode, signal)
      if ((await control.serving()).champion !== adjusted.source) await control.switchTo(adjusted.source)
      if ((await control.serving()).champion !== adjusted.source)
        throw new VigiaError('RETRAINING_NOT_SERVED', { what })
      return { to: status, why: what, change: { adjusted: { ...adjusted, servedMs: nowMs } } }
    },
  }
}

/** The champion with the threshold before decides again. */
export const restoring = (episode: Episode, { control, works, nowMs }: StepParts): NextStep => {
  const { adjusted, returnTo = 'waiting', why } = episode
  if (adjusted === undefined) return { kind: 'wait', why: 'it has nothing to take back', untilMs: null }
  const what = `let ${adjusted.before} decide`
  return {
    kind: 'act',
    what,
    why,
    carryOut: async () => {
      // The server first: what it does to customers ends before anything is written down.
      if ((await control.serving()).champion === adjusted.source) {
        await control.switchTo(adjusted.before)
        if ((await control.serving()).champion === adjusted.source)
          throw new VigiaError('RETRAINING_NOT_SERVED', { what })
      }
      await works.restore({ ...episode, adjusted })
      return {
        to: returnTo,
        why: `the threshold is rolled back: ${why}`,
        change: { adjusted: { ...adjusted, takenBackMs: nowMs } },
      }
    },
  }
}

const hasAdjusted = (episode: Episode): episode is AdjustedEpisode & ProposedEpisode =>
  isAdjusted(episode) && episode.threshold !== undefined
