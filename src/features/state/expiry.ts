import type { StateLayout } from './layout.ts'

/**
 * How long after its latest transaction, by the clock of all transactions, the state of an entity says
 * nothing more than that of one which was never seen, in milliseconds; Infinity: for ever.
 *
 * That is so once every window has passed, with the delay of labels, where only windows are read, and once
 * the entity would be begun anew (`forgetAfterMs`). One more allowed lateness covers transactions that come
 * late: those further behind the clock find nothing where they would have found what was there at their time.
 */
export const lifetimeMs = (layout: StateLayout): number => {
  const { forgetAfterMs, retentionMs, limits } = layout
  if (forgetAfterMs === Number.POSITIVE_INFINITY && isLifelong(layout)) return Number.POSITIVE_INFINITY
  return Math.min(forgetAfterMs, isLifelong(layout) ? forgetAfterMs : retentionMs) + limits.latenessMs
}

/** Whether features read what is kept of an entity for its whole life. */
const isLifelong = ({ needs }: StateLayout): boolean =>
  needs.life ||
  needs.coordinates ||
  needs.dimensions.length > 0 ||
  (needs.aggregates ?? []).some(({ windows }) => windows.length === 0)
