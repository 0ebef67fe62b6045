import type { DecisionEntry } from '../decisions/decided.ts'
import { type LoggedEntriesOptions, withLoggedEntries } from '../decisions/log/logged-entries.ts'
import type { Work } from '../disk/work.ts'
import { type DayProfile, ProfileBook } from '../drift/profile-book.ts'
import { DAY_MS } from '../foundation/days.ts'
import { type DecisionReader, type MonitoredModel, readerFor } from './monitored-model.ts'
import { segmentOf } from './segment.ts'

export interface DaysOfLogOptions extends LoggedEntriesOptions {
  readonly model: MonitoredModel
  readonly work: Work
  /**
   * By this clock yesterday is over, however few have paid since midnight. Epoch milliseconds; left out: a
   * day is over when the next one has begun, as in a log that is replayed.
   */
  readonly nowMs?: number
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

/** A decision as the monitored model sees it. `vector` is valid until the next one. */
export interface MonitoredDecision {
  readonly sequence: number
  readonly decision: DecisionEntry
  readonly vector: Float64Array
  readonly score: number
}

/**
 * Profiles every decision of some logs by the day of its event, the model's own probability as its score:
 * what another model decided is scored again. A record that was moved to two logs counts once.
 */
export const daysOfLog = async (options: DaysOfLogOptions): Promise<DaysOfLog> => {
  const { model } = options
  const book = new ProfileBook(model.loaded.artifact.reference, model.options)
  const firstRecords = new Map<number, number>()
  let rows = 0
  const left = await eachDecision(options, ({ sequence, decision, vector, score }) => {
    rows++
    const { eventTimeMs, transactionType } = decision.transaction
    const day = Math.floor(eventTimeMs / DAY_MS)
    // Days are looked at: their hours would be twenty-four times as much to keep.
    book.add(day * DAY_MS, vector, score, segmentOf(transactionType))
    if (!firstRecords.has(day)) firstRecords.set(day, sequence)
  })
  const numbers = [...new Set(book.hoursWithRows().map((hour) => Math.floor(hour / 24)))]
  const days = numbers.map((day) => book.day(day)!)
  const last = lastDay(days, options.nowMs)
  return { days: days.slice(0, last), unfinished: days[last], rows, ...left, firstRecords }
}

/** Calls `onDecision` for each decision that can be read, in the order of the log. */
export const eachDecision = async (
  options: DaysOfLogOptions,
  onDecision: (decision: MonitoredDecision) => void,
): Promise<Pick<DaysOfLog, 'tooOld' | 'unreadable'>> => {
  const { model, work } = options
  const left = { tooOld: 0, unreadable: 0 }
  await withLoggedEntries(options, async ({ entries, modelOf }) => {
    const readers = new Map<string, DecisionReader | undefined>()
    let last = { sequence: 0, transactionId: '' }
    for await (const entry of entries) {
      work.signal.throwIfAborted()
      const { sequence } = entry
      if (sequence % 1000 === 0)
        work.reportProgress({ activity: 'reading the log', done: sequence, unit: 'records' })
      if (entry.kind !== 'decision') continue
      const { decision } = entry
      const { transactionId } = decision.transaction
      // One record that was moved to two logs; others of one number are different decisions.
      const isRepeated = sequence === last.sequence && transactionId === last.transactionId
      last = { sequence, transactionId }
      if (isRepeated) continue
      if (!readers.has(decision.model))
        readers.set(decision.model, readerFor(model, await modelOf(decision.model)))
      const read = readers.get(decision.model)
      if (read === undefined) left.unreadable++
      else if (decision.timing === 'too_old') left.tooOld++
      else onDecision({ sequence, decision, ...read(entry.vector, decision.probability) })
    }
  })
  return left
}

/** Part of a usual day that there must be of another one before it is said to have begun. */
const BEGUN = 0.01

/**
 * Index of the day that goes on: the latest with more than a few rows, since one transaction that is stamped
 * ahead begins no day; that after yesterday where a clock says so.
 */
const lastDay = (days: readonly DayProfile[], nowMs: number | undefined): number => {
  const most = days.slice(-8).reduce((rows, { profile }) => Math.max(rows, profile.rows), 0)
  const last = days.findLastIndex(({ profile }) => profile.rows >= BEGUN * most)
  const isYesterday = nowMs !== undefined && days[last]?.day === Math.floor(nowMs / DAY_MS) - 1
  return isYesterday ? last + 1 : last
}
