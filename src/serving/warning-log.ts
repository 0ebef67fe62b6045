import type { InferenceObserver } from '../decisions/inference-pipeline.ts'
import { isPowerOfTwo } from '../foundation/elementary/whole-powers.ts'

/** Where a warning is written: the server's log. */
export type WriteWarning = (code: string, details: Readonly<Record<string, unknown>>) => void

/** Warnings of one code that are all written; of more, each time their number has doubled. */
const ALL_WRITTEN = 20

/**
 * Tells warnings of the pipeline twice: to the observer that counts them, and to the log, which says what
 * they are about. Those from before there is a log wait for it.
 */
export const createWarningLog = (
  observer: InferenceObserver,
): { readonly observer: InferenceObserver; writeTo(write: WriteWarning): void } => {
  const counts = new Map<string, number>()
  let waiting: (readonly [code: string, details: Readonly<Record<string, unknown>>])[] = []
  let write: WriteWarning = (code, details) => void waiting.push([code, details])
  return {
    observer: {
      ...observer,
      warned: (code, details) => {
        observer.warned(code, details)
        const count = (counts.get(code) ?? 0) + 1
        counts.set(code, count)
        if (count <= ALL_WRITTEN) write(code, details)
        else if (isPowerOfTwo(count / ALL_WRITTEN)) write(code, { ...details, warnings: count })
      },
    },
    writeTo: (log) => {
      write = log
      for (const [code, details] of waiting) log(code, details)
      waiting = []
    },
  }
}
