import type { TransactionEvent } from '../transaction-event.ts'
import { tokenIn } from './dimension-token.ts'
import type { EntityState } from './entity-state.ts'
import type { LateWindows } from './late-windows.ts'
import { HEADER, type StateLayout, TIME_FIELD } from './layout.ts'
import { RingGap } from './ring-gap.ts'
import { lastValueBefore, linkRows, linksOf } from './row-values.ts'
import type { ValuePlaces } from './value-places.ts'

export interface LateEventsParts {
  readonly layout: StateLayout
  readonly windows: LateWindows
  readonly places: ValuePlaces
  /** The dimensions as places in an event. */
  readonly dimensions: readonly number[]
  /** Writes an event into the row at `sequence`: all but what windows and dimensions have there. */
  readonly write: (state: EntityState, event: TransactionEvent, sequence: number) => void
  /** Makes room for the row of an event: by growth, or by giving up the oldest. */
  readonly makeRoom: (state: EntityState, event: TransactionEvent) => void
  /** Takes notice of an event older than all rows of a full ring; its values stand last at `latest`. */
  readonly passBy: (state: EntityState, event: TransactionEvent, latest: Float64Array) => void
}

/**
 * Transactions behind the watermark: what they see, and how they take their place.
 *
 * Both begin at the end of the ring. To be read, windows are moved back to the transaction's time and then
 * put forward again; to be taken in, the rows behind it move one further, and it enters the windows that hold
 * it. So either costs what stands between its time and the watermark, and what the edges of windows pass in
 * that time, however long the ring is.
 *
 * Law: reading and state are those of a ring that is written again in order, bit for bit
 * (`test/laws/late-events.ts`).
 */
export class LateEvents {
  private readonly parts: LateEventsParts
  private readonly gap: RingGap
  /** The words before the ring while windows are moved back. */
  private readonly head: Float64Array
  /** Of the event that is read: its place in the ring, and where its values stood last of all. */
  private place = 0
  private readonly latest: Float64Array

  constructor(parts: LateEventsParts) {
    this.parts = parts
    this.gap = new RingGap(parts.layout)
    this.head = new Float64Array(parts.layout.ringAt)
    this.latest = new Float64Array(parts.dimensions.length)
  }

  /**
   * Makes windows and last transaction of `state` those of time `t`, over all that has arrived by now, until
   * `restore`. `previous` says where the values of `event` stood last, per dimension, and is told where they
   * stood before `t`.
   */
  rewind(state: EntityState, event: TransactionEvent, t: number, previous: Float64Array): void {
    const { layout, windows, dimensions } = this.parts
    const { data, base } = state
    this.head.set(data.subarray(base, base + layout.ringAt))
    const end = this.endOf(state, t)
    this.place = end
    windows.rewind(data, base, t, end, event)
    for (let d = 0; d < dimensions.length; d++) {
      this.takeValuesOut(state, d, end)
      this.latest[d] = previous[d]!
      previous[d] = this.lastBefore(state, d, tokenIn(event, dimensions[d]!), previous[d]!, end)
    }
    this.takeTransactionsOut(state, end)
  }

  /** Undoes `rewind`. */
  restore({ data, base }: EntityState): void {
    data.set(this.head, base)
  }

  /**
   * Places `event`, which was read last, before the watermark. `previous` is what `rewind` has said.
   *
   * @returns per dimension the sequence number at which its value now stands last
   */
  insert(state: EntityState, event: TransactionEvent, previous: Float64Array): Float64Array {
    const { windows, places } = this.parts
    const { place } = this
    const first = state.data[state.base + HEADER.first]!
    const isKept = this.makeRoom(state, event)
    const { data, base } = state
    state.links?.renumber(place, data[base + HEADER.next]!)
    places.renumber(data, base, place, first)
    windows.beforeMove(data, base, place)
    this.gap.open(state, place)
    windows.renumber(data, base, place)
    if (!isKept) data[base + HEADER.first] = place + 1
    for (let d = 0; d < this.latest.length; d++) {
      const later = this.latest[d]!
      if (later >= place) this.latest[d] = later + 1
    }
    if (isKept) {
      this.parts.write(state, event, place)
      windows.insert(data, base, place, event)
      for (let d = 0; d < this.latest.length; d++) this.insertValue(state, event, d, previous[d]!)
    } else windows.passBy(data, base, place + 1, event)
    for (let d = 0; d < this.latest.length; d++) this.latest[d] = Math.max(this.latest[d]!, place)
    data[base + HEADER.labelCursor] = data[base + HEADER.first]!
    return this.latest
  }

  /** Sequence number behind the last row of a time up to `t`. */
  private endOf({ data, base }: EntityState, t: number): number {
    const { ringAt, fieldCount } = this.parts.layout
    const mask = data[base + HEADER.ringCapacity]! - 1
    const timeAt = base + ringAt + TIME_FIELD
    const first = data[base + HEADER.first]!
    let end = data[base + HEADER.next]!
    while (end > first && data[timeAt + ((end - 1) & mask) * fieldCount]! > t) end--
    return end
  }

  /** The rows from `end` on stand in no window's count of different values any more. */
  private takeValuesOut(state: EntityState, d: number, end: number): void {
    const { layout, windows } = this.parts
    const { ringAt, fieldCount, dimensionField } = layout
    const { data, base } = state
    const links = linksOf(layout, state)
    if (links !== undefined) linkRows(layout, state, links, d, end)
    const mask = data[base + HEADER.ringCapacity]! - 1
    const next = data[base + HEADER.next]!
    for (let sequence = end; sequence < next; sequence++) {
      const token = data[base + ringAt + (sequence & mask) * fieldCount + dimensionField + d]!
      // Earlier rows of the value are negative, and counted by the latest.
      if (token > 0) windows.takeValueOut(data, base, d, this.lastBefore(state, d, token, sequence, end))
    }
  }

  /** The rows from `end` on have not come: the last transaction is the one before them. */
  private takeTransactionsOut({ data, base }: EntityState, end: number): void {
    const { ringAt, fieldCount, latitudeField, longitudeField } = this.parts.layout
    const mask = data[base + HEADER.ringCapacity]! - 1
    const row = base + ringAt + ((end - 1) & mask) * fieldCount
    const isFirst = end === data[base + HEADER.first]!
    data[base + HEADER.watermark] = isFirst ? Number.NEGATIVE_INFINITY : data[row + TIME_FIELD]!
    data[base + HEADER.latitude] = isFirst || latitudeField < 0 ? Number.NaN : data[row + latitudeField]!
    data[base + HEADER.longitude] = isFirst || longitudeField < 0 ? Number.NaN : data[row + longitudeField]!
    data[base + HEADER.next] = end
  }

  /** Where a value that stood last at `latest` (-1: nowhere) stood before `end`. */
  private lastBefore(state: EntityState, d: number, token: number, latest: number, end: number): number {
    if (latest < end) return latest
    const { data, base } = state
    const links = linksOf(this.parts.layout, state)
    if (links === undefined) return lastValueBefore(this.parts.layout, data, base, d, token, end)
    let sequence = latest
    while (sequence >= end) sequence -= links.distanceOf(d, sequence)
    return sequence
  }

  /**
   * Makes room for one more row. A late one that is the oldest of a ring which cannot grow, or older than any
   * window can need, leaves again at once: then it has no row.
   *
   * @returns whether it will have one
   */
  private makeRoom(state: EntityState, event: TransactionEvent): boolean {
    const { layout, makeRoom, passBy } = this.parts
    const { eventTimeMs } = event
    const { retentionMs, limits } = layout
    const { data, base } = state
    const watermark = data[base + HEADER.watermark]!
    if (eventTimeMs <= watermark - retentionMs) return false
    const first = data[base + HEADER.first]!
    const capacity = data[base + HEADER.ringCapacity]!
    const isFull = data[base + HEADER.next]! - first === capacity
    if (!isFull) return true
    if (this.place > first || capacity * 2 <= limits.ringEvents) {
      makeRoom(state, event)
      return true
    }
    // Windows hold it when it is younger than the longest, and lose it.
    if (eventTimeMs > watermark - (retentionMs - limits.latenessMs)) data[base + HEADER.truncated]!++
    passBy(state, event, this.latest)
    return false
  }

  private insertValue(state: EntityState, event: TransactionEvent, d: number, previous: number): void {
    const { layout, windows, dimensions } = this.parts
    const { ringAt, fieldCount, dimensionField } = layout
    const { data, base } = state
    const { place } = this
    const token = tokenIn(event, dimensions[d]!)
    const mask = data[base + HEADER.ringCapacity]! - 1
    const first = data[base + HEADER.first]!
    const at = base + ringAt + dimensionField + d
    const later = this.latest[d]!
    data[at + (place & mask) * fieldCount] = later > place ? -token : token
    state.links?.link(d, place, previous, first)
    if (token === 0) return
    if (later > place) {
      const { links } = state
      if (links === undefined) return
      let sequence = later
      while (sequence - links.distanceOf(d, sequence) > place) sequence -= links.distanceOf(d, sequence)
      links.link(d, sequence, place, first)
      return
    }
    if (previous >= first) data[at + (previous & mask) * fieldCount] = -token
    windows.insertValue(data, base, d, event, previous)
  }
}
