import { VigiaError } from '../errors.ts'
import type { TrackingStore } from '../ports/tracking-store.ts'
import { type DeliverOptions, type DeliveryOutcome, deliverJournal } from './deliver.ts'

/** Delivers journals while other work goes on. */
export interface BackgroundDelivery {
  /** Something was written to the journal in `folder`. Returns at once. */
  wake(folder: string): void
  /**
   * Delivers what is left, as long as it gets on. Undefined when it was given up: then the rest waits.
   *
   * @throws what `deliverJournal` throws
   */
  finish(folder: string): Promise<DeliveryOutcome | undefined>
}

/** A tracker that did not answer is left in peace for so long. */
const PAUSE_MS = 30_000

/** Slowest connection that a large artifact may take: 1 MB a second. */
const BYTES_PER_MS = 1000

/**
 * @param patienceMs longest wait for one operation at the end; an artifact has more, by its size
 */
export const createBackgroundDelivery = (
  store: TrackingStore,
  patienceMs: number,
  options: Pick<DeliverOptions, 'owner' | 'world'>,
): BackgroundDelivery => {
  const { now } = options.world
  const givenUp = new AbortController()
  let running: Promise<unknown> = Promise.resolve()
  let isRunning = false
  let isWanted = false
  let pauseUntilMs = Number.NEGATIVE_INFINITY
  let onOperation: DeliverOptions['onOperation']
  const deliver = (folder: string): Promise<DeliveryOutcome> =>
    deliverJournal(folder, store, {
      ...options,
      work: { signal: givenUp.signal },
      onOperation: (entry) => onOperation?.(entry),
    })
  const deliverInBackground = async (folder: string): Promise<void> => {
    isRunning = true
    try {
      while (isWanted && now() >= pauseUntilMs) {
        isWanted = false
        const { stoppedBy } = await deliver(folder)
        if (stoppedBy !== undefined) pauseUntilMs = now() + PAUSE_MS
      }
    } catch {
      // What is wrong is told at the end, by `finish`, which meets it again.
      pauseUntilMs = now() + PAUSE_MS
    } finally {
      isRunning = false
    }
  }
  return {
    wake: (folder) => {
      isWanted = true
      if (!isRunning && now() >= pauseUntilMs) running = deliverInBackground(folder)
    },
    finish: async (folder) => {
      let giveUp: () => void = () => undefined
      const patience = new Promise<undefined>((resolve) => {
        giveUp = () => resolve(undefined)
      })
      let timer = setTimeout(giveUp, patienceMs)
      onOperation = (entry) => {
        clearTimeout(timer)
        const bytes = entry.op === 'artifact' ? entry.bytes : 0
        timer = setTimeout(giveUp, patienceMs + bytes / BYTES_PER_MS)
      }
      const rest = (async () => {
        isWanted = false
        await running
        return await deliver(folder)
      })()
      try {
        const outcome = await Promise.race([rest, patience])
        if (outcome === undefined) {
          givenUp.abort()
          // It ends before its next operation; nobody waits for how.
          rest.catch(() => undefined)
        }
        return outcome
      } finally {
        clearTimeout(timer)
        onOperation = undefined
      }
    },
  }
}

/** Whether another process is delivering the journal, which is as good. */
export const isDeliveredElsewhere = (error: unknown): boolean =>
  error instanceof VigiaError && error.code === 'PIPELINE_LOCKED'
