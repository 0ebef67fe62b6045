import type { PredictionLog } from '../../ports/prediction-log.ts'
import type { SharedStateStore } from '../../ports/state-store.ts'
import type { DecisionWatch } from '../decision-watch.ts'
import type { InferenceObserver } from '../inference-pipeline.ts'
import { withSequence } from '../log/log-record.ts'
import { createEntryModels } from './entry-models.ts'
import type { HistoryWatch } from './history-watch.ts'

export interface OutboxParts {
  readonly store: Pick<SharedStateStore, 'takeEntries' | 'settle' | 'readNote'>
  readonly log: PredictionLog
  readonly observer: InferenceObserver
  readonly history: Pick<HistoryWatch, 'failed' | 'worked' | 'loss' | 'look'>
  readonly watch?: Pick<DecisionWatch, 'moved' | 'reopened'> | undefined
}

/** Entries moved to the log at a time. */
const MOST_ENTRIES = 256
/** How long to wait for the first entry, in milliseconds. */
const WAIT_MS = 1000
/** Pause after a failure, in milliseconds. */
const RETRY_MS = 1000

/**
 * Moves entries from a shared store to this process's own log (the field's transactional outbox): an entry
 * leaves the store only when it is durable in a log.
 *
 * It owns the numbers of the log's records, which count this log alone. It does not own the sequence numbers
 * of the entries: the store gave them. An entry that was moved before, by a process that was killed before it
 * said so, is moved twice: readers skip it.
 */
export class Outbox {
  private readonly parts: OutboxParts
  private readonly bringModels: ReturnType<typeof createEntryModels>
  /** Number of the last record that was given to the log, inclusive. */
  private lastLogged: number
  private moving: Promise<void> = Promise.resolve()
  private reason = ''
  private isClosed = false

  constructor(parts: OutboxParts) {
    this.parts = parts
    this.bringModels = createEntryModels(parts.store, parts.log)
    this.lastLogged = parts.log.lastSequence
  }

  /** Why nothing is moved; empty when all is well. */
  get failure(): string {
    return this.reason
  }

  /** Moves what comes, until `close`. */
  start(): void {
    this.moving = this.moveForEver()
  }

  /** Moves what still waits, then no more. */
  async close(): Promise<void> {
    this.isClosed = true
    await this.moving
    while ((await this.moveEntries(1).catch(() => 0)) > 0);
  }

  private async moveForEver(): Promise<void> {
    const { log, observer, history, watch } = this.parts
    while (!this.isClosed) {
      try {
        // After a failure: takes records again, from the last durable one on.
        if (this.reason !== '') {
          log.resume()
          const isLost = this.lastLogged !== log.lastSequence
          this.lastLogged = log.lastSequence
          if (isLost) await watch?.reopened()
        }
        await this.moveEntries(WAIT_MS)
        this.reason = ''
        history.worked()
      } catch (error) {
        if (this.isClosed) return
        this.reason = error instanceof Error ? error.message : String(error)
        history.failed(error)
        if (history.loss === '') observer.warned('SERVING_OUTBOX_STUCK', { reason: this.reason })
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      }
    }
  }

  /** A disk that does not answer keeps no loss of the store from being noticed. */
  private async looking(work: Promise<void>): Promise<void> {
    let isLooking = false
    const look = async (): Promise<void> => {
      if (isLooking) return
      isLooking = true
      await this.parts.history.look()
      isLooking = false
    }
    const timer = setInterval(() => void look(), WAIT_MS)
    try {
      await work
    } finally {
      clearInterval(timer)
    }
  }

  /** @returns how many it moved */
  private async moveEntries(waitMs: number): Promise<number> {
    const { store, log, watch } = this.parts
    const entries = await store.takeEntries(MOST_ENTRIES, waitMs)
    if (entries.length === 0) return 0
    const bring = async (): Promise<void> => {
      await this.bringModels(entries)
      const records = entries.map(({ sequence, bytes }) => ({
        sequence: ++this.lastLogged,
        payload: withSequence(bytes, sequence),
      }))
      const places = await Promise.all(records.map(({ sequence, payload }) => log.append(sequence, payload)))
      await watch?.moved(records.map((record, at) => ({ ...record, position: places[at]! })))
    }
    await this.looking(bring())
    await store.settle(entries.map(({ sequence }) => sequence))
    return entries.length
  }
}
