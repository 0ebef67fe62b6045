import { cronSchedule } from '../foundation/cron-schedule.ts'
import type { World } from '../foundation/world.ts'
import type { Journal } from '../ports/journal.ts'
import { claimDue, type RunClaimant, type TimedJob } from './claim-due.ts'
import {
  EMPTY_RUNS,
  type MissedTimes,
  openRunBook,
  type RunBook,
  type RunChanges,
  type RunRecord,
  type ScheduleEntry,
  withRuns,
} from './run-book.ts'
import { createRunner } from './runner.ts'
import type { ScheduledJob } from './scheduled-job.ts'

/** What a scheduler works with. */
export interface SchedulerOptions {
  readonly jobs: readonly ScheduledJob[]
  /** Shared by all processes that have these jobs: of them one runs each time. */
  readonly journal: Journal<ScheduleEntry>
  readonly world: Pick<World, 'now'>
  readonly claimant: RunClaimant
  /** Told of each run that has ended, and of those of other processes that were found to have died. */
  readonly onEnded?: (run: RunRecord, error?: unknown) => void
  readonly onMissed?: (missed: MissedTimes) => void
}

/**
 * Runs jobs at their times: each time at most once (`ScheduledJob.attempts` allows more, where it went
 * wrong), whatever the number of processes on one journal, and never two runs of one job at once. It has no
 * clock that wakes it: somebody calls `turn`, every second or so.
 */
export interface Scheduler {
  /**
   * Begins what is due, and keeps the claims of what is under way. Runs go on after it.
   *
   * @throws SCHEDULE_JOURNAL_FAILED; what is under way goes on
   */
  turn(): Promise<void>
  /** When each job is due next, by its name; undefined: never again. Epoch milliseconds. */
  next(): ReadonlyMap<string, number | undefined>
  /** What is known of all runs, of other processes too. @throws SCHEDULE_JOURNAL_FAILED */
  book(): Promise<RunBook>
  /** The same as of the last time that the journal was read: a minute ago, or less. */
  known(): RunBook
  /** Begins nothing more, aborts what is under way, and resolves when it has ended. */
  stop(): Promise<void>
}

/** How often it is looked at what other processes did, milliseconds. */
const OTHERS_MS = 60_000

/** @throws SCHEDULE_INVALID */
export const createScheduler = (options: SchedulerOptions): Scheduler => {
  const { world, claimant, onEnded = () => undefined, onMissed = () => undefined } = options
  const jobs = options.jobs.map((job): TimedJob => ({ ...job, times: cronSchedule(job.cron, job.timeZone) }))
  const journaled = openRunBook(options.journal)
  let known = EMPTY_RUNS
  const change: RunChanges = (work) =>
    journaled((book) => {
      const changed = work(book)
      known = changed.entry === undefined ? book : withRuns(book, [changed.entry])
      return changed
    })
  /** Before then there is nothing to do about a job, as far as is known. */
  const idleUntil = new Map<string, number>()
  let isStopped = false
  const runner = createRunner({
    change,
    world,
    claimant,
    onEnded: (run, error) => {
      // What came due meanwhile need not wait.
      idleUntil.delete(run.job)
      onEnded(run, error)
    },
  })

  const look = async (job: TimedJob): Promise<void> => {
    const nowMs = world.now()
    const work = await change((book) => {
      const due = claimDue(book, job, claimant, nowMs)
      return { entry: due.entry, result: due }
    })
    idleUntil.set(job.name, Math.min(job.times.next(nowMs) ?? Number.POSITIVE_INFINITY, nowMs + OTHERS_MS))
    if (work.claimed !== undefined) runner.begin(job, work.claimed)
    for (const run of work.lost) onEnded(run)
    for (const missed of work.missed) onMissed(missed)
  }

  return {
    async turn() {
      for (const job of jobs) {
        if (isStopped) return
        if (await runner.keep(job.name)) continue
        // A clock that goes back is looked at again.
        if (isDueForALook(idleUntil.get(job.name), world.now())) await look(job)
      }
    },
    next: () => new Map(jobs.map(({ name, times }) => [name, times.next(world.now())])),
    book: () => change((book) => ({ result: book })),
    known: () => known,
    async stop() {
      isStopped = true
      await runner.stop()
    },
  }
}

const isDueForALook = (untilMs: number | undefined, nowMs: number): boolean =>
  untilMs === undefined || nowMs >= untilMs || untilMs > nowMs + OTHERS_MS

/** The latest run of a job that has ended and measured something, even where it failed afterwards. */
export const latestMeasured = (
  book: RunBook,
  job: string,
): (RunRecord & Required<Pick<RunRecord, 'endedMs' | 'figures'>>) | undefined =>
  [...book.runs.values()].findLast(
    (run): run is RunRecord & Required<Pick<RunRecord, 'endedMs' | 'figures'>> =>
      run.job === job && run.endedMs !== undefined && run.figures !== undefined,
  )
