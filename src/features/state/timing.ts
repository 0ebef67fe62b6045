import type { EntityState } from './entity-state.ts'
import { HEADER, type StateLayout } from './layout.ts'

/**
 * When a transaction arrives, as the state of one of its entities sees it. `in_order`: not before the
 * watermark. `late`: before it by at most the allowed lateness: it is placed. `too_late`: further before it:
 * the state does not change.
 */
export type Timing = 'in_order' | 'late' | 'too_late'

/** The timing of a transaction of `eventTimeMs` that the state has not taken in. */
export const timingOf = (
  { limits }: StateLayout,
  { data, base }: EntityState,
  eventTimeMs: number,
): Timing => {
  const watermark = data[base + HEADER.watermark]!
  if (eventTimeMs >= watermark) return 'in_order'
  return eventTimeMs < watermark - limits.latenessMs ? 'too_late' : 'late'
}

/**
 * Whether every window of the state that ends at `t` has all of its transactions in the ring. If not, it
 * counts those that have left the full ring by whole steps (`StepWindows`).
 */
export const isExactAt = ({ retentionMs, limits }: StateLayout, { past }: EntityState, t: number): boolean =>
  past === undefined || past.latestMs <= t - (retentionMs - limits.latenessMs)

/** How many transactions have left the full ring so far while windows needed them. */
export const truncatedOf = ({ data, base }: EntityState): number => data[base + HEADER.truncated]!
