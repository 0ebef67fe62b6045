import type { DayProfile } from './profile-book.ts'
import type { ProfileLayout } from './profile-layout.ts'
import { WindowProfile } from './window-profile.ts'

/**
 * The same days for a model of other scores or another threshold: what features were like stays, and no row
 * has a score, as those that a model has learnt from. How many scores would reach another threshold cannot be
 * told from counts in bins.
 *
 * @param layout of that model, with the same features in the same bins; `scoreLayout`: of its score alone
 */
export const daysWithoutScores = (
  days: readonly DayProfile[],
  layout: ProfileLayout,
  scoreLayout: ProfileLayout,
): readonly DayProfile[] =>
  days.map(({ day, profile, segments = new Map<string, WindowProfile>() }) => ({
    day,
    profile: withoutScores(profile, layout),
    segments: new Map([...segments].map(([name, scores]) => [name, withoutScores(scores, scoreLayout)])),
  }))

const withoutScores = (profile: WindowProfile, layout: ProfileLayout): WindowProfile => {
  const made = new WindowProfile(layout)
  const score = layout.columns.at(-1)!
  const before = profile.layout.columns.at(-1)!
  const counts = new Uint32Array(layout.size)
  counts.set(profile.counts.subarray(0, before.from))
  counts[score.from + score.size - 1] = profile.rows
  made.restore(counts, profile.rows, 0)
  return made
}
