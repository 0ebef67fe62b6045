import { VigiaError } from '../../errors.ts'
import type { DecisionWatch } from '../decision-watch.ts'
import { type LogReplayParts, replayLog } from './log-replay.ts'
import type { Saver } from './saver.ts'

export interface RecoveryParts extends LogReplayParts {
  readonly saver: Pick<Saver, 'halt' | 'resume'>
  readonly watch?: Pick<DecisionWatch, 'reopened'> | undefined
}

/** Pause before the log is tried again, in milliseconds. */
const RETRY_MS = 1000

/**
 * The one way back, as after a crash: forget what the log does not have, and replay what it has.
 *
 * It owns whether decisions can be made, and tries until the log can be written again. It does not own the
 * replay (`replayLog`), nor what is thrown away.
 */
export class Recovery {
  private readonly parts: RecoveryParts
  private reason: VigiaError | undefined
  private recovering: Promise<void> | undefined
  private isClosed = false
  private endPause = (): void => undefined

  constructor(parts: RecoveryParts) {
    this.parts = parts
  }

  /** Why nothing can be decided at the moment. */
  get failure(): VigiaError | undefined {
    return this.reason
  }

  /** Brings states and receipts up to the log, before the first decision. @throws as `replayLog` does */
  open(): Promise<void> {
    return replayLog(this.parts)
  }

  /**
   * A record could not be written, or a decision failed with states half advanced: from this turn of the
   * event loop on nothing is decided. While it is recovering, further failures change nothing.
   */
  begin(error: unknown): void {
    if (this.reason !== undefined) return
    const reason = error instanceof VigiaError ? error : new VigiaError('INTERNAL', { reason: String(error) })
    this.reason = reason
    this.parts.observer.warned(reason.code, { reason: reason.message })
    const halted = this.parts.saver.halt(reason)
    // Whoever closes waits for what was under way, and for no more.
    this.recovering = this.isClosed ? halted : this.recover(halted)
  }

  /** Tries a last time at once, or waits for the try that is on its way, and gives up. */
  async close(): Promise<void> {
    this.isClosed = true
    this.endPause()
    await this.recovering
  }

  private async recover(halted: Promise<void>): Promise<void> {
    const { log, saver, observer, watch } = this.parts
    await halted
    for (;;) {
      try {
        log.resume()
        // Not before: until then receipts of what is durable answer those who look back.
        this.forget()
        await replayLog(this.parts)
        await watch?.reopened()
        saver.resume()
        this.reason = undefined
        return
      } catch (error) {
        observer.warned('SERVING_LOG_FAILED', {
          reason: error instanceof Error ? error.message : String(error),
        })
        if (this.isClosed) return
        await this.pause()
      }
    }
  }

  private pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, RETRY_MS)
      this.endPause = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /**
   * Whoever waits for a lost record has been told; what is durable has its receipt made again from the log,
   * and so has what an unfinished replay left behind.
   */
  private forget(): void {
    this.parts.receipts.clear()
    this.parts.unsaved.discard()
  }
}
