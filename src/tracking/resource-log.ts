import type { Metric } from '../ports/experiment-tracker.ts'
import { ROOT_RUN } from './journal-entry.ts'
import type { RunWriter } from './run-writer.ts'

/** Records how a run uses the machine, as metrics whose step is the number of the sample. */
export interface ResourceLog {
  /** Samples from now on, for this run; a resumed run continues the counter. */
  start(writer: RunWriter): void
  /** Writes the samples taken since the last time. */
  write(): Promise<void>
  stop(): void
}

/** As MLflow's own sampling does: often enough to see a step, seldom enough to cost nothing. */
const EVERY_MS = 5000

/** @param sample use of the machine now, by metric; absent: nothing is recorded */
export const createResourceLog = (
  sample: (() => Readonly<Record<string, number>>) | undefined,
  now: () => number,
): ResourceLog => {
  let writer: RunWriter | undefined
  let timer: ReturnType<typeof setInterval> | undefined
  let taken: Metric[] = []
  let nextStep = 0
  const take = (): void => {
    if (sample === undefined || writer === undefined) return
    const timestampMs = now()
    const step = nextStep++
    for (const [key, value] of Object.entries(sample())) taken.push({ key, value, timestampMs, step })
  }
  const stop = (): void => {
    clearInterval(timer)
    timer = undefined
  }
  return {
    start: (of) => {
      stop()
      writer = of
      taken = []
      if (sample === undefined) return
      nextStep = 1 + Math.max(-1, ...Object.keys(sample()).map((key) => of.lastStepOf(key)))
      take()
      // A run must not stay alive for its samples.
      timer = setInterval(take, EVERY_MS).unref()
    },
    write: async () => {
      if (writer === undefined) return
      take()
      const metrics = taken
      taken = []
      if (metrics.length > 0) await writer.log(ROOT_RUN, { metrics })
    },
    stop,
  }
}
