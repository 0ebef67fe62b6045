import type { Scored } from '../decisions/decider.ts'
import type { DecisionWatch, MovedRecord, WatchOptions } from '../decisions/decision-watch.ts'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import { decodeLogEntry } from '../decisions/log/log-record.ts'
import type { ModelDocument } from '../decisions/log/model-document.ts'
import { nextTurn } from '../foundation/next-turn.ts'
import type { LogPosition, PredictionLog } from '../ports/prediction-log.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { type DecidedDays, DecisionsByDay } from './decisions-by-day.ts'
import { type KeptDays, nothingKept, withDecided } from './kept-days.ts'
import {
  type KeptFile,
  keptDaysPath,
  markOf,
  readKeptDays,
  whyOfAnotherLog,
  writeKeptDays,
} from './kept-days-file.ts'
import { eachOfTail, type TailEnd } from './log-tail.ts'
import { type WatchedModel, watchedModel } from './monitored-model.ts'
import { RecentRecords } from './recent-records.ts'
import { removeKept, removeKeptOfOthers } from './remove-kept.ts'

/** How often days are saved: after a crash, so much of the log is read again. */
const SAVE_MS = 60_000
/** Pause between two looks at whether a record is durable, in milliseconds, and how many there are. */
const DURABLE_MS = 5
const DURABLE_LOOKS = 400
/** Records that are read again at most; where there are more, a look reads them. Some seconds at a start. */
const MOST_TAIL = 100_000
/** Days that are encoded at a time, of some tenths of a millisecond each. */
const DAYS_OF_TURN = 4
/** Segments between two saves. The bound of all days holds when they are put to those before. */
const MOST_NEW_SEGMENTS = 1000

/** Days of the model that decides. */
interface Watched {
  readonly model: WatchedModel
  /** Those decided on since what is kept. */
  readonly live: DecisionsByDay
  kept: KeptDays
  /** Number of the last record that is in the file, inclusive; below 0: the file is to be written. */
  savedThrough: number
}

/** Keeps what the days of a log are like while a server decides (`DayKeeper`). */
export const createDayKeeper = (options: WatchOptions): DecisionWatch => new DayKeeper(options)

/**
 * Counts decisions by day, as the champion sees them, and saves that beside the log, so that a look reads
 * only what came after it.
 *
 * It owns the file, and which records are in it: those that the log has, each once. What was decided and not
 * yet saved is in memory alone; after a crash, or a record that could not be written, it is read from the
 * log. It does not own what is counted (`DecisionsByDay`), nor how a file is told from another log's
 * (`kept-days-file.ts`).
 */
class DayKeeper implements DecisionWatch {
  private readonly options: WatchOptions
  private readonly documents = new Map<string, ModelDocument>()
  private modelOf: (key: string) => Promise<ModelDocument> = () => Promise.reject(new Error('not open'))
  /** Undefined: the model's artifact has no bins, or counting has failed. */
  private watched: Watched | undefined
  private champion: LoadedModel | undefined
  /** Number of the last record that was counted, or need not be, inclusive. */
  private seen = 0
  private writtenSequence = 0
  private writtenAt: LogPosition | undefined
  private recent = new RecentRecords()
  /** What reads and writes files, one after the other. */
  private turn: Promise<void> = Promise.resolve()
  /** How often records that were given to the log were lost. */
  private losses = 0
  private isClosed = false
  private isWarned = false
  private timer: NodeJS.Timeout | undefined

  constructor(options: WatchOptions) {
    this.options = options
  }

  async open(champion: LoadedModel, modelOf: (key: string) => Promise<ModelDocument>): Promise<void> {
    this.modelOf = modelOf
    this.champion = champion
    await this.inTurn(() => this.begin())
  }

  start(): void {
    this.timer = setInterval(() => void this.save(), SAVE_MS)
    this.timer.unref()
  }

  prepare(champion: LoadedModel): () => void {
    if (champion.key === this.champion?.key) return () => undefined
    const next = this.watch(champion)
    return () => {
      const before = this.watched
      const since = this.seen
      this.champion = champion
      this.watched = next
      if (next !== undefined) next.kept = nothingKept(since, this.options.isShared)
      void this.inTurn(async () => {
        // What is not durable yet is read from the log when it decides again.
        if (before !== undefined) await this.saveDays(before, since)
        // What was kept of it before, when it decided last, and what others have decided since.
        if (next !== undefined && next === this.watched)
          next.kept = (await this.readBack(next.model, since)).kept
      })
    }
  }

  decided(sequence: number, transaction: Transaction, scored: Scored): void {
    this.seen = sequence
    const { watched } = this
    if (watched === undefined) return
    const { timing, model, vector, probability } = scored
    try {
      watched.live.add(sequence, transaction, timing === 'too_old', model, vector, probability)
    } catch (error) {
      this.giveUp(error)
    }
  }

  written(sequence: number, position: LogPosition): void {
    this.writtenSequence = sequence
    this.writtenAt = position
  }

  async moved(records: readonly MovedRecord[]): Promise<void> {
    try {
      const entries = records.map(({ payload }) => decodeLogEntry(payload))
      for (const entry of entries) if (entry?.kind === 'decision') await this.documentOf(entry.decision.model)
      // From here on nothing waits: other models may have come meanwhile.
      for (const [at, entry] of entries.entries()) {
        const { sequence, position } = records[at]!
        this.seen = sequence
        this.written(sequence, position)
        if (entry?.kind !== 'decision') continue
        const { decision, vector } = entry
        const { transaction, timing, probability } = decision
        if (this.recent.isRepeated(entry.sequence, transaction.transactionId)) continue
        const by = this.documents.get(decision.model)!
        this.watched?.live.add(entry.sequence, transaction, timing === 'too_old', by, vector, probability)
      }
    } catch (error) {
      this.giveUp(error)
    }
  }

  async reopened(): Promise<void> {
    this.losses++
    this.watched = undefined
    await this.inTurn(() => this.begin())
  }

  async save(): Promise<void> {
    const { watched } = this
    await this.inTurn(async () => {
      // Who decides by now was given over to when it was prepared.
      if (watched !== this.watched) return
      // Records that are durable and no decisions need not be read again either.
      if (!this.options.isShared) this.seen = Math.max(this.seen, this.options.log.lastSequence)
      if (watched !== undefined) await this.saveDays(watched, this.seen)
    })
  }

  async close(): Promise<void> {
    this.isClosed = true
    clearInterval(this.timer)
    await this.save()
  }

  /** Goes on from the file and the log, while nothing is decided. */
  private async begin(): Promise<void> {
    const { log } = this.options
    this.seen = log.lastSequence
    const watched = this.watch(this.champion!)
    if (watched !== undefined) {
      const { kept, recent } = await this.readBack(watched.model, this.seen)
      watched.kept = kept
      this.recent = new RecentRecords(recent)
    }
    this.watched = watched
  }

  /** Undefined for a model whose artifact says nothing of bins. */
  private watch(champion: LoadedModel): Watched | undefined {
    const { isShared } = this.options
    try {
      const model = watchedModel(champion)
      const live = new DecisionsByDay(model, { segments: MOST_NEW_SEGMENTS })
      return { model, live, kept: nothingKept(this.seen, isShared), savedThrough: -1 }
    } catch (error) {
      this.warn('MONITORING_DAYS_NOT_KEPT', String(error))
      return undefined
    }
  }

  /**
   * What the file has and what the log has after it, up to `through`. From there on alone, where the file is
   * of no use and the log too long to be read here, or archived: then a look reads what is before.
   */
  private async readBack(model: WatchedModel, through: number): Promise<KeptFile> {
    const { folder, isShared } = this.options
    await this.whenDurable(through)
    const { kept, recent: names } = await this.readUsable(model, through)
    const recent = new RecentRecords(names)
    const counted =
      through - kept.through > MOST_TAIL ? undefined : await this.countTail(model, kept, through, recent)
    if (counted !== undefined) return { kept: counted, recent: recent.latest() }
    if (kept.through > 0 && kept.after === 0 && !isShared)
      await writeKeptDays(keptDaysPath(folder, model, 'before'), { kept, recent: [] }, model)
    return { kept: nothingKept(through, isShared), recent: [] }
  }

  /** What is kept and what the log has after it; undefined where its segments have not all of that. */
  private async countTail(
    model: WatchedModel,
    kept: KeptDays,
    through: number,
    recent: RecentRecords,
  ): Promise<KeptDays | undefined> {
    const { log, isShared } = this.options
    const byDay = new DecisionsByDay(model, { known: kept.segments })
    const tail = { log, after: kept.through, upTo: through, isShared }
    const end = await eachOfTail(tail, ({ sequence, decision, by, vector }) => {
      const { transaction, timing, probability } = decision
      if (!isShared || !recent.isRepeated(sequence, transaction.transactionId))
        byDay.add(sequence, transaction, timing === 'too_old', by, vector, probability)
      return true
    })
    return end && withDecided(kept, byDay.take(), { through, mark: end.mark ?? kept.mark }, model)
  }

  /** What the file has, or nothing. What is of no use is told, and removed, so that nobody believes it. */
  private async readUsable(model: WatchedModel, through: number): Promise<KeptFile> {
    const { folder, log, isShared } = this.options
    const path = keptDaysPath(folder, model, 'days')
    const file = await readKeptDays(path, model)
    const reason = typeof file === 'object' ? await whyUnusable(file.kept, through, isShared, log) : file
    if (typeof file === 'object' && reason === undefined) return file
    if (reason !== undefined) {
      this.warn('MONITORING_DAYS_REFUSED', reason, path)
      await removeKept(folder)
    }
    return { kept: nothingKept(0, isShared), recent: [] }
  }

  /** Puts what was decided up to `through` to what is kept, and writes it. */
  private async saveDays(watched: Watched, through: number): Promise<void> {
    const { folder, isShared } = this.options
    const { model, live, kept } = watched
    if (through <= watched.savedThrough) return
    const { losses } = this
    const decided = live.take()
    const isDurable = await this.whenDurable(through)
    // What was lost is counted again from the log.
    if (losses !== this.losses) return
    if (!isDurable) return live.putBack(decided)
    const mark = (await this.readMark(through)) ?? kept.mark
    // One that is full has not told segments apart that those before may have known.
    const isFull = decided.segments.length >= MOST_NEW_SEGMENTS
    const end = { through, mark }
    watched.kept = isFull ? nothingKept(through, isShared) : await inSlices(kept, decided, end, model)
    const recent = isShared ? this.recent.latest() : []
    try {
      await writeKeptDays(keptDaysPath(folder, model, 'days'), { kept: watched.kept, recent }, model)
      watched.savedThrough = through
      await removeKeptOfOthers(folder, model.loaded.key)
      this.isWarned = false
    } catch (error) {
      this.warn('MONITORING_DAYS_UNSAVED', String(error))
    }
  }

  /** Resolves when the log has a record, or does not get it soon. @returns whether it has it */
  private async whenDurable(sequence: number): Promise<boolean> {
    const { log } = this.options
    const { losses } = this
    for (let look = 0; look < DURABLE_LOOKS && log.lastSequence < sequence; look++) {
      if (losses !== this.losses || this.isClosed) return false
      await new Promise((resolve) => setTimeout(resolve, DURABLE_MS))
    }
    return log.lastSequence >= sequence
  }

  /** The latest durable record, where that is not before `through`. */
  private async readMark(through: number): Promise<KeptDays['mark']> {
    const { writtenAt, writtenSequence } = this
    if (writtenAt === undefined || writtenSequence < through) return undefined
    const record = await this.options.log.readAt(writtenAt)
    return record && markOf(record.sequence, record.payload)
  }

  private async documentOf(key: string): Promise<void> {
    if (!this.documents.has(key)) this.documents.set(key, await this.modelOf(key))
  }

  /** Nothing more is counted until the next start: a count that lacks decisions is worth nothing. */
  private giveUp(error: unknown): void {
    this.watched = undefined
    this.warn('MONITORING_DAYS_NOT_KEPT', String(error))
  }

  /** Of a disk that stays full, once. */
  private warn(code: string, reason: string, file = this.options.folder): void {
    if (!this.isWarned) this.options.observer.warned(code, { file, reason })
    this.isWarned = true
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    this.turn = this.turn.then(work).catch((error: unknown) => this.giveUp(error))
    return this.turn
  }
}

/** As `withDecided`, a few days in each turn of the event loop: late transactions may be of many. */
const inSlices = async (
  kept: KeptDays,
  decided: DecidedDays,
  end: TailEnd,
  model: WatchedModel,
): Promise<KeptDays> => {
  const { segments } = decided
  let slice = { ...decided, days: decided.days.slice(0, DAYS_OF_TURN) }
  let together = withDecided(kept, slice, end, model)
  for (let from = DAYS_OF_TURN; from < decided.days.length; from += DAYS_OF_TURN) {
    await nextTurn()
    const days = decided.days.slice(from, from + DAYS_OF_TURN)
    slice = { days, segments, rows: 0, tooOld: 0, unreadable: 0 }
    together = withDecided(together, slice, end, model)
  }
  return together
}

/** Why kept days cannot be gone on from; undefined: they can. */
const whyUnusable = async (
  kept: KeptDays,
  through: number,
  isShared: boolean,
  log: PredictionLog,
): Promise<string | undefined> => {
  if (kept.isShared !== isShared) return 'it is of other numbers'
  if (kept.through > through) return `it goes up to record ${kept.through}, and the log to ${through}`
  return whyOfAnotherLog(kept, log)
}
