import { dimensionHeaderAt, readRing, tableAt } from '../../src/features/state/blocks.ts'
import { setToken, tokenIn } from '../../src/features/state/dimension-token.ts'
import type { BlockAllocator, EntityState } from '../../src/features/state/entity-state.ts'
import {
  AMOUNT_FIELD,
  DIMENSION,
  HEADER,
  ID_FIELD,
  type StateLayout,
  TIME_FIELD,
} from '../../src/features/state/layout.ts'
import type { EntityReading } from '../../src/features/state/reading.ts'
import { lastValueBefore } from '../../src/features/state/row-values.ts'
import { StateKeeper } from '../../src/features/state/state-keeper.ts'
import { UNLABELLED } from '../../src/features/state/windows.ts'
import { TransactionEvent } from '../../src/features/transaction-event.ts'

/**
 * The keeper that has one algorithm alone: for a late event the whole ring is written again, in order, by
 * what takes in events in order. What it reads and leaves is right because that is.
 */
export class RebuildingKeeper extends StateKeeper {
  private readonly scratch: EntityState
  private readonly event: TransactionEvent

  constructor(layout: StateLayout, blocks: BlockAllocator, event: TransactionEvent) {
    super(layout, blocks, event)
    this.scratch = this.create()
    this.event = new TransactionEvent(event.attributes, event.entities)
  }

  /** Reads another state, which has seen the rows up to `t` and nothing else. */
  protected override readEarlier(
    state: EntityState,
    event: TransactionEvent,
    t: number,
    reading: EntityReading,
  ): void {
    const { scratch } = this
    const { data, base } = scratch
    data[base + HEADER.first] = 0
    data[base + HEADER.next] = 0
    data[base + HEADER.watermark] = Number.NEGATIVE_INFINITY
    data[base + HEADER.latitude] = Number.NaN
    data[base + HEADER.longitude] = Number.NaN
    this.windows.reset(data, base)
    for (const row of this.rowsOf(state)) if (row[TIME_FIELD]! <= t) this.pushRow(scratch, row)
    this.windows.slide(scratch.data, scratch.base, t)
    this.findPrevious(scratch, event)
    this.describeLast(scratch, event, reading)
    this.windows.describe(scratch.data, scratch.base, event, reading)
    this.describeDistinct(scratch, event, reading)
    this.describePast(state, scratch, t, event, reading)
  }

  protected override insertLate(state: EntityState, event: TransactionEvent): void {
    const rows = this.rowsOf(state)
    const first = state.data[state.base + HEADER.first]!
    // One that is the oldest of a full ring leaves it again at the end.
    const isKept = rows.length < this.layout.limits.ringEvents || rows[0]![TIME_FIELD]! <= event.eventTimeMs
    if (isKept) this.steps.arrive(state, event)
    state.data[state.base + HEADER.next] = first
    this.windows.clear(state.data, state.base, first)
    const isBefore = (row: Float64Array): boolean => row[TIME_FIELD]! <= event.eventTimeMs
    for (const row of rows.filter(isBefore)) this.pushRow(state, row)
    const sequence = this.pushAgain(state, event, UNLABELLED)
    for (const row of rows.filter((one) => !isBefore(one))) this.pushRow(state, row)
    for (let d = 0; d < this.dimensions.length; d++) {
      this.placeValues(state, d, first)
      const last = this.lastOf(state, d, tokenIn(event, this.dimensions[d]!))
      this.countValue(state, event, d, Math.max(sequence, last))
    }
    state.data[state.base + HEADER.labelCursor] = state.data[state.base + HEADER.first]!
  }

  /** Tells the table where its values now stand, of those that stood in the ring. */
  private placeValues(state: EntityState, d: number, first: number): void {
    const { data, base } = state
    const headerAt = base + dimensionHeaderAt(this.layout, d)
    const tokensAt = base + tableAt(this.layout, data, base, d)
    const lastAt = tokensAt + 2 * data[headerAt + DIMENSION.capacity]!
    for (let i = 0; i < data[headerAt + DIMENSION.size]!; i++) {
      const last = this.lastOf(state, d, data[tokensAt + i]!)
      if (data[lastAt + i]! >= first && last >= 0) data[lastAt + i] = last
    }
    if (data[headerAt + DIMENSION.forgotten]! > first) data[headerAt + DIMENSION.forgotten]!++
  }

  private lastOf({ data, base }: EntityState, d: number, token: number): number {
    return token === 0 ? -1 : lastValueBefore(this.layout, data, base, d, token, data[base + HEADER.next]!)
  }

  private findPrevious(state: EntityState, event: TransactionEvent): void {
    for (let d = 0; d < this.dimensions.length; d++)
      this.previous[d] = this.lastOf(state, d, tokenIn(event, this.dimensions[d]!))
  }

  private pushRow(state: EntityState, row: Float64Array): void {
    const { event, layout } = this
    const { labelField, latitudeField, longitudeField, dimensionField, aggregates } = layout
    event.eventTimeMs = row[TIME_FIELD]!
    event.amountMinor = row[AMOUNT_FIELD]!
    event.transactionToken = row[ID_FIELD]!
    event.latitude = latitudeField < 0 ? Number.NaN : row[latitudeField]!
    event.longitude = longitudeField < 0 ? Number.NaN : row[longitudeField]!
    for (let d = 0; d < this.dimensions.length; d++)
      setToken(event, this.dimensions[d]!, Math.abs(row[dimensionField + d]!))
    for (const { attribute, valueField } of aggregates.attributes)
      event.values[event.allValues.findIndex(({ name }) => name === attribute)] = row[valueField]!
    this.pushAgain(state, event, labelField < 0 ? UNLABELLED : row[labelField]!)
  }

  private pushAgain(state: EntityState, event: TransactionEvent, label: number): number {
    this.windows.slide(state.data, state.base, event.eventTimeMs)
    const sequence = state.data[state.base + HEADER.next]!
    this.findPrevious(state, event)
    this.push(state, event)
    if (label !== UNLABELLED) this.windows.label(state.data, state.base, sequence, label === 1)
    return sequence
  }

  /** The rows of the ring, oldest first. */
  private rowsOf({ data, base }: EntityState): Float64Array[] {
    const { fieldCount } = this.layout
    const count = data[base + HEADER.next]! - data[base + HEADER.first]!
    const words = new Float64Array(count * fieldCount)
    readRing(this.layout, data, base, words, 0)
    return Array.from({ length: count }, (_, i) => words.slice(i * fieldCount, (i + 1) * fieldCount))
  }
}
