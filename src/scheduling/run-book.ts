import type { Journal } from '../ports/journal.ts'
import { type BookChanges, openJournaled } from '../ports/journaled.ts'
import type { RunResult } from './scheduled-job.ts'

/**
 * How a run ended. `stopped`: its process closed before it was done. `lost`: its process was killed, or stood
 * still for longer than its claim.
 */
export type RunOutcome = 'done' | 'failed' | 'stopped' | 'lost'

/** One run, from its claim to its end. */
export interface RunRecord extends RunResult {
  /** `<job> <scheduled for> #<attempt>` */
  readonly id: string
  readonly job: string
  /** Which times of the job, as `timetableOf` names them. */
  readonly timetable: string
  /** All times are epoch milliseconds. */
  readonly scheduledForMs: number
  /** From 1. */
  readonly attempt: number
  /** The process. */
  readonly by: string
  readonly startedMs: number
  /** Until when it counts as under way without another sign of life. */
  readonly claimedUntilMs: number
  /** Absent while it is under way. */
  readonly endedMs?: number
  readonly outcome?: RunOutcome
  /** It has failed with so little left to do that it is tried again until that is done. */
  readonly isAlmostDone?: boolean
}

/** Times of a job that nobody ran. */
export interface MissedTimes {
  readonly job: string
  readonly firstMs: number
  readonly lastMs: number
  /** At most `MOST_COUNTED`, which stands for that many or more. */
  readonly count: number
  /** When it was found out. */
  readonly foundMs: number
  readonly reason: string
}

/** What one transaction changes: written as one line. */
export interface ScheduleEntry {
  readonly version: 1
  /** Through which time each timetable has been dealt with. */
  readonly through?: Readonly<Record<string, number>>
  /** Runs that are new or have changed. */
  readonly runs?: readonly RunRecord[]
  readonly missed?: readonly MissedTimes[]
}

/** What is known of all jobs of a journal: the audit of their runs, and how far each timetable is. */
export interface RunBook {
  readonly through: ReadonlyMap<string, number>
  /** By id, in the order in which they began. */
  readonly runs: ReadonlyMap<string, RunRecord>
  readonly missed: readonly MissedTimes[]
  /** Entries since the last one that held everything. */
  readonly entries: number
}

export const EMPTY_RUNS: RunBook = { through: new Map(), runs: new Map(), missed: [], entries: 0 }

export const withRuns = (before: RunBook, entries: readonly ScheduleEntry[]): RunBook => {
  if (entries.length === 0) return before
  const through = new Map(before.through)
  const runs = new Map(before.runs)
  const missed = [...before.missed]
  for (const entry of entries) {
    for (const [timetable, ms] of Object.entries(entry.through ?? {})) through.set(timetable, ms)
    for (const run of entry.runs ?? []) runs.set(run.id, run)
    missed.push(...(entry.missed ?? []))
  }
  return { through, runs, missed, entries: before.entries + entries.length }
}

/** Entries after which a journal is written anew as one: signs of life of long runs are many. */
export const LONGEST_RUN_JOURNAL = 500
/** Ended runs and missed times that an audit of one job has then: more than a year of each day. */
const KEPT = 400

/** Changes the book of runs. */
export type RunChanges = BookChanges<ScheduleEntry, RunBook>

/** The book of a journal that other processes write too. */
export const openRunBook = (journal: Journal<ScheduleEntry>) =>
  openJournaled<ScheduleEntry, RunBook>(journal, {
    empty: EMPTY_RUNS,
    add: withRuns,
    shorten: (book) => {
      if (book.entries < LONGEST_RUN_JOURNAL) return undefined
      const runs = latestOfEach([...book.runs.values()])
      const missed = latestOfEach(book.missed)
      return {
        entry: { version: 1, through: Object.fromEntries(book.through), runs, missed },
        book: {
          through: book.through,
          runs: new Map(runs.map((run) => [run.id, run])),
          missed,
          entries: 1,
        },
      }
    },
  })

const latestOfEach = <Of extends { readonly job: string }>(all: readonly Of[]): readonly Of[] => {
  const counts = new Map<string, number>()
  return all
    .toReversed()
    .filter(({ job }) => {
      const count = (counts.get(job) ?? 0) + 1
      counts.set(job, count)
      return count <= KEPT
    })
    .reverse()
}
