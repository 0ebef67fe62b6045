import { VigiaError } from '../errors.ts'

/** Effects from which on a change has a severity: any of the three is enough. */
export interface EffectLimits {
  /** Wasserstein's distance over the reference's standard deviation. */
  readonly shift: number
  /** Population stability index over ten bins, or all categories. */
  readonly stability: number
  /** How many times one share (missing, a category, alerts) is the other; shares below 1 % count as 1 %. */
  readonly ratio: number
}

/** What `DriftDetector` may be told; every member has a default. */
export interface DriftSettings {
  /** Share of looks without drift that may raise something, over all series together. Default .05. */
  readonly falseAlarms: number
  /** Days of history at least; under it there are effect sizes only. Default 28. */
  readonly leastHistory: number
  /** The latest days that limits are made from. Default 100. */
  readonly mostHistory: number
  /** Days at least between the history and the day looked at: what lasts is news for as long. Default 7. */
  readonly lagDays: number
  /** Days after which the history goes on, and limits are made anew; counted from 1970-01-01. Default 7. */
  readonly refitDays: number
  /** Values at least for a day's measure to count, else the day says nothing of it. Default 100. */
  readonly leastRows: number
  /** Categories with at least this share of the reference are followed one by one. Default .003. */
  readonly leastCategory: number
  readonly moderate: EffectLimits
  readonly severe: EffectLimits
  readonly critical: EffectLimits
  /** `severe` is told when it is found on this many of the last `confirmWithin` days. Default 2. */
  readonly confirmLooks: number
  /** Default 3. */
  readonly confirmWithin: number
}

export const DRIFT_DEFAULTS: DriftSettings = {
  falseAlarms: 0.05,
  leastHistory: 28,
  mostHistory: 100,
  lagDays: 7,
  refitDays: 7,
  leastRows: 100,
  leastCategory: 0.003,
  moderate: { shift: 0.1, stability: 0.1, ratio: 1.5 },
  severe: { shift: 0.25, stability: 0.25, ratio: 3 },
  critical: { shift: 0.5, stability: 0.5, ratio: 8 },
  confirmLooks: 2,
  confirmWithin: 3,
}

/** @throws DRIFT_SETTING_INVALID */
export const driftSettings = (given: Partial<DriftSettings> = {}): DriftSettings => {
  const settings = { ...DRIFT_DEFAULTS, ...given }
  for (const [setting, least, most, isWhole] of BOUNDS) {
    const got = settings[setting]
    if (!(got >= least && got <= most) || (isWhole && !Number.isInteger(got)))
      throw invalid(setting, `a ${isWhole ? 'whole ' : ''}number from ${least} to ${most}`, String(got))
  }
  if (settings.confirmLooks > settings.confirmWithin)
    throw invalid('confirmLooks', 'at most confirmWithin', String(settings.confirmLooks))
  if (settings.mostHistory < settings.leastHistory)
    throw invalid('mostHistory', 'at least leastHistory', String(settings.mostHistory))
  for (const member of ['shift', 'stability', 'ratio'] as const) {
    const [moderate, severe, critical] = GRADES.map((grade) => settings[grade][member])
    if (!(moderate! > 0 && moderate! <= severe! && severe! <= critical!))
      throw invalid(
        `${member} of moderate, severe and critical`,
        'above 0 and ascending',
        `${moderate}, ${severe}, ${critical}`,
      )
  }
  return settings
}

const GRADES = ['moderate', 'severe', 'critical'] as const

/** Setting, least, most, whether it is whole. Two weeks are the least that weeks can be left out of. */
const BOUNDS = [
  ['falseAlarms', 0.001, 0.5, false],
  ['leastHistory', 14, 1000, true],
  ['mostHistory', 14, 1000, true],
  ['lagDays', 0, 1000, true],
  ['refitDays', 1, 1000, true],
  ['leastRows', 1, 1e9, true],
  ['leastCategory', 0, 1, false],
  ['confirmLooks', 1, 100, true],
  ['confirmWithin', 1, 100, true],
] as const

const invalid = (setting: string, allowed: string, got: string): VigiaError =>
  new VigiaError('DRIFT_SETTING_INVALID', { setting, allowed, got })
