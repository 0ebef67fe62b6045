import type { TransactionEvent } from '../transaction-event.ts'
import { createWindows } from './aggregates/aggregate-windows.ts'
import { dimensionHeaderAt, moveToLargerBlock, startBlock, tableAt, tableCapacitiesOf } from './blocks.ts'
import { slotOf, tokenIn } from './dimension-token.ts'
import { type BlockAllocator, EntityState } from './entity-state.ts'
import { addSquare, squaresOf } from './exact-squares.ts'
import { countValue, findValue } from './frequency-table.ts'
import { LateEvents } from './late-events.ts'
import type { LateWindows } from './late-windows.ts'
import { AMOUNT_FIELD, DIMENSION, HEADER, ID_FIELD, type StateLayout, TIME_FIELD } from './layout.ts'
import type { DimensionReading, EntityReading } from './reading.ts'
import { describeReversal } from './reversal.ts'
import { findTransaction, holdsTransaction, nextCopy } from './ring-search.ts'
import { StepWindows } from './steps/step-windows.ts'
import { ValuePlaces } from './value-places.ts'
import { paidOf, UNLABELLED } from './windows.ts'

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
 * 2. Windows are a pure function of the ring and the watermark. An event that arrives late leaves them as if
 *    it had come in time, at a cost of what stands between (`LateEvents`).
 * 3. Everything else (counts and totals of all time, tables) follows arrival order.
 *
 * Late events. Behind the watermark by at most `latenessMs`: windows are those of the event's own time, over
 * what has arrived so far; then it is placed. Further behind: windows are those of `watermark - latenessMs`,
 * and the state does not change.
 *
 * Gaps. A transaction that comes longer than `forgetAfterMs` after the latest one finds the state of an
 * entity that has not been seen. It follows from the entity's own transactions alone, so it is so everywhere.
 */
export class StateKeeper {
  readonly layout: StateLayout
  private readonly blocks: BlockAllocator
  protected readonly windows: LateWindows
  protected readonly places: ValuePlaces
  /** The dimensions as places in an event. */
  protected readonly dimensions: readonly number[]
  /**
   * Per dimension, of the transaction at hand: its value's entry in the table, and where it last stood in the
   * ring.
   */
  private readonly entry: Float64Array
  protected readonly previous: Float64Array
  private readonly late: LateEvents
  protected readonly steps: StepWindows

  /** @param event one as this keeper will be given: it says what attributes and entities events have */
  constructor(layout: StateLayout, blocks: BlockAllocator, event: TransactionEvent) {
    const { allValues, entities } = event
    this.layout = layout
    this.blocks = blocks
    this.windows = createWindows(layout, allValues)
    this.places = new ValuePlaces(layout)
    this.dimensions = layout.needs.dimensions.map((dimension) => slotOf(dimension, entities))
    this.entry = new Float64Array(this.dimensions.length)
    this.previous = new Float64Array(this.dimensions.length)
    this.steps = new StepWindows(layout, this.dimensions, event)
    const { windows, places, dimensions, steps } = this
    this.late = new LateEvents({
      layout,
      windows,
      places,
      dimensions,
      write: (state, late, sequence) => this.write(state, late, sequence),
      makeRoom: (state, late) => {
        steps.arrive(state, late)
        this.makeRoomInRing(state, late)
      },
      passBy: (state, late, latest) => steps.foldLate(state, late, latest),
    })
  }

  /** The state of an entity that has not been seen. */
  create(): EntityState {
    const state = new EntityState(NO_WORDS, 0, 0)
    this.begin(state)
    return state
  }

  /** Makes `state` that of an entity that has not been seen. */
  private begin(state: EntityState): void {
    const tables = this.dimensions.map(() => FIRST_CAPACITY)
    startBlock(this.layout, this.blocks, state, FIRST_CAPACITY, tables)
    this.windows.reset(state.data, state.base)
  }

  /** The entity has been away for too long (`StateLayout.forgetAfterMs`). */
  private beginAnew(state: EntityState): void {
    const { data, base, size } = state
    this.begin(state)
    state.links = undefined
    state.past = undefined
    this.blocks.release(data, base, size)
  }

  /** Is a transaction of this token still in the ring? Then it is the same one, sent again. */
  hasSeen(state: EntityState, transactionToken: number): boolean {
    return holdsTransaction(this.layout, state, transactionToken)
  }

  /**
   * Shows the state to `event`: fills `reading`. Call `advance` with the same event before any other event.
   */
  read(state: EntityState, event: TransactionEvent, reading: EntityReading): void {
    const latest = state.data[state.base + HEADER.watermark]!
    const isForgotten = event.eventTimeMs - latest > this.layout.forgetAfterMs
    if (isForgotten && latest !== Number.NEGATIVE_INFINITY) this.beginAnew(state)
    const { data, base } = state
    const watermark = data[base + HEADER.watermark]!
    if (this.layout.needs.life) describeLife(data, base, this.layout.lifeRefundsAt, reading)
    this.describeDimensions(data, base, event, reading)
    if (event.eventTimeMs >= watermark) {
      this.windows.slide(data, base, event.eventTimeMs)
      if (state.past !== undefined) this.steps.expire(state, event.eventTimeMs)
      this.describeLast(state, event, reading)
      this.windows.describe(data, base, event, reading)
      this.describeDistinct(state, event, reading)
      if (state.past !== undefined) this.describePast(state, state, event.eventTimeMs, event, reading)
    } else {
      const t = Math.max(event.eventTimeMs, watermark - this.layout.limits.latenessMs)
      this.readEarlier(state, event, t, reading)
    }
  }

  /** Windows and last transaction as they are at `t`, before the watermark. */
  protected readEarlier(
    state: EntityState,
    event: TransactionEvent,
    t: number,
    reading: EntityReading,
  ): void {
    this.late.rewind(state, event, t, this.previous)
    this.describeLast(state, event, reading)
    this.windows.describeEarlier(state.data, state.base, event, reading)
    this.describeDistinct(state, event, reading)
    this.describePast(state, state, t, event, reading)
    this.late.restore(state)
  }

  /** What windows at `t`, as the block of `view` has them, have beyond the ring of `state`. */
  protected describePast(
    { past }: EntityState,
    view: EntityState,
    t: number,
    event: TransactionEvent,
    reading: EntityReading,
  ): void {
    if (past !== undefined) this.steps.describe(past, view, t, event, reading)
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
      if (state.past !== undefined) this.steps.arrive(state, event)
      const sequence = data[base + HEADER.next]!
      this.push(state, event)
      for (let d = 0; d < this.dimensions.length; d++) this.countValue(state, event, d, sequence)
    } else {
      data[base + HEADER.late]!++
      this.insertLate(state, event)
    }
  }

  /** Takes `event`, which was just read, in at its place before the watermark. */
  protected insertLate(state: EntityState, event: TransactionEvent): void {
    const latest = this.late.insert(state, event, this.previous)
    for (let d = 0; d < this.dimensions.length; d++) this.countValue(state, event, d, latest[d]!)
  }

  /**
   * Records that the transaction `transactionToken` of `eventTimeMs` is fraud, is not, or that nobody knows
   * (null). A later label replaces the earlier; a transaction that was taken in twice is labelled twice. Of
   * one that has left the full ring, `known` is what was told before (null: nothing).
   *
   * @returns whether the ring has the transaction, or a step that it has left for; if not, no window can need
   * its label
   */
  label(
    state: EntityState,
    eventTimeMs: number,
    transactionToken: number,
    isFraud: boolean | null,
    known: boolean | null = null,
  ): boolean {
    if (this.layout.labelField < 0) return true
    const { data, base } = state
    const sequence = findTransaction(this.layout, state, eventTimeMs, transactionToken)
    if (sequence < 0) return this.steps.label(state, eventTimeMs, isFraud, known)
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

  /** The transaction before this one, and the one it reverses. */
  protected describeLast(state: EntityState, event: TransactionEvent, reading: EntityReading): void {
    const { data, base } = state
    const watermark = data[base + HEADER.watermark]!
    reading.lastTimeMs = watermark === Number.NEGATIVE_INFINITY ? Number.NaN : watermark
    reading.lastLatitude = data[base + HEADER.latitude]!
    reading.lastLongitude = data[base + HEADER.longitude]!
    describeReversal(this.layout, state, event, reading)
  }

  protected describeDistinct(
    { data, base }: EntityState,
    event: TransactionEvent,
    reading: EntityReading,
  ): void {
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
  protected push(state: EntityState, event: TransactionEvent): void {
    this.makeRoomInRing(state, event)
    const { data, base, links } = state
    const { needs, dimensionField } = this.layout
    const sequence = data[base + HEADER.next]!
    const slot = this.write(state, event, sequence)
    if (needs.coordinates) {
      data[base + HEADER.latitude] = event.latitude
      data[base + HEADER.longitude] = event.longitude
    }
    this.windows.enter(data, base, sequence, event)
    for (let d = 0; d < this.dimensions.length; d++) {
      const token = tokenIn(event, this.dimensions[d]!)
      const previous = this.previous[d]!
      data[slot + dimensionField + d] = token
      if (token !== 0) this.windows.enterValue(data, base, d, token, previous)
      links?.link(d, sequence, previous, data[base + HEADER.first]!)
    }
    data[base + HEADER.next] = sequence + 1
    data[base + HEADER.watermark] = event.eventTimeMs
  }

  /** Writes what is the event's own into the row at `sequence`; returns where that is. */
  private write({ data, base }: EntityState, event: TransactionEvent, sequence: number): number {
    const { ringAt, fieldCount, needs, labelField, latitudeField, longitudeField } = this.layout
    const row = base + ringAt + (sequence & (data[base + HEADER.ringCapacity]! - 1)) * fieldCount
    data[row + TIME_FIELD] = event.eventTimeMs
    data[row + AMOUNT_FIELD] = event.amountMinor
    data[row + ID_FIELD] = event.transactionToken
    if (labelField >= 0) data[row + labelField] = UNLABELLED
    if (needs.coordinates) {
      data[row + latitudeField] = event.latitude
      data[row + longitudeField] = event.longitude
    }
    return row
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

  /** Counts the value of `event` in dimension `d`, which now stands last at `sequence`. */
  protected countValue(state: EntityState, event: TransactionEvent, d: number, sequence: number): void {
    const token = tokenIn(event, this.dimensions[d]!)
    if (token === 0) return
    const entry = this.entry[d]!
    if (entry < 0) this.makeRoomInTable(state, d)
    const { data, base } = state
    const headerAt = base + dimensionHeaderAt(this.layout, d)
    countValue(data, headerAt, base + tableAt(this.layout, data, base, d), token, entry, sequence)
  }

  private makeRoomInRing(state: EntityState, event: TransactionEvent): void {
    const { data, base } = state
    const capacity = data[base + HEADER.ringCapacity]!
    if (data[base + HEADER.next]! - data[base + HEADER.first]! < capacity) return
    if (capacity * 2 <= this.layout.limits.ringEvents) {
      const tables = tableCapacitiesOf(this.layout, state)
      moveToLargerBlock(this.layout, this.blocks, state, capacity * 2, tables)
    } else {
      this.steps.fold(state, event)
      if (this.windows.dropOldest(data, base)) data[base + HEADER.truncated]!++
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
