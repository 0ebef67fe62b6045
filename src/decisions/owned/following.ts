import { nextTurn } from '../../foundation/next-turn.ts'
import type { LogPosition, PredictionLog } from '../../ports/prediction-log.ts'
import type { StateStore } from '../../ports/state-store.ts'
import type { LogEntry } from '../log/log-record.ts'
import type { DueLabels } from './due-labels.ts'
import { type Frontier, readFrontier } from './frontier.ts'
import { entryOfRecord, MOST_UNSAVED, type TakeParts, takeRecord } from './log-replay.ts'
import type { OwnedLabels } from './owned-labels.ts'
import type { CatchUpBounds } from './owned-states.ts'
import type { Saver } from './saver.ts'

export interface FollowingParts extends TakeParts {
  readonly log: PredictionLog
  readonly store: Pick<StateStore, 'findReceipt'>
  readonly frontier: Frontier
  readonly due: Pick<DueLabels, 'reopen'>
  readonly labels: OwnedLabels
  readonly saver: Pick<Saver, 'saveDue' | 'saveAll' | 'halt' | 'resume'>
  /** Makes sure that nobody misses the numbers between these two, both exclusive. */
  readonly assertLost: (after: number, before: number) => Promise<void>
  readonly monotonicMs: () => number
}

/** Work between turns of the event loop, in milliseconds: whoever asks for a decision waits for it. */
const TURN_MS = 2
/** Records between them at most. */
const TURN_RECORDS = 32
/** A turn of the event loop that took less had nothing to do for others, in milliseconds. */
const IDLE_TURN_MS = 0.5
/** Time that others get for each millisecond of work, while they have something to do. */
const WAY_GIVEN = 4
/** Records after which due labels that others delivered are passed over: their receipts would pile up. */
const PASS_RECORDS = 1024

/**
 * Takes in, again and again, what other states on the same log decide, by the code that opening replays the
 * log with. It writes nothing into the log.
 *
 * It owns how far these states follow. It does not own when they do, nor who decides.
 */
export class Following {
  private readonly parts: FollowingParts
  private taken = 0
  private upTo = 0
  /** Of the last record that was taken in; undefined: unknown. */
  private position: LogPosition | undefined
  private turnBeganMs = 0
  private givesWay = false

  constructor(parts: FollowingParts) {
    this.parts = parts
  }

  /** Number of the last record that was taken in, inclusive. */
  get through(): number {
    return this.taken
  }

  /** No state, in memory or stored, has a record after this one. */
  get lastSequence(): number {
    return this.upTo
  }

  /** Forgets what is not saved, and goes on from the stored frontier. */
  async begin(): Promise<void> {
    const { store, frontier, due, waiting, receipts, unsaved, saver } = this.parts
    await saver.halt(new Error('states are set back to what is stored'))
    receipts.clear()
    unsaved.discard()
    const stored = await readFrontier(store)
    this.taken = stored.savedThrough
    this.position = undefined
    this.upTo = stored.storedUpTo
    frontier.reopen(stored)
    frontier.replayedThrough(this.taken)
    await due.reopen()
    await waiting.reopen()
    saver.resume()
  }

  /** States that have decided until now, and have all records up to this one, follow from here on. */
  goOn(through: number): void {
    this.taken = through
    this.upTo = through
    this.position = undefined
    this.parts.frontier.replayedThrough(through)
  }

  /**
   * Takes in the durable records that it lacks, in slices between which others have their turn.
   *
   * @throws SERVING_BRANCH_FAILED when the log has lost records that these states lack
   */
  async catchUp({
    most = Number.POSITIVE_INFINITY,
    isOver,
    givesWay = false,
  }: CatchUpBounds = {}): Promise<void> {
    const { log, labels } = this.parts
    this.givesWay = givesWay
    const last = Math.min(log.lastSequence, this.taken + most)
    if (last <= this.taken) return
    for await (const record of log.read(this.taken, this.position)) {
      if (isOver?.() === true) return
      if (record.sequence > last) break
      await this.take(record.sequence, entryOfRecord(record), record.position)
    }
    if (this.taken < last) await this.parts.assertLost(this.taken, last + 1)
    await labels.passTold()
  }

  /** Takes in one record, the next after those before. */
  async take(sequence: number, entry: LogEntry, position: LogPosition): Promise<void> {
    const { frontier, receipts, cache, saver } = this.parts
    if (sequence > this.taken + 1) await this.parts.assertLost(this.taken, sequence)
    frontier.reached(sequence)
    await takeRecord(this.parts, sequence, entry, position)
    this.reach(sequence)
    this.position = position
    // A busy state is in nearly every record: it is saved once a period, not whenever receipts are many.
    if (receipts.waiting > MOST_UNSAVED) await saver.saveDue()
    if (cache.isBeyondRoom) await this.makeRoom()
    else if (sequence % TURN_RECORDS === 0 || this.parts.monotonicMs() - this.turnBeganMs >= TURN_MS)
      await this.pause()
    if (sequence % PASS_RECORDS === 0) await this.parts.labels.passTold()
  }

  /** Lets others have their turn: one, or while there is work for them as much as is theirs. */
  private async pause(): Promise<void> {
    const { monotonicMs } = this.parts
    const begunMs = monotonicMs()
    const givenMs = this.givesWay ? WAY_GIVEN * (begunMs - this.turnBeganMs) : 0
    let turnMs: number
    do {
      const turnBeganMs = monotonicMs()
      await nextTurn()
      turnMs = monotonicMs() - turnBeganMs
    } while (turnMs >= IDLE_TURN_MS && monotonicMs() - begunMs < givenMs)
    this.turnBeganMs = monotonicMs()
  }

  /** Evicts states, in a turn of its own; where too few of them are saved, saves them all first. */
  private async makeRoom(): Promise<void> {
    const { cache, saver } = this.parts
    cache.makeRoom()
    await nextTurn()
    if (!cache.isFull) return
    await saver.saveAll()
    await nextTurn()
  }

  /** These states have all records up to this one. */
  reach(sequence: number): void {
    this.taken = sequence
    this.upTo = Math.max(this.upTo, sequence)
    this.parts.frontier.reached(sequence)
    this.parts.frontier.replayedThrough(sequence)
  }
}
