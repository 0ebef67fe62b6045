import { SingleBar } from 'cli-progress'
import type { ProgressUpdate, ReportProgress } from '../foundation/progress.ts'
import type { Output } from './command.ts'
import type { Host } from './host.ts'

/** Progress on stderr: a bar on a terminal, a line now and then elsewhere. */
export interface ProgressDisplay {
  readonly report: ReportProgress
  /** Ends the bar, so that what follows starts on a line of its own. */
  close(): void
}

/** Between two lines of a log: rare enough not to fill it. */
const LINE_INTERVAL_MS = 10_000

export const createProgressDisplay = (stderr: Output, world: Host['world']): ProgressDisplay =>
  stderr.isTerminal ? barDisplay() : lineDisplay(stderr, world)

/** cli-progress writes to the process's own stderr, and redraws at most ten times a second by itself. */
const barDisplay = (): ProgressDisplay => {
  let bar: SingleBar | undefined
  let activity = ''
  const close = () => {
    bar?.stop()
    bar = undefined
    activity = ''
  }
  const open = (update: ProgressUpdate) => {
    close()
    activity = update.activity
    const format =
      update.total === undefined
        ? '{activity}: {value} {unit}'
        : '{activity} [{bar}] {percentage}% | {value}/{total} {unit} | {eta_formatted} left'
    bar = new SingleBar({ format, stream: process.stderr, clearOnComplete: true, hideCursor: true })
    bar.start(update.total ?? 0, update.done, update)
  }
  return {
    report: (update) => {
      if (bar === undefined || update.activity !== activity) open(update)
      else bar.update(update.done, update)
      if (update.total !== undefined && update.done >= update.total) close()
    },
    close,
  }
}

const lineDisplay = (stderr: Output, { monotonicMs }: Host['world']): ProgressDisplay => {
  let lastLineAt = monotonicMs()
  return {
    report: (update) => {
      const time = monotonicMs()
      if (time - lastLineAt < LINE_INTERVAL_MS) return
      lastLineAt = time
      stderr.write(`${progressLine(update)}\n`)
    },
    close: () => undefined,
  }
}

/** One line for a log: `Reading: 1500 of 6000 rows (25 %)`. */
export const progressLine = ({ activity, done, total, unit }: ProgressUpdate): string =>
  total === undefined
    ? `${activity}: ${done} ${unit}`
    : `${activity}: ${done} of ${total} ${unit} (${total === 0 ? 100 : Math.floor((done / total) * 100)} %)`
