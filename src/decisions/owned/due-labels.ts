import type { Receipt, StateStore } from '../../ports/state-store.ts'
import type { LabelEntry } from '../log/log-record.ts'
import type { UnsavedReceipt } from './receipts.ts'

/** A label that the server delivers itself, when its clock has come to the label's time. */
export interface DueLabel {
  /** Of its receipt: due labels ascend by time, equally due ones in the order of their transactions. */
  readonly id: string
  /** When it is due, by the clock of the transactions, epoch milliseconds. */
  readonly dueMs: number
  readonly label: Omit<LabelEntry, 'receivedAtMs' | 'isApplied' | 'eventTimeMs'> & {
    readonly eventTimeMs: number
  }
}

/** First characters of the ids of due labels, and the first id after all of them. */
const PREFIX = 'due/'
export const AFTER_DUE_LABELS = 'due0'
/** Id of the receipt of the clock. */
const CLOCK = 'log/clock'
/** Labels that are read from the store at a time; at most four times as many are in memory. */
const WINDOW = 1024

/** A label that training knew and that was not due when its data ended: number `index` of them, from 0. */
export const historyDueLabel = (dueMs: number, index: number, label: DueLabel['label']): DueLabel => ({
  id: dueId(dueMs, `0${padded(index)}`),
  dueMs,
  label,
})

/** A label of the transaction that was decided on as record `sequence`. */
export const decidedDueLabel = (dueMs: number, sequence: number, label: DueLabel['label']): DueLabel => ({
  id: dueId(dueMs, `1${padded(sequence)}`),
  dueMs,
  label,
})

/** As the store keeps it until it is delivered. */
export const dueReceipt = ({ id, dueMs, label }: DueLabel): Receipt => ({
  id,
  bytes: encoder.encode(JSON.stringify({ dueMs, label })),
})

/**
 * Keeps how far the clock is: the latest event time of all decisions, epoch milliseconds.
 *
 * @param through number of the last decision, inclusive, that it counts, and whose receipt and due label are
 * stored; 0 for none
 */
export const clockReceipt = (clockMs: number, through = 0): Receipt => ({
  id: CLOCK,
  bytes: encoder.encode(through === 0 ? String(clockMs) : `${clockMs} ${through}`),
})

/** What `clockReceipt` says. */
const readClock = (bytes: Uint8Array): StoredClock => {
  const [clockMs, through = 0] = decoder.decode(bytes).split(' ').map(Number)
  return { clockMs: clockMs!, through }
}

/** What the clock of a store says; `NO_CLOCK` before the first decision. */
export const readStoredClock = async (store: Pick<StateStore, 'findReceipt'>): Promise<StoredClock> => {
  const bytes = await store.findReceipt(CLOCK)
  return bytes === undefined ? NO_CLOCK : readClock(bytes)
}

/** As `clockReceipt` keeps it. */
export interface StoredClock {
  readonly clockMs: number
  readonly through: number
}

const NO_CLOCK: StoredClock = { clockMs: Number.NEGATIVE_INFINITY, through: 0 }

/**
 * The labels that the server will deliver itself, in the order of their times, and the clock that says when:
 * the latest event time that has arrived, as in a replay of training (`label-schedule.ts`).
 *
 * It owns which label is next. It does not own whether one is still wanted (receipts say so) and does not
 * apply any. Those far from due are in the store only, so memory is bounded.
 *
 * 1. A due label is kept by the save that keeps its transaction's receipt, and removed from the store after
 *    its record is durable. Between the two it may be found again: then its receipt says that it is told.
 * 2. `window` has every label whose id is at most `through`, inclusive, that was not taken.
 * 3. The stored clock names the last decision that it counts. A replay that begins before it adds no label of
 *    those up to there again: it would be due later, by a clock that was not so far yet when they were made.
 */
export class DueLabels {
  private readonly store: Pick<StateStore, 'findReceipt' | 'sweepReceipts'>
  private readonly windowSize: number
  private clock = Number.NEGATIVE_INFINITY
  private window: DueLabel[] = []
  private at = 0
  /** Id; empty before the first look into the store, undefined when the store has no later ones. */
  private through: string | undefined = ''
  private throughMs = Number.NEGATIVE_INFINITY
  /** Not in the store yet. */
  private readonly unsaved = new Map<string, DueLabel>()
  /** Those that came into the store while it was read; undefined while nobody reads. */
  private savedMeanwhile: DueLabel[] | undefined
  /** The look into the store that is under way. */
  private loading: Promise<void> | undefined
  private deliveredThrough = ''
  private toRemove = 0
  private storedClock = NO_CLOCK

  /** @param windowSize labels that are read from the store at a time */
  constructor(store: Pick<StateStore, 'findReceipt' | 'sweepReceipts'>, windowSize = WINDOW) {
    this.store = store
    this.windowSize = windowSize
  }

  /** Latest event time that has arrived, epoch milliseconds; -Infinity before the first. */
  get clockMs(): number {
    return this.clock
  }

  /** Begins with what the store has, before the log is replayed. */
  async reopen(): Promise<void> {
    const stored = await readStoredClock(this.store)
    // Of a delivery that was under way when a record could not be written.
    await this.loading?.catch(() => undefined)
    this.storedClock = stored
    this.clock = this.storedClock.clockMs
    this.window = []
    this.at = 0
    this.through = ''
    this.throughMs = Number.NEGATIVE_INFINITY
    this.unsaved.clear()
    this.deliveredThrough = ''
    this.toRemove = 0
    await this.load()
  }

  /** A transaction of this time has arrived. @returns the clock */
  arrived(eventTimeMs: number): number {
    this.clock = Math.max(this.clock, eventTimeMs)
    return this.clock
  }

  /** Whether the label of a decision is in the store, or was delivered since. */
  isStored(sequence: number): boolean {
    return sequence <= this.storedClock.through
  }

  /** Adds a label that is not in the store yet. */
  add(due: DueLabel): void {
    this.unsaved.set(due.id, due)
    if (this.through !== undefined && due.id > this.through) return
    insert(this.window, this.at, due)
    if (this.window.length - this.at > 4 * this.windowSize) this.keepFirst()
  }

  /** Whether a label may be due before a transaction of this time: true too when the store must be asked. */
  isDue(eventTimeMs: number): boolean {
    const next = this.window[this.at]
    const nextMs = next?.dueMs ?? (this.through === undefined ? Number.POSITIVE_INFINITY : this.throughMs)
    return nextMs <= Math.max(this.clock, eventTimeMs)
  }

  /**
   * The next labels that are due before a transaction of this time, in order, at most `most` of them; none
   * only when none is due.
   */
  async due(eventTimeMs: number, most: number): Promise<readonly DueLabel[]> {
    while (this.at === this.window.length && this.through !== undefined && this.isDue(eventTimeMs))
      await this.load()
    const clock = Math.max(this.clock, eventTimeMs)
    const due: DueLabel[] = []
    for (let i = this.at; i < this.window.length && due.length < most; i++) {
      if (this.window[i]!.dueMs > clock) break
      due.push(this.window[i]!)
    }
    return due
  }

  /** The next one is under way. */
  take(): void {
    this.at++
    if (this.at < this.windowSize) return
    this.window.splice(0, this.at)
    this.at = 0
  }

  /** All up to this one have durable records, or are told otherwise: the store need not keep them. */
  delivered({ id }: DueLabel): void {
    if (id > this.deliveredThrough) this.deliveredThrough = id
    this.toRemove++
  }

  /** What keeps the clock as it was after these decisions; nothing where there are none. */
  clockAfter(receipts: Iterable<UnsavedReceipt>): readonly Receipt[] {
    let { clockMs, through } = this.storedClock
    for (const { receipt, sequence } of receipts) {
      if (!('decidedAtMs' in receipt) || sequence <= through) continue
      clockMs = Math.max(clockMs, receipt.eventTimeMs)
      through = sequence
    }
    return through > this.storedClock.through ? [clockReceipt(clockMs, through)] : []
  }

  /** These receipts are in the store now. */
  saved(receipts: readonly Receipt[]): void {
    for (const { id, bytes } of receipts) {
      if (id === CLOCK) this.storedClock = readClock(bytes)
      const due = this.unsaved.get(id)
      if (due === undefined) continue
      this.unsaved.delete(id)
      this.savedMeanwhile?.push(due)
      if (id <= this.deliveredThrough) this.toRemove++
    }
  }

  /** Removes the labels from the store that were delivered until now, however many, some at a time. */
  async sweep(): Promise<void> {
    let left = this.toRemove
    while (left > 0) {
      const most = Math.min(left, this.windowSize)
      left -= most
      this.toRemove -= most
      await this.store.sweepReceipts(PREFIX, most, (id) => isDueLabel(id) && id <= this.deliveredThrough)
    }
  }

  /** One look into the store at a time. */
  private load(): Promise<void> {
    this.loading ??= this.loadNext().finally(() => {
      this.loading = undefined
    })
    return this.loading
  }

  private async loadNext(): Promise<void> {
    const from = this.through!
    const found = new Map<string, DueLabel>()
    this.savedMeanwhile = []
    const last = await this.store.sweepReceipts(from || PREFIX, this.windowSize, (id, bytes) => {
      if (isDueLabel(id)) found.set(id, decodeDue(id, bytes))
      return false
    })
    const through = last !== undefined && isDueLabel(last) ? last : undefined
    for (const due of [...this.savedMeanwhile, ...this.unsaved.values()])
      if (due.id > from && (through === undefined || due.id <= through)) found.set(due.id, due)
    this.savedMeanwhile = undefined
    this.window.splice(0, this.at)
    this.at = 0
    for (const due of [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1))) this.window.push(due)
    this.through = through
    this.throughMs = this.window.at(-1)?.dueMs ?? this.throughMs
  }

  /** Forgets the later half: the store has it, or `unsaved`. */
  private keepFirst(): void {
    this.window = this.window.slice(this.at, this.at + this.windowSize)
    this.at = 0
    const last = this.window.at(-1)!
    this.through = last.id
    this.throughMs = last.dueMs
  }
}

/** Whether a receipt is that of a due label: delivering it ends it, not its age. */
export const isDueLabel = (id: string): boolean => id.startsWith(PREFIX)

/**
 * Adds `due` at its place; almost always that is the end. A replay of the log adds labels again that the
 * store has already: each is there once.
 */
const insert = (window: DueLabel[], from: number, due: DueLabel): void => {
  let place = window.length
  while (place > from && window[place - 1]!.id > due.id) place--
  if (place > from && window[place - 1]!.id === due.id) return
  window.splice(place, 0, due)
}

const decodeDue = (id: string, bytes: Uint8Array): DueLabel => ({
  id,
  ...(JSON.parse(decoder.decode(bytes)) as Omit<DueLabel, 'id'>),
})

/** Id of a due label: it ascends by time, then by `order`. */
export const dueId = (dueMs: number, order: string): string => `${PREFIX}${ascending(dueMs)}/${order}`

const padded = (number: number): string => String(number).padStart(16, '0')

const words = new DataView(new ArrayBuffer(8))

/** A double as text that sorts as doubles do: its bits, with the sign turned over (all of them below 0). */
const ascending = (value: number): string => {
  words.setFloat64(0, value)
  const bits = words.getBigUint64(0)
  const sign = 1n << 63n
  return (bits & sign ? ~bits & (2n * sign - 1n) : bits | sign).toString(16).padStart(16, '0')
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()
