import type { PredictionLog } from '../../ports/prediction-log.ts'
import type { Receipt } from '../../ports/state-store.ts'
import { invariantBroken } from '../invariant-broken.ts'

/** A save period is split into so many slices, so that no decision waits long behind a save. */
export const SLICES_PER_PERIOD = 20

/** What the store says of the log: see the fields of the same names in `Frontier`. */
export interface StoredFrontier {
  readonly savedThrough: number
  readonly storedUpTo: number
}

/** Records that a power failure took from the log and left in the states: both numbers inclusive. */
export interface LostRecords {
  readonly from: number
  readonly to: number
}

/**
 * How far log, store and memory are.
 *
 * It owns the numbers. It does not own what they count: records are in the log (a write-ahead log), states
 * and receipts in memory and in the store. Each field is the sequence number of a record, inclusive (that
 * record is in), and 0 before the first one. Always:
 *
 * 1. `savedThrough` <= `storedUpTo` <= `durable` <= `given`, and `dueThrough` <= `given`.
 * 2. While decisions are made no number falls. `reopen` alone may take back numbers that were given to
 *    records which the log then refused.
 */
export class Frontier {
  private readonly log: Pick<PredictionLog, 'lastSequence'>
  private lastGiven = 0
  private lostThrough = 0
  private stored: StoredFrontier = { savedThrough: 0, storedUpTo: 0 }
  /** `given` at the end of each slice of the last period, oldest first. */
  private readonly sliceEnds: number[] = Array(SLICES_PER_PERIOD).fill(0)
  private due = 0
  private replayed = Number.POSITIVE_INFINITY

  constructor(log: Pick<PredictionLog, 'lastSequence'>) {
    this.log = log
  }

  /** Last number that was given to a record. */
  get given(): number {
    return this.lastGiven
  }

  /**
   * Last record that will never be lost any more: durable in the log, or gone from it while the states have
   * it.
   */
  get durable(): number {
    return Math.max(this.lostThrough, this.log.lastSequence)
  }

  /** All records up to here are in every stored state that they concern, and have stored receipts. */
  get savedThrough(): number {
    return this.stored.savedThrough
  }

  /** No stored state has a record after this one. */
  get storedUpTo(): number {
    return this.stored.storedUpTo
  }

  /** Last record that is one save period old: states that first changed no later are due to be saved. */
  get dueThrough(): number {
    return this.due
  }

  /**
   * A replay has come to this record, inclusive: what is saved meanwhile lacks all later ones. Infinity: none
   * is under way.
   */
  replayedThrough(sequence: number): void {
    this.replayed = sequence
  }

  /** Gives the next record its number. */
  next(): number {
    return ++this.lastGiven
  }

  /** The next record has this number, which another owner of the log has given it. */
  reached(sequence: number): void {
    this.lastGiven = Math.max(this.lastGiven, sequence)
  }

  /**
   * From now on these states are those that decide, and give numbers after `given`. No state has a record
   * after `storedUpTo`.
   */
  lead(given: number): void {
    this.reached(Math.max(given, this.log.lastSequence))
    this.lostThrough = Math.max(this.lostThrough, this.stored.storedUpTo)
    this.replayed = Number.POSITIVE_INFINITY
  }

  endSlice(): void {
    this.sliceEnds.push(this.lastGiven)
    this.due = this.sliceEnds.shift()!
  }

  /**
   * Begins where log and store are: before the first decision, and after records were thrown away.
   *
   * @returns the records that the store has and the log has lost, as a power failure with durability
   * `process` can leave them; their numbers are not given again
   */
  reopen(stored: StoredFrontier): LostRecords | undefined {
    const logged = this.log.lastSequence
    this.replayed = Number.POSITIVE_INFINITY
    if (stored.savedThrough > stored.storedUpTo)
      throw invariantBroken(`savedThrough ${stored.savedThrough} <= storedUpTo ${stored.storedUpTo}`)
    const isLost = stored.storedUpTo > logged
    if (isLost) this.lostThrough = stored.storedUpTo
    this.stored = stored
    this.lastGiven = Math.max(logged, stored.storedUpTo)
    this.due = this.lastGiven
    this.sliceEnds.fill(this.lastGiven)
    return isLost ? { from: logged + 1, to: stored.storedUpTo } : undefined
  }

  /**
   * What the store may say together with a save: no more than holds once it is written.
   *
   * @param receiptsThrough all receipts of records up to this one are stored or in the save, inclusive
   * @param statesThrough all stored states have the records up to this one, or get them by the save,
   * inclusive
   */
  afterSave(receiptsThrough: number, statesThrough: number): StoredFrontier {
    const storedUpTo = this.durable
    const savedThrough = Math.min(receiptsThrough, statesThrough, storedUpTo, this.replayed)
    if (storedUpTo > this.lastGiven) throw invariantBroken(`durable ${storedUpTo} <= given ${this.lastGiven}`)
    if (savedThrough < this.stored.savedThrough)
      throw invariantBroken(`savedThrough ${savedThrough} >= its earlier ${this.stored.savedThrough}`)
    if (storedUpTo < this.stored.storedUpTo)
      throw invariantBroken(`storedUpTo ${storedUpTo} >= its earlier ${this.stored.storedUpTo}`)
    return { savedThrough, storedUpTo }
  }

  /** The save that said this is in the store. */
  saved(stored: StoredFrontier): void {
    this.stored = stored
  }
}

/** Ids of the receipts by which the store keeps its two numbers. */
const SAVED_THROUGH = 'log/saved-through'
const STORED_UP_TO = 'log/stored-up-to'

/** Whether this is no receipt of a decision or label, but a number of the frontier: it never expires. */
export const isFrontierReceipt = (id: string): boolean => id.startsWith('log/')

/** The receipts that keep the numbers in the store. */
export const frontierReceipts = ({ savedThrough, storedUpTo }: StoredFrontier): readonly Receipt[] => [
  { id: SAVED_THROUGH, bytes: encoder.encode(String(savedThrough)) },
  { id: STORED_UP_TO, bytes: encoder.encode(String(storedUpTo)) },
]

/** The numbers that the store keeps; 0 in a new store. */
export const readFrontier = async (store: {
  findReceipt(id: string): Promise<Uint8Array | undefined>
}): Promise<StoredFrontier> => {
  const numberOf = async (id: string): Promise<number> => {
    const bytes = await store.findReceipt(id)
    return bytes === undefined ? 0 : Number(decoder.decode(bytes))
  }
  const savedThrough = await numberOf(SAVED_THROUGH)
  // Stores of versions that did not keep the second number: it was at least the first.
  const storedUpTo = Math.max(await numberOf(STORED_UP_TO), savedThrough)
  return { savedThrough, storedUpTo }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()
