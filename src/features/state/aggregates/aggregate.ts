import type { AggregateReading } from '../reading.ts'

/**
 * What one entity's state keeps of one attribute. Values are the attribute's numbers or tokens; NaN is
 * missing, and enters nothing.
 */
export interface Aggregate {
  /** Empties every window; the next transaction will have `sequence`. */
  clear(data: Float64Array, base: number, sequence: number): void
  /** Forgets what outlives windows too. */
  reset(data: Float64Array, base: number): void
  /** Moves every window to end at `t`, which is not before the watermark. */
  slide(data: Float64Array, base: number, t: number): void
  /** Gives up the oldest transaction of a full ring; says whether a window still counted it. */
  dropOldest(data: Float64Array, base: number): boolean
  /**
   * The transaction at `sequence`, whose time and value stand in the ring, enters every window. Its value
   * stood last at `previous` (-1: nowhere, or not asked for).
   */
  enter(data: Float64Array, base: number, sequence: number, value: number, previous: number): void
  /** Fills `readings`, one per window, with a transaction of `value` at the windows' time among them. */
  describe(
    data: Float64Array,
    base: number,
    value: number,
    previous: number,
    readings: readonly AggregateReading[],
  ): void

  /**
   * Moves every window back to end at `t`, over the rows before `end`: those up to `t`. `value` is that of
   * the transaction to be read. Only words before the ring change; the caller keeps them and puts them back.
   */
  rewind(data: Float64Array, base: number, t: number, end: number, value: number): void
  /** `describe` of windows that `rewind` has moved back; `previous` is where `value` stood last before. */
  describeEarlier(
    data: Float64Array,
    base: number,
    value: number,
    previous: number,
    readings: readonly AggregateReading[],
  ): void
  /** Rows from `from` on have moved one further. */
  renumber(data: Float64Array, base: number, from: number): void
  /**
   * The late transaction at `sequence`, whose row is written but for fields of this aggregate, enters the
   * windows that hold its time; they stand at the watermark.
   */
  insert(data: Float64Array, base: number, sequence: number, value: number): void
  /** A late transaction of `timeMs` came to leave the ring at once. */
  passBy(data: Float64Array, base: number, timeMs: number, value: number): void
}
