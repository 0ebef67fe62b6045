import { type AuditEstimate, auditEstimate } from './audit-sample.ts'
import { type DecidedEvent, decidedRows } from './decided-rows.ts'
import { type Estimate, shareWithInterval } from './estimate.ts'
import type { LoggedDecision, LoggedEvents, NotCovered } from './logged-events.ts'

/** Which decisions, and what was known when; `fromMs` is included, `toMs` is not. */
export interface RecallWindow {
  readonly fromMs: number
  readonly toMs: number
  readonly asOfMs: number
}

/** How many of the frauds the model flags: as it looks, and as it is. */
export interface RecallFigures {
  /**
   * Flagged of all frauds that anybody told of, each counted once. What nobody noticed is missing below the
   * line, and what was blocked without a word above it: it may be far off either way.
   */
  readonly asSeen: Estimate
  /** By the control sample: of decisions that it covers. */
  readonly byControlSample: AuditEstimate
  /** What the estimate says nothing of. */
  readonly notCovered: NotCovered
}

/** Both recalls of a log's decisions (`collectEvents`), side by side, with 95 % intervals. */
export const recallFigures = <D extends LoggedDecision>(
  logged: Pick<LoggedEvents<D>, 'events' | 'audited' | 'notCovered'>,
  window: RecallWindow,
): RecallFigures => {
  const frauds = logged.events().filter((event) => isKnownFraud(event, window))
  return {
    asSeen: shareWithInterval(frauds.filter(({ flagged }) => flagged).length, frauds.length),
    byControlSample: auditEstimate(decidedRows(logged.audited()), window),
    notCovered: logged.notCovered(),
  }
}

const isKnownFraud = (
  { decidedAtMs, label, knownAtMs }: DecidedEvent,
  { fromMs, toMs, asOfMs }: RecallWindow,
): boolean =>
  decidedAtMs >= fromMs && decidedAtMs < toMs && label === 1 && knownAtMs !== null && knownAtMs <= asOfMs
