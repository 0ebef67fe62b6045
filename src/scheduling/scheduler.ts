import { VigiaError } from '../errors.ts'
import { cronSchedule } from '../foundation/cron-schedule.ts'
import type { World } from '../foundation/world.ts'
import type { Journal } from '../ports/journal.ts'
import { claimDue, type RunClaimant, type TimedJob } from './claim-due.ts'
import {
  EMPTY_RUNS,
  type MissedTimes,
  openRunBook,
  type RunBook,
  type RunRecord,
  type ScheduleEntry,
  withRuns,
} from './run-book.ts'
import type { RunResult, ScheduledJob } from './scheduled-job.ts'

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
 * Runs jobs at their times: each time at most once (`ScheduledJob.attempts` allows more), whatever the number
 * of processes on one journal, and never two runs of one job at once. It has no clock that wakes it: somebody
 * calls `turn`, every second or so.
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

interface UnderWay {
  run: RunRecord
  readonly ending: AbortController
  done: Promise<void>
}

/** @throws SCHEDULE_INVALID */
export const createScheduler = (options: SchedulerOptions): Scheduler => {
  const { world, claimant, onEnded = () => undefined, onMissed = () => undefined } = options
  const jobs = options.jobs.map((job): TimedJob => ({ ...job, times: cronSchedule(job.cron, job.timeZone) }))
  const journaled = openRunBook(options.journal)
  let known = EMPTY_RUNS
  const change: typeof journaled = (work) =>
    journaled((book) => {
      const changed = work(book)
      known = changed.entry === undefined ? book : withRuns(book, [changed.entry])
      return changed
    })
  const underWay = new Map<string, UnderWay>()
  /** Before then there is nothing to do about a job, as far as is known. */
  const idleUntil = new Map<string, number>()
  let isStopped = false

  const record = (run: RunRecord, ended: Ended): Promise<RunRecord> =>
    change((book) => {
      const result = endedRecord(book.runs.get(run.id) ?? run, ended, world.now())
      return { entry: { version: 1, runs: [result] }, result }
    })

  const begin = (job: TimedJob, run: RunRecord): void => {
    const ending = new AbortController()
    const work = async (): Promise<void> => {
      const ended = await runSafely(job, run, ending.signal)
      const told = await record(run, ended).then(
        (ofAll) => ({ run: ofAll, error: ended.error }),
        // Its claim ends by itself, and others take it for lost then.
        (error: unknown) => ({ run: endedRecord(run, ended, world.now()), error }),
      )
      underWay.delete(job.name)
      idleUntil.delete(job.name)
      onEnded(told.run, told.error)
    }
    const mine: UnderWay = { run, ending, done: Promise.resolve() }
    underWay.set(job.name, mine)
    mine.done = work()
  }

  const keep = async (mine: UnderWay): Promise<void> => {
    const nowMs = world.now()
    const { claimMs } = claimant
    // A third is left for a disk that is slow and a turn that comes late.
    if (nowMs < mine.run.claimedUntilMs - (2 * claimMs) / 3) return
    const kept = await change((book) => {
      const known = book.runs.get(mine.run.id)
      if (known?.outcome !== undefined) return { result: undefined }
      const run = { ...mine.run, claimedUntilMs: nowMs + claimMs }
      return { entry: { version: 1, runs: [run] }, result: run }
    })
    if (kept !== undefined) mine.run = kept
    else mine.ending.abort(lostError(mine.run))
  }

  const look = async (job: TimedJob): Promise<void> => {
    const nowMs = world.now()
    const work = await change((book) => {
      const due = claimDue(book, job, claimant, nowMs)
      return { entry: due.entry, result: due }
    })
    idleUntil.set(job.name, Math.min(job.times.next(nowMs) ?? Number.POSITIVE_INFINITY, nowMs + OTHERS_MS))
    if (work.claimed !== undefined) begin(job, work.claimed)
    for (const run of work.lost) onEnded(run)
    for (const missed of work.missed) onMissed(missed)
  }

  return {
    async turn() {
      for (const job of jobs) {
        if (isStopped) return
        const mine = underWay.get(job.name)
        if (mine !== undefined) await keep(mine)
        // A clock that goes back is looked at again.
        else if (isDueForALook(idleUntil.get(job.name), world.now())) await look(job)
      }
    },
    next: () => new Map(jobs.map(({ name, times }) => [name, times.next(world.now())])),
    book: () => change((book) => ({ result: book })),
    known: () => known,
    async stop() {
      isStopped = true
      const all = [...underWay.values()]
      for (const { run, ending } of all) ending.abort(closingError(run))
      await Promise.all(all.map(({ done }) => done))
    },
  }
}

const isDueForALook = (untilMs: number | undefined, nowMs: number): boolean =>
  untilMs === undefined || nowMs >= untilMs || untilMs > nowMs + OTHERS_MS

interface Ended {
  readonly outcome: 'done' | 'failed' | 'stopped'
  readonly result: RunResult
  readonly error?: unknown
}

const runSafely = async (job: TimedJob, run: RunRecord, signal: AbortSignal): Promise<Ended> => {
  try {
    return { outcome: 'done', result: (await job.run(run.scheduledForMs, signal)) ?? {} }
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    return { outcome: signal.aborted ? 'stopped' : 'failed', result: { detail }, error }
  }
}

/** What others took for lost stays so, and it is told how it ended after all. */
const endedRecord = (known: RunRecord, { outcome, result }: Ended, nowMs: number): RunRecord => {
  if (known.outcome === undefined) return { ...known, ...result, outcome, endedMs: nowMs }
  const { detail = 'without a word' } = result
  return { ...known, detail: `ended all the same, ${outcome}: ${detail}` }
}

const named = ({ job, scheduledForMs }: RunRecord) => ({
  job,
  scheduledFor: new Date(scheduledForMs).toISOString(),
})

const lostError = (run: RunRecord): VigiaError =>
  new VigiaError('SCHEDULE_RUN_LOST', {
    ...named(run),
    reason: 'it gave no sign of life for as long as its claim held, and another process took it for dead',
  })

const closingError = (run: RunRecord): VigiaError => new VigiaError('SCHEDULE_RUN_ENDED', named(run))

/** The latest run of a job that was done, of those that `counts` says yes to. */
export const latestDone = (
  book: RunBook,
  job: string,
  counts: (run: RunRecord) => boolean = () => true,
): RunRecord | undefined =>
  [...book.runs.values()].findLast((run) => run.job === job && run.outcome === 'done' && counts(run))
