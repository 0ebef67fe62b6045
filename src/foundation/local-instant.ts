import { DAY_MS } from './days.ts'
import type { TimeZone } from './time-zone.ts'

/**
 * Which instant a local time is that happens twice or never, in the words of Temporal
 * (`src/dataset/local-time.ts` has them in SQL; a test compares the two).
 */
export type Disambiguation = 'later' | 'earlier' | 'compatible' | 'reject'

/**
 * The instant of a local time, epoch milliseconds; undefined where it is rejected.
 *
 * @param localMs the local time, as if it were UTC
 */
export const instantOfLocal = (
  localMs: number,
  zone: TimeZone,
  disambiguation: Disambiguation,
): number | undefined => {
  const offsetAt = (timeMs: number): number => zone.offsetMs(timeMs - zone.offsetMs(timeMs))
  const before = localMs - offsetAt(localMs - DAY_MS)
  const after = localMs - offsetAt(localMs + DAY_MS)
  if (before === after) return before
  const isTold = (instant: number): boolean => instant + zone.offsetMs(instant) === localMs
  if (isTold(before) !== isTold(after)) return isTold(before) ? before : after
  switch (disambiguation) {
    case 'later':
      return Math.max(before, after)
    case 'earlier':
      return Math.min(before, after)
    case 'compatible':
      return before
    case 'reject':
      return undefined
  }
}
