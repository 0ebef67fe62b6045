import { repeatWork, tellingTrouble } from '../foundation/repeat-work.ts'
import type { Scheduler } from './scheduler.ts'

/** What keeps a scheduler going in a process that runs. */
export interface SchedulingLoop {
  readonly scheduler: Scheduler
  /** Told of what went wrong, once while it lasts; the loop goes on. */
  readonly onTrouble: (error: unknown) => void
  /** Waits for the next turn; ends early when the signal is aborted. */
  readonly pause: (signal: AbortSignal) => Promise<void>
}

/**
 * Lets a scheduler do what is due, turn by turn.
 *
 * @returns ends it: what is under way is aborted and waited for
 */
export const keepScheduling = ({ scheduler, onTrouble, pause }: SchedulingLoop): (() => Promise<void>) => {
  const stopping = new AbortController()
  const running = repeatWork(
    stopping.signal,
    tellingTrouble(onTrouble, () => scheduler.turn()),
    () => pause(stopping.signal),
  )
  return async () => {
    stopping.abort()
    await running
    await scheduler.stop()
  }
}
