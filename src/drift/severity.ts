import { exp } from '../foundation/elementary/exponential.ts'
import { log } from '../foundation/elementary/logarithm.ts'
import type { DriftSettings, EffectLimits } from './drift-settings.ts'

/** How much a change matters, from nothing on. */
export const SEVERITIES = ['none', 'moderate', 'severe', 'critical'] as const

export type DriftSeverity = (typeof SEVERITIES)[number]

export const isAtLeast = (severity: DriftSeverity, least: DriftSeverity): boolean =>
  SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(least)

export const worstOf = (severities: Iterable<DriftSeverity>): DriftSeverity => {
  let worst: DriftSeverity = 'none'
  for (const severity of severities) if (isAtLeast(severity, worst)) worst = severity
  return worst
}

/** The severity whose limits an effect reaches, never one above `most`. */
export const severityOf = (
  effect: EffectLimits,
  settings: DriftSettings,
  most: DriftSeverity = 'critical',
): DriftSeverity => {
  const reached = SEVERITIES.filter(
    (severity) => severity === 'none' || (isAtLeast(most, severity) && reaches(effect, settings[severity])),
  )
  return reached.at(-1)!
}

const reaches = (effect: EffectLimits, limits: EffectLimits): boolean =>
  effect.shift >= limits.shift || effect.stability >= limits.stability || effect.ratio >= limits.ratio

/**
 * An effect as far as its feature matters to the model: times its share of all importance, where one of an
 * average feature or a more important one counts in full. A ratio is weighted in its logarithm.
 */
export const weightedEffect = (effect: EffectLimits, share: number, features: number): EffectLimits => {
  const weight = Math.min(1, Math.max(0, share * features))
  return {
    shift: effect.shift * weight,
    stability: effect.stability * weight,
    ratio: exp(log(effect.ratio) * weight),
  }
}

/**
 * What a look may tell of the severity it found: `severe` only when enough of the last days have it, else it
 * is told as moderate. `critical` is told at once: a broken feed does not wait for tomorrow.
 *
 * @param earlier what was found on the days before, oldest first
 */
export const confirmedSeverity = (
  found: DriftSeverity,
  earlier: readonly DriftSeverity[],
  { confirmLooks, confirmWithin }: DriftSettings,
): DriftSeverity => {
  if (found !== 'severe') return found
  const recent = confirmWithin > 1 ? earlier.slice(1 - confirmWithin) : []
  const agreeing = 1 + recent.filter((severity) => isAtLeast(severity, 'severe')).length
  return agreeing >= confirmLooks ? 'severe' : 'moderate'
}
