import { type LoggedEntriesOptions, withLoggedEntries } from '../decisions/log/logged-entries.ts'
import type { Work } from '../disk/work.ts'
import type { DayProfile } from '../drift/profile-book.ts'
import { DAY_MS } from '../foundation/days.ts'
import { type DecidedDay, type DecidedDays, DecisionsByDay } from './decisions-by-day.ts'
import { MOST_DAYS } from './kept-days.ts'
import { decidedInKeptDays } from './kept-days-of-log.ts'
import { eachOfTail, type LoggedDecision, type OnDecision } from './log-tail.ts'
import type { MonitoredModel } from './monitored-model.ts'

export interface DaysOfLogOptions extends LoggedEntriesOptions {
  readonly model: MonitoredModel
  readonly work: Work
  /**
   * By this clock yesterday is over, however few have paid since midnight. Epoch milliseconds; left out: a
   * day is over when the next one has begun, as in a log that is replayed.
   */
  readonly nowMs?: number
  /** How the log is read; left out: from its beginning. */
  readonly reading?: typeof withLoggedEntries
  /** Told, for people, of what a server kept and cannot be used; left out: nobody is. */
  readonly tell?: (notice: string) => void
}

/** What the days of a log were like, as a model sees them. */
export interface DaysOfLog {
  /** Days that are over, ascending. */
  readonly days: readonly DayProfile[]
  /** The latest day, which may still go on; undefined without a decision. */
  readonly unfinished: DayProfile | undefined
  readonly rows: number
  /** Decisions on transactions of so long ago that no state counts them: they are in no day. */
  readonly tooOld: number
  /** Decisions by models that do not compute all features of this one. */
  readonly unreadable: number
  /** Number of the first record of each day, by day. */
  readonly firstRecords: ReadonlyMap<number, number>
}

/**
 * What the latest days of some logs were like (`MOST_DAYS`), by the day of the event, the model's own
 * probability as its score: what another model decided is scored again. A record that was moved to two logs
 * counts once.
 *
 * What a server has kept of a single log is taken as it is, and only what came after it is read. Of several
 * logs all is read: a record that stands in two of them could not be told from two.
 */
export const daysOfLog = async (options: DaysOfLogOptions): Promise<DaysOfLog> =>
  (await keptDaysOfLog(options)) ?? (await readDaysOfLog(options))

/**
 * The days of `daysOfLog` where a server keeps them; undefined where none does, or they cannot be used. The
 * log is read as it is by now, whatever `reading` says: what is missing before these days is kept for all
 * later looks, which no copy of the log from before they were saved may decide.
 */
export const keptDaysOfLog = async (options: DaysOfLogOptions): Promise<DaysOfLog | undefined> => {
  const decided = await decidedInKeptDays({ ...options, reading: withLoggedEntries }, readDecided)
  return decided && finished(decided, options)
}

/** The days of `daysOfLog`, all of them read from the logs. */
export const readDaysOfLog = async (options: DaysOfLogOptions): Promise<DaysOfLog> =>
  finished(await readDecided(options), options)

/** Counts all decisions that are asked for, from the logs and their archives. */
const readDecided = async (
  options: DaysOfLogOptions & { readonly upTo?: number; readonly known?: readonly string[] },
): Promise<DecidedDays> => {
  const { model, known } = options
  const byDay = new DecisionsByDay(model, known === undefined ? {} : { known })
  await eachDecision(options, ({ sequence, decision, vector, by }) => {
    byDay.add(sequence, decision.transaction, decision.timing === 'too_old', by, vector, decision.probability)
    return true
  })
  return byDay.take()
}

/** Calls `onDecision` for each decision, in the order of the logs. */
const eachDecision = (
  options: DaysOfLogOptions & { readonly upTo?: number },
  onDecision: OnDecision,
): Promise<void> =>
  (options.reading ?? withLoggedEntries)(options, async ({ entries, modelOf }) => {
    const { work, upTo = Number.POSITIVE_INFINITY } = options
    let last = { sequence: 0, transactionId: '' }
    for await (const entry of entries) {
      work.signal.throwIfAborted()
      const { sequence } = entry
      if (sequence > upTo) return
      if (sequence % 1000 === 0)
        work.reportProgress({ activity: 'reading the log', done: sequence, unit: 'records' })
      if (entry.kind !== 'decision') continue
      const { decision, vector } = entry
      const { transactionId } = decision.transaction
      // One record that was moved to two logs; others of one number are different decisions.
      const isRepeated = sequence === last.sequence && transactionId === last.transactionId
      last = { sequence, transactionId }
      if (isRepeated) continue
      if (!onDecision({ sequence, decision, vector, by: await modelOf(decision.model) })) return
    }
  })

/**
 * Calls `onDecision` for the decisions from a record on, until it has seen enough. Of a single log that has
 * them in its segments, nothing else is read.
 *
 * @param begin called first, and again when what was told until then is to be forgotten
 */
export const eachDecisionFrom = async (
  options: DaysOfLogOptions,
  first: number,
  begin: () => void,
  onDecision: OnDecision,
): Promise<void> => {
  const { folders, openLog } = options
  const after = first - 1
  const [folder] = folders
  begin()
  if (folder !== undefined && folders.length === 1) {
    const tail = { log: openLog(folder), after, isShared: false, signal: options.work.signal }
    if ((await eachOfTail(tail, onDecision)) !== undefined) return
    begin()
  }
  await eachDecision({ ...options, after }, onDecision)
}

export type { LoggedDecision }

const finished = (
  { days: all, rows, tooOld, unreadable }: DecidedDays,
  { nowMs }: Pick<DaysOfLogOptions, 'nowMs'>,
): DaysOfLog => {
  const days = all.slice(-MOST_DAYS)
  const last = lastDay(days, nowMs)
  return {
    days: days.slice(0, last).map(dayOf),
    unfinished: days[last] && dayOf(days[last]),
    rows,
    tooOld,
    unreadable,
    firstRecords: new Map(days.map(({ day, firstRecord }) => [day, firstRecord])),
  }
}

/** With its segments in the order of their names, whatever came first. */
const dayOf = ({ day, profile, segments = new Map() }: DecidedDay): DayProfile => ({
  day,
  profile,
  segments: new Map([...segments].sort(([a], [b]) => (a < b ? -1 : 1))),
})

/** Part of a usual day that there must be of another one before it is said to have begun. */
const BEGUN = 0.01

/**
 * Index of the day that goes on: the latest with more than a few rows, since one transaction that is stamped
 * ahead begins no day; that after yesterday where a clock says so.
 */
export const lastDay = (days: readonly DayProfile[], nowMs?: number): number => {
  const most = days.slice(-8).reduce((rows, { profile }) => Math.max(rows, profile.rows), 0)
  const last = days.findLastIndex(({ profile }) => profile.rows >= BEGUN * most)
  const isYesterday = nowMs !== undefined && days[last]?.day === Math.floor(nowMs / DAY_MS) - 1
  return isYesterday ? last + 1 : last
}
