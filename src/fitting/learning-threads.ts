import type { Worker } from 'node:worker_threads'
import type { Work } from '../disk/work.ts'
import { VigiaError } from '../errors.ts'
import { asRegistryError } from '../threads/registry-error.ts'
import { startWorker } from '../threads/start-worker.ts'
import type { FromLearningThread, LearningThreadData, ToFitsThread } from './learning-messages.ts'

/** Threads that run, for the one who started them. */
export interface LearningTeam<T> {
  tell(index: number, message: ToFitsThread): void
  /** Ends all threads with a result. */
  finish(result: T): void
  /** Ends all threads with an error. */
  fail(reason: unknown): void
}

/** What threads are started for. */
export interface LearningThreads<T> {
  /** For errors: `training the random forest`. */
  readonly activity: string
  readonly work: Pick<Work, 'signal'>
  /** Called with what thread `index` says. */
  onMessage(message: FromLearningThread, index: number, team: LearningTeam<T>): void
  onStart?(team: LearningTeam<T>): void
}

/**
 * Runs one thread for each of `data` until `finish` is called, one of them fails, or the work is aborted.
 * Then no thread is running any more, whatever it was doing: waiting for others, or deep in a loop.
 *
 * @throws the thread's own error of the registry; INTERRUPTED; PIPELINE_THREAD_ENDED for one that ended
 * without a result
 */
export const withLearningThreads = async <T>(
  data: readonly LearningThreadData[],
  { activity, work, onMessage, onStart }: LearningThreads<T>,
): Promise<T> => {
  const { signal } = work
  const interrupted = () => new VigiaError('INTERRUPTED', { activity })
  if (signal.aborted) throw interrupted()
  const workers: Worker[] = []
  let onAbort = (): void => undefined
  try {
    return await new Promise<T>((resolve, reject) => {
      onAbort = () => reject(interrupted())
      signal.addEventListener('abort', onAbort)
      const team: LearningTeam<T> = {
        tell: (index, message) => workers[index]!.postMessage(message),
        finish: resolve,
        fail: reject,
      }
      for (const [index, threadData] of data.entries()) {
        const worker = startWorker(new URL('./learning-worker.ts', import.meta.url), threadData)
        workers.push(worker)
        worker.on('message', (message: FromLearningThread) => {
          try {
            onMessage(message, index, team)
          } catch (error) {
            reject(error)
          }
        })
        worker.on('error', (error) => reject(asLearningError(error, activity)))
        // After a result nobody listens; before one the end of a thread is news.
        worker.on('exit', () => reject(ended(activity, 'without a result')))
      }
      onStart?.(team)
    })
  } finally {
    signal.removeEventListener('abort', onAbort)
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}

const ended = (activity: string, how: string, cause?: unknown): VigiaError =>
  new VigiaError('PIPELINE_THREAD_ENDED', { activity, how }, { cause })

const asLearningError = (error: unknown, activity: string): unknown => {
  if (error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY')
    return ended(activity, 'because its memory was used up', error)
  return asRegistryError(error) ?? error
}
