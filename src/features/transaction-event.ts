import { type Attribute, type AttributeValue, isTextAttribute } from '../transaction/attributes.ts'
import { type Entity, type EntityIdOf, entityIdOf } from '../transaction/entities.ts'
import type { EntityKind, StandardKind } from '../transaction/entity-kind.ts'
import type { FieldName } from '../transaction/fields.ts'
import { NO_TOKEN, tokenOf } from '../transaction/token.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { valuesOfEvents } from './side-values.ts'

/**
 * A transaction as the engine reads it: numbers only. Text stands as its token (`NO_TOKEN`: missing); a
 * missing coordinate is NaN. One object is filled again for each transaction.
 */
export class TransactionEvent {
  eventTimeMs = 0.5
  amountMinor = 0.5
  transactionToken = 0.5
  userToken = 0.5
  merchantToken = 0.5
  categoryToken = 0.5
  typeToken = 0.5
  deviceToken = 0.5
  deviceTypeToken = 0.5
  locationToken = 0.5
  latitude = 0.5
  longitude = 0.5
  currencyToken = 0.5
  /** Whoever is on the other side of the side that looks at it (`sides.ts`). */
  counterpartyToken = 0.5
  /** The transaction that it reverses; `NO_TOKEN` too where the source names none at all. */
  reversesToken = 0.5
  // Half a unit each: it makes V8 hold the fields as doubles from the start. All are set before use.
  /**
   * In the order of `attributes`: numbers, epoch milliseconds, 1 and 0, of which NaN is missing; tokens of
   * text. After them what the transaction is to the side that looks at it, where entities have sides.
   */
  readonly values: Float64Array
  readonly attributes: readonly Attribute[]
  /** `attributes`, and what sides add. */
  readonly allValues: readonly Attribute[]
  readonly entities: readonly Entity[]
  /** Of the entities of the bank's own, in their order. */
  readonly entityTokens: Float64Array
  readonly entityIds: readonly EntityIdOf[]
  /** Whether transactions may name what they reverse. */
  readonly hasReversals: boolean

  constructor(attributes: readonly Attribute[] = [], entities: readonly Entity[] = [], reversals = false) {
    this.hasReversals = reversals
    this.attributes = attributes
    this.allValues = valuesOfEvents(attributes, entities)
    this.values = new Float64Array(this.allValues.length)
    this.entities = entities
    this.entityTokens = new Float64Array(entities.length)
    this.entityIds = entities.map(entityIdOf)
  }
}

/** Fills `event` from `transaction`, which is clean. */
export const readTransaction = (event: TransactionEvent, transaction: Transaction): void => {
  event.eventTimeMs = transaction.eventTimeMs
  event.amountMinor = transaction.amountMinor
  event.transactionToken = tokenOf(transaction.transactionId)
  event.userToken = tokenOf(transaction.userId)
  event.merchantToken = tokenOf(transaction.merchantId)
  event.categoryToken = tokenOf(transaction.merchantCategory)
  event.typeToken = tokenOf(transaction.transactionType)
  event.deviceToken = tokenOf(transaction.deviceId)
  event.deviceTypeToken = tokenOf(transaction.deviceType)
  event.locationToken = tokenOf(transaction.location)
  event.latitude = transaction.latitude ?? Number.NaN
  event.longitude = transaction.longitude ?? Number.NaN
  event.currencyToken = tokenOf(transaction.currency)
  event.reversesToken = event.hasReversals ? tokenOf(transaction.reverses) : NO_TOKEN
  const { attributes, values, entityIds, entityTokens } = event
  for (let i = 0; i < entityIds.length; i++) entityTokens[i] = tokenOf(entityIds[i]!(transaction))
  if (attributes.length === 0) return
  const given = transaction.attributes
  for (let i = 0; i < attributes.length; i++) {
    const attribute = attributes[i]!
    values[i] = numberOf(attribute, given?.[attribute.name])
  }
}

const numberOf = (attribute: Attribute, value: AttributeValue | undefined): number => {
  if (value === undefined) return isTextAttribute(attribute) ? NO_TOKEN : Number.NaN
  return typeof value === 'string' ? tokenOf(value) : Number(value)
}

/** What of a transaction each field of an event is made of, in the order in which rows have them. */
export const EVENT_SOURCES = {
  eventTimeMs: 'eventTimeMs',
  amountMinor: 'amountMinor',
  transactionToken: 'transactionId',
  userToken: 'userId',
  merchantToken: 'merchantId',
  categoryToken: 'merchantCategory',
  typeToken: 'transactionType',
  deviceToken: 'deviceId',
  deviceTypeToken: 'deviceType',
  locationToken: 'location',
  latitude: 'latitude',
  longitude: 'longitude',
  currencyToken: 'currency',
} as const satisfies Readonly<
  Record<
    Exclude<
      keyof TransactionEvent,
      | 'values'
      | 'attributes'
      | 'allValues'
      | 'entities'
      | 'entityTokens'
      | 'entityIds'
      | 'counterpartyToken'
      | 'reversesToken'
      | 'hasReversals'
    >,
    FieldName
  >
>

export type EventField = keyof typeof EVENT_SOURCES

/**
 * The fields of an event in bulk: they stand first in a row of `EventRows`, after them the values of
 * attributes, what is reversed where a source names it, and the tokens of entities.
 */
export const EVENT_FIELDS = Object.keys(EVENT_SOURCES) as readonly EventField[]

/** Many events, row after row: a transaction is read as a whole, so its fields share cache lines. */
export type EventRows = Float64Array

/** Where a field stands in a row. */
export const eventFieldAt = (field: EventField): number => EVENT_FIELDS.indexOf(field)

const EVENT_WIDTH = EVENT_FIELDS.length

/** Words of a row of that shape. */
export const eventWidth = ({ attributes, entities, reversals = 0 }: EventShape): number =>
  EVENT_WIDTH + attributes + reversals + entities

/** How many attributes and entities of the bank's own events have; 1 where they name what they reverse. */
export interface EventShape {
  readonly attributes: number
  readonly entities: number
  readonly reversals?: number
}

export const eventShapeOf = ({
  attributes,
  entities,
  reversals,
}: {
  readonly attributes: readonly unknown[]
  readonly entities: readonly unknown[]
  readonly reversals?: boolean | undefined
}): EventShape => ({
  attributes: attributes.length,
  entities: entities.length,
  ...(reversals && { reversals: 1 }),
})

/** Where the token of a kind of entity stands in a row. */
export const entityFieldAt = (
  kind: EntityKind,
  own: readonly Entity[],
  { attributes, reversals = 0 }: EventShape,
): number => {
  const standard = STANDARD_TOKENS[kind as StandardKind]
  if (standard !== undefined) return eventFieldAt(standard)
  return EVENT_WIDTH + attributes + reversals + own.findIndex(({ name }) => name === kind)
}

const STANDARD_TOKENS: Readonly<Record<StandardKind, EventField>> = {
  user: 'userToken',
  merchant: 'merchantToken',
  device: 'deviceToken',
}

/** Fills `event` from row `row`. */
export const readRow = (event: TransactionEvent, rows: EventRows, row: number): void => {
  const { values, entityTokens, hasReversals } = event
  const given = event.attributes.length
  const before = EVENT_WIDTH + given + (hasReversals ? 1 : 0)
  const at = row * (before + entityTokens.length)
  event.eventTimeMs = rows[at]!
  event.amountMinor = rows[at + 1]!
  event.transactionToken = rows[at + 2]!
  event.userToken = rows[at + 3]!
  event.merchantToken = rows[at + 4]!
  event.categoryToken = rows[at + 5]!
  event.typeToken = rows[at + 6]!
  event.deviceToken = rows[at + 7]!
  event.deviceTypeToken = rows[at + 8]!
  event.locationToken = rows[at + 9]!
  event.latitude = rows[at + 10]!
  event.longitude = rows[at + 11]!
  event.currencyToken = rows[at + 12]!
  for (let i = 0; i < given; i++) values[i] = rows[at + EVENT_WIDTH + i]!
  event.reversesToken = hasReversals ? rows[at + before - 1]! : NO_TOKEN
  const tokensAt = at + before
  for (let i = 0; i < entityTokens.length; i++) entityTokens[i] = rows[tokensAt + i]!
}
