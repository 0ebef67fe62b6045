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
}
