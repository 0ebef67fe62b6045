import type { CronSchedule } from '../foundation/cron-schedule.ts'
import type { MissedTimes, RunBook, RunRecord, ScheduleEntry } from './run-book.ts'
import type { ScheduledJob } from './scheduled-job.ts'

/** A job with the times that its expression names. */
export interface TimedJob extends ScheduledJob {
  readonly times: CronSchedule
}

/** Who runs, and for how long a claim holds without a sign of life. */
export interface RunClaimant {
  readonly by: string
  readonly claimMs: number
  /** Whether whoever made a claim is known to have ended: nobody waits for it. */
  readonly isGone: (by: string) => boolean
}

/** What is to be done about a job now. */
export interface DueWork {
  readonly entry: ScheduleEntry | undefined
  /** The run that is this process's own from now on. */
  readonly claimed: RunRecord | undefined
  /** Runs that were found to have died. */
  readonly lost: readonly RunRecord[]
  readonly missed: readonly MissedTimes[]
}

/**
 * A time that is run this much later was missed: nobody was there. Less is a restart, or a machine that is
 * slow.
 */
const LATE_MS = 15 * 60_000
/** What is further ahead was written by a clock that was wrong. */
const AHEAD_MS = 60 * 60_000
/** Missed times that are counted one by one. */
export const MOST_COUNTED = 1000

/**
 * Names the times of a job: with another expression or zone they are others, which begin when they are first
 * seen, so that a changed expression makes up for nothing.
 */
export const timetableOf = ({ name, cron, timeZone }: ScheduledJob): string =>
  JSON.stringify([name, cron, timeZone])

/**
 * Claims what is due of a job, in these steps:
 *
 * 1. Runs whose claim has ended without a sign of life, or whose process is gone, are lost.
 * 2. While a run of the job is under way, nothing else of it begins: what comes due meanwhile waits.
 * 3. The latest time that has come since the last one is run, and the older ones were missed.
 * 4. Where none has come, a run that failed, died or was ended is begun again, as often as the job allows,
 *    and after its pause.
 */
export const claimDue = (book: RunBook, job: TimedJob, claimant: RunClaimant, nowMs: number): DueWork => {
  const timetable = timetableOf(job)
  const ofJob = [...book.runs.values()].filter((run) => run.job === job.name)
  const open = ofJob.filter(({ outcome }) => outcome === undefined)
  const lost = open
    .filter(({ by, claimedUntilMs }) => nowMs >= claimedUntilMs || claimant.isGone(by))
    .map((run): RunRecord => ({ ...run, endedMs: nowMs, outcome: 'lost' }))
  if (lost.length < open.length) return workOf({ lost })
  const through = book.through.get(timetable)
  // Seen for the first time, or by a clock that was wrong: it begins now, and makes up for nothing.
  if (through === undefined || through > nowMs + AHEAD_MS)
    return workOf({ lost, through: [timetable, nowMs] })
  const latestMs = job.times.latest(nowMs)
  if (latestMs === undefined || latestMs <= through) {
    const last = [...ofJob.filter(({ outcome }) => outcome !== undefined), ...lost].at(-1)
    const againMs = last && againAtMs(job, last)
    if (last === undefined || againMs === undefined || nowMs < againMs || isTooLate(job, againMs, nowMs))
      return workOf({ lost })
    return workOf({ lost, claimed: claim(job, last.scheduledForMs, last.attempt + 1, claimant, nowMs) })
  }
  const isSkipped = isTooLate(job, latestMs, nowMs)
  const missed = missedOf(job, through, isSkipped ? latestMs : latestMs - 1, nowMs)
  return workOf({
    lost,
    missed,
    through: [timetable, latestMs],
    ...(!isSkipped && { claimed: claim(job, latestMs, 1, claimant, nowMs) }),
  })
}

/**
 * When the last run of a job is begun again if no other time has come by then, epoch milliseconds. Undefined:
 * it is not, since it is done, under way, of other times, or was begun often enough.
 */
export const againAtMs = (job: ScheduledJob, run: RunRecord): number | undefined => {
  const { outcome, endedMs, claimedUntilMs, attempt } = run
  if (outcome === undefined || outcome === 'done' || endedMs === undefined) return undefined
  if (run.timetable !== timetableOf(job)) return undefined
  if (attempt >= (job.attempts ?? 1) && run.isAlmostDone !== true) return undefined
  // One that was lost counts from its last sign of life on: somebody may have found it a day later.
  const sinceMs = outcome === 'lost' ? Math.min(endedMs, claimedUntilMs) : endedMs
  return sinceMs + (outcome === 'stopped' ? 0 : (job.pauseMs?.(attempt) ?? 0))
}

const isTooLate = ({ missed }: TimedJob, dueMs: number, nowMs: number): boolean =>
  missed === 'skip' && nowMs - dueMs > LATE_MS

const claim = (
  job: TimedJob,
  scheduledForMs: number,
  attempt: number,
  { by, claimMs }: RunClaimant,
  nowMs: number,
): RunRecord => ({
  id: `${job.name} ${new Date(scheduledForMs).toISOString()} #${attempt}`,
  job: job.name,
  timetable: timetableOf(job),
  scheduledForMs,
  attempt,
  by,
  startedMs: nowMs,
  claimedUntilMs: nowMs + claimMs,
})

/** Times after `afterMs` up to `toMs` that nobody ran. */
const missedOf = (
  { name, times }: TimedJob,
  afterMs: number,
  toMs: number,
  nowMs: number,
): readonly MissedTimes[] => {
  let firstMs: number | undefined
  let count = 0
  for (let at = times.next(afterMs); at !== undefined && at <= toMs && count < MOST_COUNTED; count++) {
    firstMs ??= at
    at = times.next(at)
  }
  const lastMs = times.latest(toMs)
  if (firstMs === undefined || lastMs === undefined) return []
  const reason = 'nobody was there to run them, or the run before them took longer'
  return [{ job: name, firstMs, lastMs, count, foundMs: nowMs, reason }]
}

const workOf = ({
  lost,
  claimed,
  missed = [],
  through,
}: {
  readonly lost: readonly RunRecord[]
  readonly claimed?: RunRecord
  readonly missed?: readonly MissedTimes[]
  readonly through?: readonly [timetable: string, ms: number]
}): DueWork => {
  const runs = claimed === undefined ? lost : [...lost, claimed]
  const isNothing = runs.length === 0 && missed.length === 0 && through === undefined
  const entry: ScheduleEntry = {
    version: 1,
    ...(through !== undefined && { through: Object.fromEntries([through]) }),
    ...(runs.length > 0 && { runs }),
    ...(missed.length > 0 && { missed }),
  }
  return { entry: isNothing ? undefined : entry, claimed, lost, missed }
}
