import { VigiaError } from '../errors.ts'

/** What a queue has done and does, for metrics. */
export interface QueueStatus {
  /** Tasks that wait or are worked on. */
  readonly waiting: number
  /** Tasks that were done, failed ones too, since the start. */
  readonly done: number
  /** Tasks that were turned away since the start. */
  readonly refused: number
}

/** Does one task after the other, and takes no more than wait already. */
export interface BoundedQueue {
  /** @throws SERVING_OVERLOADED when too many wait (load shedding), and what the task throws */
  run<T>(task: () => Promise<T>): Promise<T>
  status(): QueueStatus
  /** Resolves when nothing waits. */
  idle(): Promise<void>
}

/**
 * @param most tasks that may wait, the one that is worked on among them
 * @param what the tasks are, for people
 */
export const createBoundedQueue = (most: number, what: string): BoundedQueue => {
  let last: Promise<unknown> = Promise.resolve()
  let waiting = 0
  let done = 0
  let refused = 0
  return {
    run: (task) => {
      if (waiting >= most) {
        refused++
        return Promise.reject(new VigiaError('SERVING_OVERLOADED', { reason: `${waiting} ${what} wait` }))
      }
      waiting++
      const own = last.then(task).finally(() => {
        waiting--
        done++
      })
      last = own.catch(() => undefined)
      return own
    },
    status: () => ({ waiting, done, refused }),
    idle: async () => {
      await last
    },
  }
}
