import { type EventTimeBounds, isTooOld } from '../../transaction/event-time.ts'
import type { DecisionEntry } from '../decided.ts'

/**
 * Whether a decision moved states to a time that cannot be true: further ahead of the clock at which it was
 * decided on, or further behind it, than `bounds` allow. Servers refuse such times, but earlier versions
 * did not, nor do servers with wider bounds.
 */
export const isUntrue = (
  { transaction: { eventTimeMs }, decidedAtMs, timing }: DecisionEntry,
  bounds: EventTimeBounds,
): boolean =>
  timing !== 'too_old' &&
  (eventTimeMs > decidedAtMs + bounds.maxFutureMs || isTooOld(eventTimeMs, decidedAtMs, bounds))
