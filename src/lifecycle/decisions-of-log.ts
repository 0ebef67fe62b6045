import { isTold, type ToldOrigin, toldBy, toldOrigin } from '../decisions/label-origin.ts'
import type { DecisionEntry } from '../decisions/log/log-record.ts'
import { type LoggedEntriesOptions, withLoggedEntries } from '../decisions/log/logged-entries.ts'
import type { Work } from '../disk/work.ts'

export interface DecisionsOfLogOptions extends LoggedEntriesOptions {
  readonly work: Work
}

/** A logged decision, and what somebody told of it by a time. */
export interface ToldDecision {
  readonly decision: DecisionEntry
  /** Null until somebody told, or where it was taken back. */
  readonly isFraud: boolean | null
  /** When it was told; NaN without. */
  readonly toldMs: number
  /** Who told it, by the log or else by its decision; null without. */
  readonly origin: ToldOrigin | null
}

/**
 * Decisions on transactions of [fromMs, toMs) with the last label that had come in by `asOfMs`, in the
 * order of the log. What the server gave by the delay of labels alone nobody told: it is no label here. The
 * first decision on a transaction counts.
 *
 * Times are those of the transactions, and a label is known since the millisecond after the latest of them
 * before it in the log: as training reads the same log (`exportLog`), so that days are the same here and
 * there.
 *
 * Memory: the decisions of that time, without their features.
 */
export const decisionsOfLog = async (
  options: DecisionsOfLogOptions,
  { fromMs, toMs, asOfMs }: { readonly fromMs: number; readonly toMs: number; readonly asOfMs: number },
): Promise<readonly ToldDecision[]> => {
  const told = new Map<string, ToldDecision>()
  let latestMs = Number.NEGATIVE_INFINITY
  await withLoggedEntries(options, async ({ entries }) => {
    for await (const entry of entries) {
      options.work.signal.throwIfAborted()
      if (entry.kind === 'decision') {
        const { decision } = entry
        const { transactionId, eventTimeMs } = decision.transaction
        latestMs = Math.max(latestMs, eventTimeMs)
        if (eventTimeMs >= fromMs && eventTimeMs < toMs && !told.has(transactionId))
          told.set(transactionId, { decision, isFraud: null, toldMs: Number.NaN, origin: null })
      } else if (entry.kind === 'label') {
        const { label } = entry
        const { isWaiting, transactionId, isFraud } = label
        const before = told.get(transactionId)
        if (before === undefined || !isTold(label) || isWaiting === true) continue
        const toldMs = isFraud === null ? Number.NaN : latestMs + 1
        if (toldMs > asOfMs) continue
        const origin = isFraud === null ? null : (toldOrigin(label.origin) ?? toldBy(before.decision))
        told.set(transactionId, { decision: before.decision, isFraud, toldMs, origin })
      }
    }
  })
  return [...told.values()]
}
