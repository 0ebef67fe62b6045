import { DAY_MS } from '../foundation/days.ts'
import type { DecidedEvent } from './decided-rows.ts'

/** A decision that was not flagged, found genuine a day later, with what a test wants otherwise. */
export const decidedEvent = (given: Partial<DecidedEvent>): DecidedEvent => ({
  decidedAtMs: 0,
  score: 0.1,
  flagged: false,
  amountMinor: 100,
  segment: '',
  label: 0,
  knownAtMs: DAY_MS,
  origin: 'alert',
  propensity: null,
  ...given,
})

/** One that nobody told of yet. */
export const untoldEvent = (given: Partial<DecidedEvent>): DecidedEvent =>
  decidedEvent({ label: null, knownAtMs: null, origin: null, ...given })
