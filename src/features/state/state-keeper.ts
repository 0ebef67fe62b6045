import { TransactionEvent } from '../transaction-event.ts'
import { createWindows } from './aggregates/aggregate-windows.ts'
import {
  dimensionHeaderAt,
  moveToLargerBlock,
  readRing,
  startBlock,
  tableAt,
  tableCapacitiesOf,
} from './blocks.ts'
import { setToken, slotOf, tokenIn } from './dimension-token.ts'
import { type BlockAllocator, EntityState } from './entity-state.ts'
import { addSquare, squaresOf } from './exact-squares.ts'
import { countValue, findValue } from './frequency-table.ts'
import { AMOUNT_FIELD, DIMENSION, HEADER, ID_FIELD, type StateLayout, TIME_FIELD } from './layout.ts'
import type { DimensionReading, EntityReading } from './reading.ts'
import { describeReversal } from './reversal.ts'
import { findTransaction, holdsTransaction, nextCopy } from './ring-search.ts'
import { ValuePlaces } from './value-places.ts'
import { paidOf, UNLABELLED, type Windows } from './windows.ts'

/** Ring capacity and table capacity of a new state. */
export const FIRST_CAPACITY = 4

/**
 * Reads and advances the states of one kind of entity.
 *
 * `read` shows a transaction what its entity's past says; `advance` makes it part of that past. Their order
 * is the one rule: read, emit, advance, one transaction after the other.
 *
 * Invariants:
 * 1. The ring is in event-time order; among equal times, in arrival order.
 * 2. Windows are a pure function of the ring and the watermark, so an event that arrives late is placed in
 *    the ring and the windows are rebuilt from it: exactness needs no second algorithm.
 * 3. Everything else (counts and totals of all time, tables) follows arrival order.
 *
 * Late events. Behind the watermark by at most `latenessMs`: windows are those of the event's own time, over
 * what has arrived so far; then it is placed. Further behind: windows are those of `watermark - latenessMs`,
 * and the state does not change.
 */
export class StateKeeper {
  readonly layout: StateLayout
  private readonly blocks: BlockAllocator
  private readonly windows: Windows
  private readonly places: ValuePlaces
  /** The dimensions as places in an event. */
  private readonly dimensions: readonly number[]
  /**
   * Per dimension, of the transaction at hand: its value's entry in the table, and where it last stood in the
   * ring.
   */
  private readonly entry: Float64Array
  private readonly previous: Float64Array
  /**
   * For late events: the ring's rows in order, a state to rewind into, and the event that is pushed again.
   */
  private rows = new Float64Array(0)
  private readonly rewound = new EntityState(new Float64Array(0), 0, 0)
  private readonly replayed: TransactionEvent

  /** @param event one as this keeper will be given: it says what attributes and entities events have */
  constructor(layout: StateLayout, blocks: BlockAllocator, event: TransactionEvent) {
    const { allValues, attributes, entities } = event
    this.layout = layout
    this.blocks = blocks
    this.windows = createWindows(layout, allValues)
    this.places = new ValuePlaces(layout)
    this.dimensions = layout.needs.dimensions.map((dimension) => slotOf(dimension, entities))
    this.replayed = new TransactionEvent(attributes, entities)
    this.entry = new Float64Array(this.dimensions.length)
    this.previous = new Float64Array(this.dimensions.length)
    this.start(this.rewound, 0)
  }

  /** The state of an entity that has not been seen. */
  create(): EntityState {
    const state = new EntityState(NO_WORDS, 0, 0)
    this.start(state, FIRST_CAPACITY)
    return state
  }

  private start(state: EntityState, tableCapacity: number): void {
    const tables = this.dimensions.map(() => tableCapacity)
    startBlock(this.layout, this.blocks, state, FIRST_CAPACITY, tables)
    this.windows.reset(state.data, state.base)
  }

  /** Is a transaction of this token still in the ring? Then it is the same one, sent again. */
  hasSeen(state: EntityState, transactionToken: number): boolean {
    return holdsTransaction(this.layout, state, transactionToken)
  }

  /**
   * Shows the state to `event`: fills `reading`. Call `advance` with the same event before any other event.
   */
  read(state: EntityState, event: TransactionEvent, reading: EntityReading): void {
    const { data, base } = state
    const watermark = data[base + HEADER.watermark]!
    if (this.layout.needs.life) describeLife(data, base, this.layout.lifeRefundsAt, reading)
    this.describeDimensions(data, base, event, reading)
    if (event.eventTimeMs >= watermark) {
      this.windows.slide(data, base, event.eventTimeMs)
      this.describeWindows(state, event, reading)
    } else {
      this.rewind(state, Math.max(event.eventTimeMs, watermark - this.layout.limits.latenessMs))
      for (let d = 0; d < this.dimensions.length; d++) {
        this.previous[d] = this.places.lastInRing(
          this.rewound.data,
          this.rewound.base,
          d,
          tokenIn(event, this.dimensions[d]!),
        )
      }
      this.describeWindows(this.rewound, event, reading)
    }
  }

  /** Makes `event`, which was just read, part of the state. */
  advance(state: EntityState, event: TransactionEvent): void {
    const { data, base } = state
    const watermark = data[base + HEADER.watermark]!
    const t = event.eventTimeMs
    if (t < watermark - this.layout.limits.latenessMs) {
      data[base + HEADER.tooLate]!++
      return
    }
    if (this.layout.needs.life) this.countLife(data, base, event)
    if (t >= watermark) {
      const sequence = data[base + HEADER.next]!
      this.push(state, event, UNLABELLED)
      this.countValues(state, event, sequence)
    } else {
      data[base + HEADER.late]!++
      this.insertLate(state, event)
    }
  }

  /**
   * Records that the transaction `transactionToken` of `eventTimeMs` is fraud, is not, or that nobody knows
   * (null). A later label replaces the earlier; a transaction that was taken in twice is labelled twice.
   *
   * @returns whether the transaction is still in the ring; if not, no window can need its label.
   */
  label(state: EntityState, eventTimeMs: number, transactionToken: number, isFraud: boolean | null): boolean {
    if (this.layout.labelField < 0) return true
    const { data, base } = state
    const sequence = findTransaction(this.layout, state, eventTimeMs, transactionToken)
    if (sequence < 0) return false
    data[base + HEADER.labelCursor] = sequence + 1
    for (
      let copy = sequence;
      copy >= 0;
      copy = nextCopy(this.layout, state, copy, eventTimeMs, transactionToken)
    )
      this.windows.label(data, base, copy, isFraud)
    return true
  }

  // --- reading

  private describeDimensions(
    data: Float64Array,
    base: number,
    event: TransactionEvent,
    reading: EntityReading,
  ): void {
    for (let d = 0; d < this.dimensions.length; d++) {
      const headerAt = base + dimensionHeaderAt(this.layout, d)
      const at = base + tableAt(this.layout, data, base, d)
      const size = data[headerAt + DIMENSION.size]!
      const capacity = data[headerAt + DIMENSION.capacity]!
      const token = tokenIn(event, this.dimensions[d]!)
      const entry = token === 0 ? -1 : findValue(data, at, size, token)
      this.entry[d] = entry
      this.previous[d] = this.places.last(data, base, d, token, entry)
      const dimension: DimensionReading = reading.dimensions[d]!
      dimension.hasValue = token !== 0
      dimension.count = entry < 0 ? 0 : data[at + capacity + entry]!
      dimension.total = data[headerAt + DIMENSION.total]!
      dimension.ever = data[headerAt + DIMENSION.ever]!
      dimension.isUsual = entry >= 0 && entry === data[headerAt + DIMENSION.usual]
      dimension.counts = data
      dimension.from = at + capacity
      dimension.size = size
    }
  }

  /** Windows and last transaction from `view`, whose windows stand at the event's time. */
  private describeWindows(view: EntityState, event: TransactionEvent, reading: EntityReading): void {
    const { data, base } = view
    const watermark = data[base + HEADER.watermark]!
    reading.lastTimeMs = watermark === Number.NEGATIVE_INFINITY ? Number.NaN : watermark
    reading.lastLatitude = data[base + HEADER.latitude]!
    reading.lastLongitude = data[base + HEADER.longitude]!
    describeReversal(this.layout, view, event, reading)
    this.windows.describe(data, base, event, reading)
    for (let d = 0; d < this.dimensions.length; d++) {
      const token = tokenIn(event, this.dimensions[d]!)
      this.windows.describeDistinct(data, base, d, token, this.previous[d]!, reading)
    }
  }

  // --- advancing

  /**
   * Appends `event`, at whose time the windows already stand, to ring and windows. `previous` says where its
   * values were.
   */
  private push(state: EntityState, event: TransactionEvent, label: number): void {
    this.makeRoomInRing(state)
    const { data, base } = state
    const { ringAt, fieldCount, needs, labelField, latitudeField, longitudeField, dimensionField } =
      this.layout
    const sequence = data[base + HEADER.next]!
    const slot = base + ringAt + (sequence & (data[base + HEADER.ringCapacity]! - 1)) * fieldCount
    data[slot + TIME_FIELD] = event.eventTimeMs
    data[slot + AMOUNT_FIELD] = event.amountMinor
    data[slot + ID_FIELD] = event.transactionToken
    if (labelField >= 0) data[slot + labelField] = label
    if (needs.coordinates) {
      data[slot + latitudeField] = event.latitude
      data[slot + longitudeField] = event.longitude
      data[base + HEADER.latitude] = event.latitude
      data[base + HEADER.longitude] = event.longitude
    }
    this.windows.enter(data, base, sequence, event)
    for (let d = 0; d < this.dimensions.length; d++) {
      const token = tokenIn(event, this.dimensions[d]!)
      data[slot + dimensionField + d] = token
      if (token !== 0) this.windows.enterValue(data, base, d, token, this.previous[d]!)
    }
    data[base + HEADER.next] = sequence + 1
    data[base + HEADER.watermark] = event.eventTimeMs
  }

  private countLife(data: Float64Array, base: number, event: TransactionEvent): void {
    const paid = paidOf(event.amountMinor)
    const total = data[base + HEADER.totalMinor]! + paid
    data[base + HEADER.count]!++
    // Once it is NaN it stays: a sum of a life has no bound, and beyond 2^53 it would be wrong in silence.
    data[base + HEADER.totalMinor] = total <= Number.MAX_SAFE_INTEGER ? total : Number.NaN
    if (this.layout.needs.squares) addSquare(data, base + HEADER.squaresHigh, paid)
    data[base + HEADER.maximumMinor] = Math.max(data[base + HEADER.maximumMinor]!, paid)
    const { lifeRefundsAt } = this.layout
    if (event.amountMinor < 0 && lifeRefundsAt >= 0) data[base + lifeRefundsAt]!++
    data[base + HEADER.firstTime] = Math.min(data[base + HEADER.firstTime]!, event.eventTimeMs)
  }

  /** Counts the values of `event`, which stands at `sequence`. */
  private countValues(state: EntityState, event: TransactionEvent, sequence: number): void {
    for (let d = 0; d < this.dimensions.length; d++) {
      const token = tokenIn(event, this.dimensions[d]!)
      if (token === 0) continue
      const entry = this.entry[d]!
      if (entry < 0) this.makeRoomInTable(state, d)
      const { data, base } = state
      const headerAt = base + dimensionHeaderAt(this.layout, d)
      countValue(data, headerAt, base + tableAt(this.layout, data, base, d), token, entry, sequence)
    }
  }

  private makeRoomInRing(state: EntityState): void {
    const { data, base } = state
    const capacity = data[base + HEADER.ringCapacity]!
    if (data[base + HEADER.next]! - data[base + HEADER.first]! < capacity) return
    if (capacity * 2 <= this.layout.limits.ringEvents || state === this.rewound) {
      const tables = tableCapacitiesOf(this.layout, state)
      moveToLargerBlock(this.layout, this.blocks, state, capacity * 2, tables)
    } else if (this.windows.dropOldest(data, base)) {
      data[base + HEADER.truncated]!++
    }
  }

  private makeRoomInTable(state: EntityState, d: number): void {
    const { data, base } = state
    const tables = tableCapacitiesOf(this.layout, state)
    const capacity = tables[d]!
    if (data[base + dimensionHeaderAt(this.layout, d) + DIMENSION.size]! < capacity) return
    if (capacity * 2 > this.layout.limits.dimensionValues) return
    tables[d] = capacity * 2
    moveToLargerBlock(this.layout, this.blocks, state, data[base + HEADER.ringCapacity]!, tables)
  }

  // --- late events

  /** Places `event` before the watermark: the ring is written again in order, and the windows from it. */
  private insertLate(state: EntityState, event: TransactionEvent): void {
    const count = this.copyRing(state)
    const first = state.data[state.base + HEADER.first]!
    let place = count
    while (place > 0 && this.rows[(place - 1) * this.layout.fieldCount + TIME_FIELD]! > event.eventTimeMs) {
      place--
    }
    this.places.forget(state.data, state.base, first)
    state.data[state.base + HEADER.next] = first
    this.windows.clear(state.data, state.base, first)
    for (let i = 0; i < place; i++) this.pushRow(state, i)
    const sequence = this.pushAgain(state, event, UNLABELLED)
    for (let i = place; i < count; i++) this.pushRow(state, i)
    for (let d = 0; d < this.dimensions.length; d++) {
      const { data, base } = state
      const token = tokenIn(event, this.dimensions[d]!)
      const entry = this.places.entryOf(data, base, d, token)
      // A value that a later transaction also has keeps its later place, even when the table has forgotten
      // the value.
      const last = Math.max(sequence, this.places.last(data, base, d, token, entry))
      if (token === 0) continue
      if (entry < 0) this.makeRoomInTable(state, d)
      const headerAt = state.base + dimensionHeaderAt(this.layout, d)
      const at = state.base + tableAt(this.layout, state.data, state.base, d)
      countValue(state.data, headerAt, at, token, entry, last)
    }
    state.data[state.base + HEADER.labelCursor] = state.data[state.base + HEADER.first]!
  }

  /**
   * Makes `rewound` the state as it was at `t`, over all that has arrived by now: windows and last
   * transaction only.
   */
  private rewind(state: EntityState, t: number): void {
    const count = this.copyRing(state)
    const { data, base } = this.rewound
    data[base + HEADER.first] = 0
    data[base + HEADER.next] = 0
    data[base + HEADER.watermark] = Number.NEGATIVE_INFINITY
    data[base + HEADER.latitude] = Number.NaN
    data[base + HEADER.longitude] = Number.NaN
    this.windows.reset(data, base)
    for (let i = 0; i < count; i++) {
      if (this.rows[i * this.layout.fieldCount + TIME_FIELD]! > t) break
      this.pushRow(this.rewound, i)
    }
    this.windows.slide(this.rewound.data, this.rewound.base, t)
  }

  /** Pushes row `i` of the copied ring. */
  private pushRow(state: EntityState, i: number): void {
    const event = this.replayed
    const { fieldCount, labelField, latitudeField, longitudeField, dimensionField } = this.layout
    const at = i * fieldCount
    event.eventTimeMs = this.rows[at + TIME_FIELD]!
    event.amountMinor = this.rows[at + AMOUNT_FIELD]!
    event.transactionToken = this.rows[at + ID_FIELD]!
    event.latitude = latitudeField < 0 ? Number.NaN : this.rows[at + latitudeField]!
    event.longitude = longitudeField < 0 ? Number.NaN : this.rows[at + longitudeField]!
    for (let d = 0; d < this.dimensions.length; d++) {
      setToken(event, this.dimensions[d]!, Math.abs(this.rows[at + dimensionField + d]!))
    }
    this.windows.restore(this.rows, at, event)
    this.pushAgain(state, event, labelField < 0 ? UNLABELLED : this.rows[at + labelField]!)
  }

  /**
   * Slides and pushes while a ring is written again; the tables of a real state learn where the values now
   * stand.
   */
  private pushAgain(state: EntityState, event: TransactionEvent, label: number): number {
    const hasTables = state !== this.rewound
    this.windows.slide(state.data, state.base, event.eventTimeMs)
    const sequence = state.data[state.base + HEADER.next]!
    for (let d = 0; d < this.dimensions.length; d++) {
      const { data, base } = state
      const token = tokenIn(event, this.dimensions[d]!)
      const entry = hasTables ? this.places.entryOf(data, base, d, token) : -1
      this.previous[d] = hasTables
        ? this.places.last(data, base, d, token, entry)
        : this.places.lastInRing(data, base, d, token)
      if (entry < 0) continue
      this.places.place(data, base, d, entry, sequence)
    }
    this.push(state, event, label)
    return sequence
  }

  /** Copies the ring, oldest first, into `rows`; returns how many. */
  private copyRing({ data, base }: EntityState): number {
    const { fieldCount } = this.layout
    const count = data[base + HEADER.next]! - data[base + HEADER.first]!
    if (this.rows.length < count * fieldCount) this.rows = new Float64Array(2 * count * fieldCount)
    readRing(this.layout, data, base, this.rows, 0)
    return count
  }
}

const NO_WORDS = new Float64Array(0)

const describeLife = (
  data: Float64Array,
  base: number,
  lifeRefundsAt: number,
  reading: EntityReading,
): void => {
  reading.earlierCount = data[base + HEADER.count]!
  if (lifeRefundsAt >= 0) reading.earlierRefundCount = data[base + lifeRefundsAt]!
  reading.earlierTotalMinor = data[base + HEADER.totalMinor]!
  reading.earlierSquares = squaresOf(data, base + HEADER.squaresHigh)
  reading.earlierMaximumMinor = data[base + HEADER.maximumMinor]!
  reading.firstTimeMs = data[base + HEADER.firstTime]!
}
