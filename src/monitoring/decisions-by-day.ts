import type { DecisionEntry } from '../decisions/decided.ts'
import { type DayProfile, ProfileBook } from '../drift/profile-book.ts'
import { DAY_MS } from '../foundation/days.ts'
import type { DecidingModel } from './fitted-anew.ts'
import { readersFor, type WatchedModel } from './monitored-model.ts'
import { segmentOf } from './segment.ts'

/** What the decisions of some records were like, as a model sees them. */
export interface DecidedDays {
  /** Ascending. */
  readonly days: readonly DecidedDay[]
  /** Names of segments in the order in which they came. */
  readonly segments: readonly string[]
  /** Decisions in the days. */
  readonly rows: number
  /** Decisions on transactions of so long ago that no state counts them: they are in no day. */
  readonly tooOld: number
  /** Decisions by models that do not compute all features of this one. */
  readonly unreadable: number
}

export interface DecidedDay extends DayProfile {
  /** The lowest number of a decision on its events. */
  readonly firstRecord: number
}

export interface ByDayOptions {
  /** Segments that came before, in their order; later ones beyond the bound are counted as `(other)`. */
  readonly known?: Iterable<string>
  /** The bound; by default that of a book. */
  readonly segments?: number
}

/**
 * Counts decisions by the day of their event, each by the watched model's own probability: what another model
 * decided is scored again. A server that fills it as it decides and a reader of its log make the same of it.
 */
export class DecisionsByDay {
  private readonly book: ProfileBook
  private readonly readerOf: ReturnType<typeof readersFor>
  private readonly firsts = new Map<number, number>()
  private rows = 0
  private tooOld = 0
  private unreadable = 0

  constructor(model: WatchedModel, { known = [], segments }: ByDayOptions = {}) {
    this.readerOf = readersFor(model)
    this.book = new ProfileBook(model.loaded.artifact.reference, {
      ...model.options,
      ...(segments !== undefined && { segments }),
    })
    this.book.knowSegments(known)
  }

  /**
   * Adds a decision. It waits for nothing, and allocates nothing but a profile for each new day and segment.
   *
   * @param vector of all features that the model `by` computes; it is copied
   */
  add(
    sequence: number,
    { eventTimeMs, transactionType }: Pick<DecisionEntry['transaction'], 'eventTimeMs' | 'transactionType'>,
    isTooOld: boolean,
    by: DecidingModel,
    vector: ArrayLike<number>,
    probability: number,
  ): void {
    const read = this.readerOf(by)
    if (read === undefined) this.unreadable++
    else if (isTooOld) this.tooOld++
    else {
      const seen = read(vector, probability)
      const day = Math.floor(eventTimeMs / DAY_MS)
      // Days are looked at: their hours would be twenty-four times as much to keep.
      this.book.add(day * DAY_MS, seen.vector, seen.score, segmentOf(transactionType))
      const first = this.firsts.get(day)
      if (first === undefined || sequence < first) this.firsts.set(day, sequence)
      this.rows++
    }
  }

  /** All that was added since the last call, which is forgotten here. */
  take(): DecidedDays {
    const segments = [...this.book.segmentNames]
    const days = this.book.takeDays().map((day) => ({ ...day, firstRecord: this.firsts.get(day.day)! }))
    const { rows, tooOld, unreadable } = this
    const taken = { days, segments, rows, tooOld, unreadable }
    this.firsts.clear()
    this.rows = 0
    this.tooOld = 0
    this.unreadable = 0
    return taken
  }

  /** Counts again what was taken. */
  putBack({ days, segments, rows, tooOld, unreadable }: DecidedDays): void {
    this.book.knowSegments(segments)
    for (const { day, profile, segments: scores, firstRecord } of days) {
      this.book.addHour(day * 24, profile)
      for (const [name, of] of scores ?? []) this.book.addSegment(day, name, of)
      this.firsts.set(day, Math.min(firstRecord, this.firsts.get(day) ?? Number.POSITIVE_INFINITY))
    }
    this.rows += rows
    this.tooOld += tooOld
    this.unreadable += unreadable
  }
}
