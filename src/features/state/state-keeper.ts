import { TransactionEvent } from '../transaction-event.ts'
import { type BlockAllocator, EntityState } from './entity-state.ts'
import { addSquare, removeSquare, squareOf, squaresOf } from './exact-squares.ts'
import { countValue, findValue } from './frequency-table.ts'
import {
  AMOUNT_FIELD,
  DIMENSION,
  DIMENSION_WORDS,
  type Dimension,
  HEADER,
  HEADER_WORDS,
  ID_FIELD,
  RISK,
  RISK_WORDS,
  type StateLayout,
  TIME_FIELD,
  WINDOW,
} from './layout.ts'
import type { DimensionReading, EntityReading } from './reading.ts'

/** Ring capacity and table capacity of a new state. */
const FIRST_CAPACITY = 4
const UNLABELLED = -1

/**
 * Reads and advances the states of one kind of entity.
 *
 * `read` shows a transaction what its entity's past says; `advance` makes it part of that past. Their order is the one rule:
 * read, emit, advance. In order, an event costs O(1) amortised per window: each enters a window once and leaves it once.
 *
 * Invariants:
 * 1. The ring is in event-time order; among equal times, in arrival order.
 * 2. A window's aggregates are a pure function of the ring and the watermark, so an event that arrives late is placed in the
 *    ring and the windows are rebuilt from it: exactness needs no second algorithm.
 * 3. Everything else (counts and totals of all time, tables) follows arrival order.
 *
 * Late events. Behind the watermark by at most `latenessMs`: windows are those of the event's own time, over what has arrived
 * so far; then it is placed. Further behind: windows are those of `watermark - latenessMs`, and the state does not change.
 */
export class StateKeeper {
  readonly layout: StateLayout
  private readonly blocks: BlockAllocator
  private readonly windowsMs: Float64Array
  private readonly riskMs: Float64Array
  private readonly dimensions: readonly Dimension[]
  /** Rebuilding: the ring's raw fields in order, and a state to rewind into. */
  private raw = new Float64Array(0)
  private readonly rewound: EntityState
  private readonly replayed = new TransactionEvent()

  constructor(layout: StateLayout, blocks: BlockAllocator) {
    this.layout = layout
    this.blocks = blocks
    this.windowsMs = Float64Array.from(layout.needs.windows, ({ ms }) => ms)
    this.riskMs = Float64Array.from(layout.needs.riskWindows, ({ ms }) => ms)
    this.dimensions = layout.needs.dimensions
    this.rewound = new EntityState(new Float64Array(0), 0, 0)
    this.startBlock(
      this.rewound,
      FIRST_CAPACITY,
      this.dimensions.map(() => 0),
      0,
    )
  }

  /** The state of an entity that has not been seen. */
  create(token: number): EntityState {
    const state = new EntityState(NO_WORDS, 0, 0)
    this.startBlock(
      state,
      FIRST_CAPACITY,
      this.dimensions.map(() => FIRST_CAPACITY),
      token,
    )
    return state
  }

  /** Words a block with these capacities needs. */
  wordsFor(ringCapacity: number, tableCapacities: readonly number[]): number {
    let words = this.layout.ringAt + this.layout.fieldCount * ringCapacity
    for (const capacity of tableCapacities) words += 3 * capacity
    return words
  }

  /** Allocates and initialises an empty block. */
  startBlock(
    state: EntityState,
    ringCapacity: number,
    tableCapacities: readonly number[],
    token: number,
  ): void {
    this.blocks.allocate(state, this.wordsFor(ringCapacity, tableCapacities))
    const { data, base } = state
    data[base + HEADER.schema] = this.layout.schemaHash
    data[base + HEADER.ringCapacity] = ringCapacity
    data[base + HEADER.watermark] = Number.NEGATIVE_INFINITY
    data[base + HEADER.firstTime] = Number.POSITIVE_INFINITY
    data[base + HEADER.latitude] = Number.NaN
    data[base + HEADER.longitude] = Number.NaN
    data[base + HEADER.token] = token
    for (let d = 0; d < tableCapacities.length; d++) {
      data[base + this.dimensionHeaderAt(d) + DIMENSION.capacity] = tableCapacities[d]!
    }
    this.emptyWindows(data, base, 0)
  }

  /** Is a transaction of this token still in the ring? Then it is the same one, sent again. */
  hasSeen(state: EntityState, transactionToken: number): boolean {
    const { data, base } = state
    const capacity = data[base + HEADER.ringCapacity]!
    const mask = capacity - 1
    const idsAt = base + this.layout.ringAt + ID_FIELD * capacity
    const next = data[base + HEADER.next]!
    for (let sequence = data[base + HEADER.first]!; sequence < next; sequence++) {
      if (data[idsAt + (sequence & mask)] === transactionToken) return true
    }
    return false
  }

  /** Shows the state to `event`: fills `reading`. Call `advance` with the same event before any other event. */
  read(state: EntityState, event: TransactionEvent, reading: EntityReading): void {
    const { data, base } = state
    const watermark = data[base + HEADER.watermark]!
    reading.present = true
    reading.earlierCount = data[base + HEADER.count]!
    reading.earlierTotalMinor = data[base + HEADER.totalMinor]!
    reading.earlierSquares = squaresOf(data, base + HEADER.squaresHigh)
    reading.earlierMaximumMinor = data[base + HEADER.maximumMinor]!
    const firstTime = data[base + HEADER.firstTime]!
    reading.firstTimeMs = firstTime === Number.POSITIVE_INFINITY ? Number.NaN : firstTime
    this.describeDimensions(data, base, event, reading)
    if (event.eventTimeMs >= watermark) {
      this.slide(data, base, event.eventTimeMs)
      this.describe(state, event, reading, state)
    } else {
      const oldestMs = watermark - this.layout.limits.latenessMs
      const asOfMs = Math.max(event.eventTimeMs, oldestMs)
      this.rewind(state, asOfMs)
      this.describe(this.rewound, event, reading, state)
    }
  }

  /** Makes `event` part of the state. */
  advance(state: EntityState, event: TransactionEvent): void {
    const { data, base } = state
    const watermark = data[base + HEADER.watermark]!
    const t = event.eventTimeMs
    if (t < watermark - this.layout.limits.latenessMs) {
      data[base + HEADER.tooLate]!++
      return
    }
    data[base + HEADER.count]!++
    data[base + HEADER.totalMinor]! += event.amountMinor
    addSquare(data, base + HEADER.squaresHigh, event.amountMinor)
    if (event.amountMinor > data[base + HEADER.maximumMinor]!) {
      data[base + HEADER.maximumMinor] = event.amountMinor
    }
    if (t < data[base + HEADER.firstTime]!) data[base + HEADER.firstTime] = t
    if (t >= watermark) {
      const sequence = data[base + HEADER.next]!
      this.push(state, event, UNLABELLED)
      this.countDimensions(state, event, sequence)
    } else {
      data[base + HEADER.late]!++
      this.insertLate(state, event)
    }
  }

  /**
   * Records that the transaction `transactionToken` of `eventTimeMs` is fraud or is not. A repeated label replaces the earlier.
   *
   * @returns whether the transaction is still in the ring; if not, no window can need its label.
   */
  label(state: EntityState, eventTimeMs: number, transactionToken: number, isFraud: boolean): boolean {
    const { labelField, ringAt } = this.layout
    if (labelField < 0) return true
    const { data, base } = state
    const sequence = this.find(data, base, eventTimeMs, transactionToken)
    if (sequence < 0) return false
    const capacity = data[base + HEADER.ringCapacity]!
    const labelAt = base + ringAt + labelField * capacity + (sequence & (capacity - 1))
    const before = data[labelAt]!
    const label = isFraud ? 1 : 0
    data[labelAt] = label
    data[base + HEADER.labelCursor] = sequence + 1
    if (sequence < data[base + HEADER.riskHead]!) {
      for (let w = 0; w < this.riskMs.length; w++) {
        const at = base + this.layout.riskAt + w * RISK_WORDS
        if (sequence < data[at + RISK.start]!) continue
        if (before === UNLABELLED) data[at + RISK.labelled]!++
        data[at + RISK.frauds]! += label - (before === 1 ? 1 : 0)
      }
    }
    return true
  }

  dimensionHeaderAt(d: number): number {
    return this.layout.dimensionsAt + d * DIMENSION_WORDS
  }

  /** Where the table of dimension `d` starts, from the block's base. */
  tableAt(data: Float64Array, base: number, d: number): number {
    let at = this.layout.ringAt + this.layout.fieldCount * data[base + HEADER.ringCapacity]!
    for (let i = 0; i < d; i++) at += 3 * data[base + this.dimensionHeaderAt(i) + DIMENSION.capacity]!
    return at
  }

  // --- reading

  private describeDimensions(
    data: Float64Array,
    base: number,
    event: TransactionEvent,
    reading: EntityReading,
  ): void {
    for (let d = 0; d < this.dimensions.length; d++) {
      const headerAt = base + this.dimensionHeaderAt(d)
      const tableAt = base + this.tableAt(data, base, d)
      const size = data[headerAt + DIMENSION.size]!
      const capacity = data[headerAt + DIMENSION.capacity]!
      const token = tokenIn(event, this.dimensions[d]!)
      const entry = token === 0 ? -1 : findValue(data, tableAt, size, token)
      const dimension: DimensionReading = reading.dimensions[d]!
      dimension.hasValue = token !== 0
      dimension.count = entry < 0 ? 0 : data[tableAt + capacity + entry]!
      dimension.total = data[headerAt + DIMENSION.total]!
      dimension.ever = data[headerAt + DIMENSION.ever]!
      dimension.isUsual = entry >= 0 && entry === data[headerAt + DIMENSION.usual]
      dimension.counts = data
      dimension.from = tableAt + capacity
      dimension.size = size
    }
  }

  /** Windows and last transaction from `view`, which stands at the event's time; the event itself counts in its windows. */
  private describe(
    view: EntityState,
    event: TransactionEvent,
    reading: EntityReading,
    state: EntityState,
  ): void {
    const { data, base } = view
    const { needs, ringAt, riskAt, windowWords } = this.layout
    const next = data[base + HEADER.next]!
    const watermark = data[base + HEADER.watermark]!
    reading.lastTimeMs = watermark === Number.NEGATIVE_INFINITY ? Number.NaN : watermark
    reading.lastLatitude = data[base + HEADER.latitude]!
    reading.lastLongitude = data[base + HEADER.longitude]!
    const capacity = data[base + HEADER.ringCapacity]!
    const amountAt = base + ringAt + AMOUNT_FIELD * capacity
    const amount = event.amountMinor
    for (let w = 0; w < this.windowsMs.length; w++) {
      const at = base + HEADER_WORDS + w * windowWords
      const window = reading.windows[w]!
      window.count = next - data[at + WINDOW.start]! + 1
      window.totalMinor = data[at + WINDOW.totalMinor]! + amount
      if (needs.squares) window.squares = squaresOf(data, at + WINDOW.squaresHigh) + squareOf(amount)
      if (needs.maximum) {
        const maximumAt = data[at + WINDOW.maximumAt]!
        const earlier = maximumAt < 0 ? 0 : data[amountAt + (maximumAt & (capacity - 1))]!
        window.maximumMinor = Math.max(earlier, amount)
      }
    }
    for (let d = 0; d < this.dimensions.length; d++) {
      const token = tokenIn(event, this.dimensions[d]!)
      const previous = token === 0 ? -1 : this.lastWith(view, state, d, token)
      for (let w = 0; w < this.windowsMs.length; w++) {
        const at = base + HEADER_WORDS + w * windowWords
        const isNew = token !== 0 && previous < data[at + WINDOW.start]! ? 1 : 0
        reading.windows[w]!.distinct[d] = data[at + WINDOW.distinct + d]! + isNew
      }
    }
    for (let w = 0; w < this.riskMs.length; w++) {
      const at = base + riskAt + w * RISK_WORDS
      const risk = reading.risk[w]!
      risk.labelled = data[at + RISK.labelled]!
      risk.frauds = data[at + RISK.frauds]!
    }
  }

  /** Sequence number of the latest event in `view`'s ring whose value in dimension `d` is `token`, or -1. */
  private lastWith(view: EntityState, state: EntityState, d: number, token: number): number {
    if (view === state) return this.lastInTable(state.data, state.base, d, token)
    return this.lastInRing(view.data, view.base, d, token)
  }

  private lastInTable(data: Float64Array, base: number, d: number, token: number): number {
    const lastAt = this.lastSeenAt(data, base, d, token)
    if (lastAt >= 0) return data[lastAt]!
    const headerAt = base + this.dimensionHeaderAt(d)
    // A value that the full table forgot can still stand in the ring.
    const hasForgotten = data[headerAt + DIMENSION.ever]! > data[headerAt + DIMENSION.size]!
    return hasForgotten ? this.lastInRing(data, base, d, token) : -1
  }

  /** Index of the word that says where `token` was last seen, or -1 when the table does not hold it. */
  private lastSeenAt(data: Float64Array, base: number, d: number, token: number): number {
    const headerAt = base + this.dimensionHeaderAt(d)
    const tableAt = base + this.tableAt(data, base, d)
    const entry = findValue(data, tableAt, data[headerAt + DIMENSION.size]!, token)
    return entry < 0 ? -1 : tableAt + 2 * data[headerAt + DIMENSION.capacity]! + entry
  }

  private lastInRing(data: Float64Array, base: number, d: number, token: number): number {
    const capacity = data[base + HEADER.ringCapacity]!
    const at = base + this.layout.ringAt + (this.layout.dimensionField + d) * capacity
    const first = data[base + HEADER.first]!
    for (let sequence = data[base + HEADER.next]! - 1; sequence >= first; sequence--) {
      if (Math.abs(data[at + (sequence & (capacity - 1))]!) === token) return sequence
    }
    return -1
  }

  // --- windows

  /** Moves every window to end at `t`, which is not before the watermark. */
  private slide(data: Float64Array, base: number, t: number): void {
    const { ringAt, riskAt, windowWords, limits } = this.layout
    const next = data[base + HEADER.next]!
    const capacity = data[base + HEADER.ringCapacity]!
    const mask = capacity - 1
    const timeAt = base + ringAt + TIME_FIELD * capacity
    for (let w = 0; w < this.windowsMs.length; w++) {
      const at = base + HEADER_WORDS + w * windowWords
      const limit = t - this.windowsMs[w]!
      let start = data[at + WINDOW.start]!
      while (start < next && data[timeAt + (start & mask)]! <= limit) {
        this.leaveWindow(data, base, at, start, next, capacity)
        start++
      }
      data[at + WINDOW.start] = start
    }
    if (this.riskMs.length > 0) {
      const knownBy = t - limits.labelDelayMs
      let head = data[base + HEADER.riskHead]!
      while (head < next && data[timeAt + (head & mask)]! <= knownBy) {
        this.enterRisk(data, base, head, capacity)
        head++
      }
      data[base + HEADER.riskHead] = head
      for (let w = 0; w < this.riskMs.length; w++) {
        const at = base + riskAt + w * RISK_WORDS
        const limit = knownBy - this.riskMs[w]!
        let start = data[at + RISK.start]!
        while (start < head && data[timeAt + (start & mask)]! <= limit) {
          this.leaveRisk(data, base, at, start, capacity)
          start++
        }
        data[at + RISK.start] = start
      }
    }
    const horizon = t - this.layout.retentionMs
    let first = data[base + HEADER.first]!
    while (first < next && data[timeAt + (first & mask)]! <= horizon) first++
    data[base + HEADER.first] = first
  }

  private leaveWindow(
    data: Float64Array,
    base: number,
    at: number,
    sequence: number,
    next: number,
    capacity: number,
  ): void {
    const { needs, ringAt, stackField, dimensionField } = this.layout
    const slot = base + ringAt + (sequence & (capacity - 1))
    const amount = data[slot + AMOUNT_FIELD * capacity]!
    data[at + WINDOW.totalMinor]! -= amount
    if (needs.squares) removeSquare(data, at + WINDOW.squaresHigh, amount)
    if (needs.maximum && data[at + WINDOW.maximumAt] === sequence) {
      data[at + WINDOW.maximumAt] = sequence === next - 1 ? -1 : data[slot + stackField * capacity]!
    }
    for (let d = 0; d < this.dimensions.length; d++) {
      if (data[slot + (dimensionField + d) * capacity]! > 0) data[at + WINDOW.distinct + d]!--
    }
  }

  /** A transaction becomes old enough to count in all risk windows, if its label is known. */
  private enterRisk(data: Float64Array, base: number, sequence: number, capacity: number): void {
    const label =
      data[base + this.layout.ringAt + this.layout.labelField * capacity + (sequence & (capacity - 1))]!
    if (label === UNLABELLED) return
    for (let w = 0; w < this.riskMs.length; w++) {
      const at = base + this.layout.riskAt + w * RISK_WORDS
      data[at + RISK.labelled]!++
      data[at + RISK.frauds]! += label
    }
  }

  private leaveRisk(data: Float64Array, base: number, at: number, sequence: number, capacity: number): void {
    const label =
      data[base + this.layout.ringAt + this.layout.labelField * capacity + (sequence & (capacity - 1))]!
    if (label === UNLABELLED) return
    data[at + RISK.labelled]!--
    data[at + RISK.frauds]! -= label
  }

  private emptyWindows(data: Float64Array, base: number, sequence: number): void {
    const { windowWords, riskAt, dimensionsAt } = this.layout
    data.fill(0, base + HEADER_WORDS, base + dimensionsAt)
    for (let w = 0; w < this.windowsMs.length; w++) {
      const at = base + HEADER_WORDS + w * windowWords
      data[at + WINDOW.start] = sequence
      data[at + WINDOW.maximumAt] = -1
    }
    for (let w = 0; w < this.riskMs.length; w++) {
      data[base + riskAt + w * RISK_WORDS + RISK.start] = sequence
    }
    data[base + HEADER.riskHead] = sequence
  }

  // --- advancing

  /** Appends `event`, which is not before the watermark, to ring and windows. Windows already stand at its time. */
  private push(state: EntityState, event: TransactionEvent, label: number): void {
    this.makeRoomInRing(state)
    const { data, base } = state
    const { ringAt, needs, windowWords, labelField, latitudeField, longitudeField, dimensionField } =
      this.layout
    const capacity = data[base + HEADER.ringCapacity]!
    const sequence = data[base + HEADER.next]!
    const slot = base + ringAt + (sequence & (capacity - 1))
    const amount = event.amountMinor
    data[slot + TIME_FIELD * capacity] = event.eventTimeMs
    data[slot + AMOUNT_FIELD * capacity] = amount
    data[slot + ID_FIELD * capacity] = event.transactionToken
    if (labelField >= 0) data[slot + labelField * capacity] = label
    if (needs.coordinates) {
      data[slot + latitudeField * capacity] = event.latitude
      data[slot + longitudeField * capacity] = event.longitude
      data[base + HEADER.latitude] = event.latitude
      data[base + HEADER.longitude] = event.longitude
    }
    if (needs.maximum) this.pushMaximum(data, base, sequence, amount, capacity)
    for (let w = 0; w < this.windowsMs.length; w++) {
      const at = base + HEADER_WORDS + w * windowWords
      data[at + WINDOW.totalMinor]! += amount
      if (needs.squares) addSquare(data, at + WINDOW.squaresHigh, amount)
    }
    for (let d = 0; d < this.dimensions.length; d++) {
      const token = tokenIn(event, this.dimensions[d]!)
      data[slot + (dimensionField + d) * capacity] = token
      if (token !== 0) this.enterDistinct(state, d, token, capacity)
    }
    data[base + HEADER.next] = sequence + 1
    data[base + HEADER.watermark] = event.eventTimeMs
  }

  /**
   * Keeps the stack of transactions not yet followed by one at least as large: `greater` links each to the one below it,
   * `stack` to the one above. The first of them inside a window is that window's maximum.
   */
  private pushMaximum(
    data: Float64Array,
    base: number,
    sequence: number,
    amount: number,
    capacity: number,
  ): void {
    const { ringAt, greaterField, stackField, windowWords } = this.layout
    const mask = capacity - 1
    const amountAt = base + ringAt + AMOUNT_FIELD * capacity
    const greaterAt = base + ringAt + greaterField * capacity
    const stackAt = base + ringAt + stackField * capacity
    const first = data[base + HEADER.first]!
    let below = sequence - 1
    while (below >= first && data[amountAt + (below & mask)]! <= amount)
      below = data[greaterAt + (below & mask)]!
    if (below >= first) data[stackAt + (below & mask)] = sequence
    data[greaterAt + (sequence & mask)] = below >= first ? below : -1
    for (let w = 0; w < this.windowsMs.length; w++) {
      const at = base + HEADER_WORDS + w * windowWords + WINDOW.maximumAt
      const maximumAt = data[at]!
      if (maximumAt < 0 || data[amountAt + (maximumAt & mask)]! <= amount) data[at] = sequence
    }
  }

  /** The latest occurrence of a value stands positive in the ring, earlier ones negative: a window counts the positive. */
  private enterDistinct(state: EntityState, d: number, token: number, capacity: number): void {
    const { data, base } = state
    const { ringAt, windowWords, dimensionField } = this.layout
    const first = data[base + HEADER.first]!
    const previous =
      state === this.rewound ? this.lastInRing(data, base, d, token) : this.lastInTable(data, base, d, token)
    if (previous >= first) {
      data[base + ringAt + (dimensionField + d) * capacity + (previous & (capacity - 1))] = -token
    }
    for (let w = 0; w < this.windowsMs.length; w++) {
      const at = base + HEADER_WORDS + w * windowWords
      if (previous < data[at + WINDOW.start]!) data[at + WINDOW.distinct + d]!++
    }
  }

  /** Counts the values of `event`, which stands at `sequence`; a value that a later event also has keeps its later place. */
  private countDimensions(state: EntityState, event: TransactionEvent, sequence: number): void {
    for (let d = 0; d < this.dimensions.length; d++) {
      const token = tokenIn(event, this.dimensions[d]!)
      if (token === 0) continue
      this.makeRoomInTable(state, d, token)
      const { data, base } = state
      const lastAt = this.lastSeenAt(data, base, d, token)
      const last = lastAt >= 0 && data[lastAt]! > sequence ? data[lastAt]! : sequence
      countValue(data, base + this.dimensionHeaderAt(d), base + this.tableAt(data, base, d), token, last)
    }
  }

  // --- late events

  /** Places `event` before the watermark: the ring is written again in order, and the windows from it. */
  private insertLate(state: EntityState, event: TransactionEvent): void {
    const count = this.copyRing(state)
    const first = state.data[state.base + HEADER.first]!
    const width = this.layout.fieldCount
    let place = count
    while (place > 0 && this.raw[(place - 1) * width + TIME_FIELD]! > event.eventTimeMs) place--
    this.forgetLastSeen(state, first)
    state.data[state.base + HEADER.next] = first
    this.emptyWindows(state.data, state.base, first)
    for (let i = 0; i < place; i++) this.pushRaw(state, i)
    const sequence = this.pushAgain(state, event, UNLABELLED)
    for (let i = place; i < count; i++) this.pushRaw(state, i)
    this.countDimensions(state, event, sequence)
    state.data[state.base + HEADER.labelCursor] = state.data[state.base + HEADER.first]!
  }

  /** Makes `rewound` the state as it was at `t`, over all that has arrived by now: windows and last transaction only. */
  private rewind(state: EntityState, t: number): void {
    const count = this.copyRing(state)
    const { data, base } = this.rewound
    data[base + HEADER.first] = 0
    data[base + HEADER.next] = 0
    data[base + HEADER.watermark] = Number.NEGATIVE_INFINITY
    data[base + HEADER.latitude] = Number.NaN
    data[base + HEADER.longitude] = Number.NaN
    this.emptyWindows(data, base, 0)
    for (let i = 0; i < count; i++) {
      if (this.raw[i * this.layout.fieldCount + TIME_FIELD]! > t) break
      this.pushRaw(this.rewound, i)
    }
    this.slide(this.rewound.data, this.rewound.base, t)
  }

  /** Pushes row `i` of `raw`, and in a real state says in the tables where its values were last seen. */
  private pushRaw(state: EntityState, i: number): void {
    const event = this.replayed
    const { fieldCount, labelField, latitudeField, longitudeField, dimensionField } = this.layout
    const at = i * fieldCount
    event.eventTimeMs = this.raw[at + TIME_FIELD]!
    event.amountMinor = this.raw[at + AMOUNT_FIELD]!
    event.transactionToken = this.raw[at + ID_FIELD]!
    event.latitude = latitudeField < 0 ? Number.NaN : this.raw[at + latitudeField]!
    event.longitude = longitudeField < 0 ? Number.NaN : this.raw[at + longitudeField]!
    for (let d = 0; d < this.dimensions.length; d++) {
      setToken(event, this.dimensions[d]!, Math.abs(this.raw[at + dimensionField + d]!))
    }
    this.pushAgain(state, event, labelField < 0 ? UNLABELLED : this.raw[at + labelField]!)
  }

  /** Slides and pushes while a ring is written again; the tables learn where the values now stand. */
  private pushAgain(state: EntityState, event: TransactionEvent, label: number): number {
    this.slide(state.data, state.base, event.eventTimeMs)
    const sequence = state.data[state.base + HEADER.next]!
    this.push(state, event, label)
    if (state === this.rewound) return sequence
    const { data, base } = state
    for (let d = 0; d < this.dimensions.length; d++) {
      const token = tokenIn(event, this.dimensions[d]!)
      const lastAt = token === 0 ? -1 : this.lastSeenAt(data, base, d, token)
      if (lastAt >= 0) data[lastAt] = sequence
    }
    return sequence
  }

  /** Before the ring is written again: values last seen in it (from `first` on) count as not seen. */
  private forgetLastSeen(state: EntityState, first: number): void {
    const { data, base } = state
    for (let d = 0; d < this.dimensions.length; d++) {
      const headerAt = base + this.dimensionHeaderAt(d)
      const lastAt = base + this.tableAt(data, base, d) + 2 * data[headerAt + DIMENSION.capacity]!
      const end = lastAt + data[headerAt + DIMENSION.size]!
      for (let at = lastAt; at < end; at++) if (data[at]! >= first) data[at] = -1
    }
  }

  /** Copies the ring, oldest first, row by row, into `raw`; returns the number of rows. */
  private copyRing(state: EntityState): number {
    const { data, base } = state
    const { ringAt, fieldCount } = this.layout
    const first = data[base + HEADER.first]!
    const count = data[base + HEADER.next]! - first
    const capacity = data[base + HEADER.ringCapacity]!
    if (this.raw.length < count * fieldCount) this.raw = new Float64Array(2 * count * fieldCount)
    for (let i = 0; i < count; i++) {
      const slot = base + ringAt + ((first + i) & (capacity - 1))
      for (let f = 0; f < fieldCount; f++) this.raw[i * fieldCount + f] = data[slot + f * capacity]!
    }
    return count
  }

  // --- room

  private makeRoomInRing(state: EntityState): void {
    const { data, base } = state
    const capacity = data[base + HEADER.ringCapacity]!
    if (data[base + HEADER.next]! - data[base + HEADER.first]! < capacity) return
    if (capacity * 2 <= this.layout.limits.ringEvents || state === this.rewound) {
      this.grow(state, capacity * 2, -1)
    } else {
      this.dropOldest(data, base, capacity)
    }
  }

  private dropOldest(data: Float64Array, base: number, capacity: number): void {
    const { riskAt, windowWords } = this.layout
    const first = data[base + HEADER.first]!
    const next = data[base + HEADER.next]!
    let mattered = false
    for (let w = 0; w < this.windowsMs.length; w++) {
      const at = base + HEADER_WORDS + w * windowWords
      if (data[at + WINDOW.start] !== first) continue
      this.leaveWindow(data, base, at, first, next, capacity)
      data[at + WINDOW.start] = first + 1
      mattered = true
    }
    const head = data[base + HEADER.riskHead]!
    for (let w = 0; w < this.riskMs.length; w++) {
      const at = base + riskAt + w * RISK_WORDS
      if (data[at + RISK.start] !== first) continue
      if (first < head) this.leaveRisk(data, base, at, first, capacity)
      data[at + RISK.start] = first + 1
      mattered = true
    }
    if (head === first) data[base + HEADER.riskHead] = first + 1
    data[base + HEADER.first] = first + 1
    if (mattered) data[base + HEADER.truncated]!++
  }

  private makeRoomInTable(state: EntityState, d: number, token: number): void {
    const { data, base } = state
    const headerAt = base + this.dimensionHeaderAt(d)
    const size = data[headerAt + DIMENSION.size]!
    const capacity = data[headerAt + DIMENSION.capacity]!
    if (size < capacity || capacity * 2 > this.layout.limits.dimensionValues) return
    if (findValue(data, base + this.tableAt(data, base, d), size, token) >= 0) return
    this.grow(state, data[base + HEADER.ringCapacity]!, d)
  }

  /** Moves the state to a larger block: ring of `ringCapacity`, and twice the room in table `doubled` (-1: none). */
  private grow(state: EntityState, ringCapacity: number, doubled: number): void {
    const { data, base, size } = state
    const { ringAt, fieldCount } = this.layout
    const before = data[base + HEADER.ringCapacity]!
    const capacities = this.dimensions.map((_, d) => {
      const capacity = data[base + this.dimensionHeaderAt(d) + DIMENSION.capacity]!
      return d === doubled ? capacity * 2 : capacity
    })
    const tablesFrom = this.dimensions.map((_, d) => base + this.tableAt(data, base, d))
    this.blocks.allocate(state, this.wordsFor(ringCapacity, capacities))
    const target = state.data
    const to = state.base
    target.set(data.subarray(base, base + ringAt), to)
    target[to + HEADER.ringCapacity] = ringCapacity
    const first = data[base + HEADER.first]!
    const next = data[base + HEADER.next]!
    for (let sequence = first; sequence < next; sequence++) {
      const from = base + ringAt + (sequence & (before - 1))
      const into = to + ringAt + (sequence & (ringCapacity - 1))
      for (let f = 0; f < fieldCount; f++) target[into + f * ringCapacity] = data[from + f * before]!
    }
    for (let d = 0; d < capacities.length; d++) {
      const headerAt = to + this.dimensionHeaderAt(d)
      const old = data[base + this.dimensionHeaderAt(d) + DIMENSION.capacity]!
      target[headerAt + DIMENSION.capacity] = capacities[d]!
      const tableAt = to + this.tableAt(target, to, d)
      for (let part = 0; part < 3; part++) {
        const from = tablesFrom[d]! + part * old
        target.set(data.subarray(from, from + old), tableAt + part * capacities[d]!)
      }
    }
    if (size > 0) this.blocks.release(data, base, size)
  }

  // --- finding

  /** Sequence number of the transaction, or -1 when it is not in the ring. */
  private find(data: Float64Array, base: number, eventTimeMs: number, transactionToken: number): number {
    const capacity = data[base + HEADER.ringCapacity]!
    const mask = capacity - 1
    const timeAt = base + this.layout.ringAt + TIME_FIELD * capacity
    const idAt = base + this.layout.ringAt + ID_FIELD * capacity
    const first = data[base + HEADER.first]!
    const next = data[base + HEADER.next]!
    // Labels mostly come in the order of their transactions.
    const expected = data[base + HEADER.labelCursor]!
    if (expected >= first && expected < next && data[idAt + (expected & mask)] === transactionToken)
      return expected
    let low = first
    let high = next
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if (data[timeAt + (middle & mask)]! < eventTimeMs) low = middle + 1
      else high = middle
    }
    for (let sequence = low; sequence < next; sequence++) {
      if (data[timeAt + (sequence & mask)] !== eventTimeMs) return -1
      if (data[idAt + (sequence & mask)] === transactionToken) return sequence
    }
    return -1
  }
}

const NO_WORDS = new Float64Array(0)

/** The token of `event` in a dimension. */
const tokenIn = (event: TransactionEvent, dimension: Dimension): number => {
  switch (dimension) {
    case 'user':
      return event.userToken
    case 'merchant':
      return event.merchantToken
    case 'category':
      return event.categoryToken
    case 'location':
      return event.locationToken
    case 'device':
      return event.deviceToken
  }
}

const setToken = (event: TransactionEvent, dimension: Dimension, token: number): void => {
  switch (dimension) {
    case 'user':
      event.userToken = token
      break
    case 'merchant':
      event.merchantToken = token
      break
    case 'category':
      event.categoryToken = token
      break
    case 'location':
      event.locationToken = token
      break
    case 'device':
      event.deviceToken = token
      break
  }
}
