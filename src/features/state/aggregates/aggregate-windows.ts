import { type Attribute, isTextAttribute } from '../../../transaction/attributes.ts'
import { NO_TOKEN } from '../../../transaction/token.ts'
import type { TransactionEvent } from '../../transaction-event.ts'
import { LateWindows } from '../late-windows.ts'
import { HEADER, type StateLayout } from '../layout.ts'
import type { EntityReading } from '../reading.ts'
import type { Aggregate } from './aggregate.ts'
import type { AttributeField, Kept, PlacedAggregate } from './aggregate-layout.ts'
import { DistinctAggregate } from './distinct-aggregate.ts'
import { LastAggregate } from './last-aggregate.ts'
import { MaximumAggregate } from './maximum-aggregate.ts'
import { ShareAggregate } from './share-aggregate.ts'
import { SumAggregate } from './sum-aggregate.ts'
import { ValueIndex } from './value-index.ts'

/** Windows of a state, with aggregates of attributes where some are kept. */
export const createWindows = (layout: StateLayout, attributes: readonly Attribute[]): LateWindows =>
  layout.aggregates.placed.length === 0 ? new LateWindows(layout) : new AggregateWindows(layout, attributes)

const KEEPERS: Readonly<Record<Kept, new (layout: StateLayout, placed: PlacedAggregate) => Aggregate>> = {
  sum: SumAggregate,
  maximum: MaximumAggregate,
  distinct: DistinctAggregate,
  share: ShareAggregate,
  last: LastAggregate,
}

/** One attribute of the states: where events and rings have it. */
class AttributeValues {
  readonly field: AttributeField
  private readonly place: number
  private readonly isText: boolean
  private readonly index: ValueIndex | undefined
  /** Of the transaction at hand: its value (NaN: missing), and where that stood last in the ring (or -1). */
  value = Number.NaN
  previous = -1

  constructor(layout: StateLayout, field: AttributeField, attributes: readonly Attribute[]) {
    this.field = field
    this.place = attributes.findIndex(({ name }) => name === field.attribute)
    this.isText = isTextAttribute(field)
    this.index = field.headField < 0 ? undefined : new ValueIndex(layout, field)
  }

  /** Looks at `event` in front of the ring as it stands. */
  take(data: Float64Array, base: number, { values }: TransactionEvent): void {
    const value = values[this.place]!
    this.value = this.isText && value === NO_TOKEN ? Number.NaN : value
    this.previous = this.index === undefined ? -1 : this.index.find(data, base, this.value)
  }

  /** The same in front of the rows before `end` alone. */
  takeBefore(data: Float64Array, base: number, event: TransactionEvent, end: number): void {
    this.take(data, base, event)
    if (this.index !== undefined && this.previous >= end)
      this.previous = this.index.findBefore(data, base, this.value, end)
  }

  /** Rows from `from` on are about to move one further. */
  beforeMove(data: Float64Array, base: number, from: number): void {
    this.index?.takeOut(data, base, from)
  }

  /** Rows from `from` on have moved, or come in, and are found again. */
  afterMove(data: Float64Array, base: number, from: number): void {
    this.index?.enterFrom(data, base, from)
  }

  /** Writes the value into the ring. */
  write(data: Float64Array, base: number, sequence: number, row: number): void {
    data[row + this.field.valueField] = this.value
    this.index?.enter(data, base, sequence)
  }

  /** Writes the value of `event` into a row that stands before others; `afterMove` enters it with them. */
  writeLate(data: Float64Array, base: number, row: number, event: TransactionEvent): void {
    this.take(data, base, event)
    data[row + this.field.valueField] = this.value
  }
}

/**
 * The windows of a state that also keeps aggregates of attributes. A state without any has plain `Windows`,
 * so nothing is asked of it.
 */
class AggregateWindows extends LateWindows {
  private readonly attributes: readonly AttributeValues[]
  private readonly aggregates: readonly Aggregate[]
  /** Per aggregate, the place of its attribute in `attributes`. */
  private readonly attributeOf: readonly number[]

  constructor(layout: StateLayout, attributes: readonly Attribute[]) {
    super(layout)
    const { aggregates } = layout
    this.attributes = aggregates.attributes.map((field) => new AttributeValues(layout, field, attributes))
    this.aggregates = aggregates.placed.map((placed) => new KEEPERS[placed.keeps](layout, placed))
    this.attributeOf = aggregates.placed.map(({ values }) => aggregates.attributes.indexOf(values))
  }

  override clear(data: Float64Array, base: number, sequence: number): void {
    super.clear(data, base, sequence)
    for (const aggregate of this.aggregates) aggregate.clear(data, base, sequence)
  }

  override reset(data: Float64Array, base: number): void {
    super.reset(data, base)
    for (const aggregate of this.aggregates) aggregate.reset(data, base)
  }

  /** What leaves a window must still be in the ring, so the ring moves on last. */
  override slide(data: Float64Array, base: number, t: number): void {
    for (let i = 0; i < this.aggregates.length; i++) this.aggregates[i]!.slide(data, base, t)
    super.slide(data, base, t)
  }

  override dropOldest(data: Float64Array, base: number): boolean {
    let mattered = false
    for (const aggregate of this.aggregates) {
      if (aggregate.dropOldest(data, base)) mattered = true
    }
    return super.dropOldest(data, base) || mattered
  }

  override enter(data: Float64Array, base: number, sequence: number, event: TransactionEvent): void {
    super.enter(data, base, sequence, event)
    const slot = sequence & (data[base + HEADER.ringCapacity]! - 1)
    const row = base + this.layout.ringAt + slot * this.layout.fieldCount
    for (let i = 0; i < this.attributes.length; i++) {
      const attribute = this.attributes[i]!
      attribute.take(data, base, event)
      attribute.write(data, base, sequence, row)
    }
    for (let i = 0; i < this.aggregates.length; i++) {
      const { value, previous } = this.attributes[this.attributeOf[i]!]!
      this.aggregates[i]!.enter(data, base, sequence, value, previous)
    }
  }

  override describe(data: Float64Array, base: number, event: TransactionEvent, reading: EntityReading): void {
    super.describe(data, base, event, reading)
    for (let i = 0; i < this.attributes.length; i++) this.attributes[i]!.take(data, base, event)
    for (let i = 0; i < this.aggregates.length; i++) {
      const { value, previous } = this.attributes[this.attributeOf[i]!]!
      this.aggregates[i]!.describe(data, base, value, previous, reading.aggregates[i]!)
    }
  }

  override rewind(data: Float64Array, base: number, t: number, end: number, event: TransactionEvent): void {
    super.rewind(data, base, t, end, event)
    for (const attribute of this.attributes) attribute.takeBefore(data, base, event, end)
    for (let i = 0; i < this.aggregates.length; i++)
      this.aggregates[i]!.rewind(data, base, t, end, this.attributes[this.attributeOf[i]!]!.value)
  }

  override describeEarlier(
    data: Float64Array,
    base: number,
    event: TransactionEvent,
    reading: EntityReading,
  ): void {
    super.describe(data, base, event, reading)
    for (let i = 0; i < this.aggregates.length; i++) {
      const { value, previous } = this.attributes[this.attributeOf[i]!]!
      this.aggregates[i]!.describeEarlier(data, base, value, previous, reading.aggregates[i]!)
    }
  }

  override beforeMove(data: Float64Array, base: number, from: number): void {
    for (const attribute of this.attributes) attribute.beforeMove(data, base, from)
  }

  override renumber(data: Float64Array, base: number, from: number): void {
    super.renumber(data, base, from)
    for (const aggregate of this.aggregates) aggregate.renumber(data, base, from)
  }

  override insert(data: Float64Array, base: number, sequence: number, event: TransactionEvent): void {
    super.insert(data, base, sequence, event)
    const slot = sequence & (data[base + HEADER.ringCapacity]! - 1)
    const row = base + this.layout.ringAt + slot * this.layout.fieldCount
    for (const attribute of this.attributes) {
      attribute.writeLate(data, base, row, event)
      attribute.afterMove(data, base, sequence)
    }
    for (let i = 0; i < this.aggregates.length; i++)
      this.aggregates[i]!.insert(data, base, sequence, this.attributes[this.attributeOf[i]!]!.value)
  }

  override passBy(data: Float64Array, base: number, from: number, event: TransactionEvent): void {
    for (const attribute of this.attributes) {
      attribute.take(data, base, event)
      attribute.afterMove(data, base, from)
    }
    for (let i = 0; i < this.aggregates.length; i++) {
      const { value } = this.attributes[this.attributeOf[i]!]!
      this.aggregates[i]!.passBy(data, base, event.eventTimeMs, value)
    }
  }
}
