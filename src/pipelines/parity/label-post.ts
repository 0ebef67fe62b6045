import type { Label } from '../../transaction/transaction.ts'
import type { OnlineFeatures } from '../online/online-features.ts'

/** A transaction with what is known of it, as far as labels are concerned. */
export type Labelled = Omit<Label, 'knownAtMs'> & {
  /** When the label became known; null where only the delay says so. */
  readonly labelledAtMs: number | null
}

/**
 * Labels on their way to the serving call, at the times of the replay.
 *
 * The clock is the latest event time that has arrived. A label becomes known at `labelledAtMs`, or at its
 * transaction's time plus the delay; if the clock is already past that when the transaction arrives, then at
 * once. Known labels are delivered before the next transaction: those known first first, equal ones by
 * arrival.
 */
export interface LabelPost {
  /** Delivers what is known when a transaction of `eventTimeMs` arrives. */
  deliver(online: Pick<OnlineFeatures, 'applyLabel'>, eventTimeMs: number): Promise<void>
  /** Takes the label of the transaction that has just arrived. */
  post(labelled: Labelled): void
}

/**
 * @param delayMs `labels.delay`
 * @param pending labels of earlier transactions that were not delivered yet, in the order of delivery
 * @param startMs the clock before the first transaction; -Infinity when nothing came before
 */
export const createLabelPost = (delayMs: number, pending: readonly Label[], startMs: number): LabelPost => {
  let clockMs = startMs
  const queue: Label[] = [...pending]
  let next = 0
  return {
    deliver: async (online, eventTimeMs) => {
      clockMs = Math.max(clockMs, eventTimeMs)
      while (next < queue.length && queue[next]!.knownAtMs <= clockMs) await online.applyLabel(queue[next++]!)
    },
    post: ({ labelledAtMs, ...label }) => {
      const knownAtMs = Math.max(labelledAtMs ?? label.eventTimeMs + delayMs, clockMs)
      let at = queue.length
      while (at > next && queue[at - 1]!.knownAtMs > knownAtMs) at--
      queue.splice(at, 0, { ...label, knownAtMs })
    },
  }
}
