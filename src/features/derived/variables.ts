import { minorPerUnit } from '../../transaction/amount-rules.ts'
import { type Attribute, type AttributeKind, isTextAttribute } from '../../transaction/attributes.ts'
import { type FieldKind, isTextKind, TRANSACTION_FIELDS } from '../../transaction/fields.ts'
import type { FeatureSources } from '../feature.ts'
import { EVENT_FIELDS, EVENT_SOURCES } from '../transaction-event.ts'

/**
 * What a value is. `unknown` fits everywhere: the check before the source is read knows no attributes.
 *
 * A value is a number, NaN when it is missing: text is its token, true and false are 1 and 0, a time is epoch
 * milliseconds.
 */
export type ValueType = 'number' | 'boolean' | 'text' | 'time' | 'unknown'

/** What a name in an expression stands for. */
export interface Variable {
  readonly type: ValueType
  /** Of text: whether it is an id, or a category or place, which cleaning may write in one form. */
  readonly isCategory?: boolean
  /** Why it cannot be used. */
  readonly problem?: string
  /** A function that reads it from the transaction at hand. */
  readonly bind: (sources: FeatureSources) => () => number
}

export type Variables = ReadonlyMap<string, Variable>

/** Missing text is NaN in an expression, as any other missing value. */
const tokenOrMissing = (token: number): number => token || Number.NaN

const TYPES: Readonly<Record<FieldKind, ValueType>> = {
  id: 'text',
  category: 'text',
  place: 'text',
  time: 'time',
  amount: 'number',
  coordinate: 'number',
}

const ofFields = (decimals: number): readonly (readonly [string, Variable])[] =>
  TRANSACTION_FIELDS.flatMap(({ name, wire, kind }) => {
    const field = EVENT_FIELDS.find((candidate) => EVENT_SOURCES[candidate] === name)
    // What is reversed has features of its own.
    if (field === undefined) return []
    const unit = minorPerUnit(decimals)
    const bind: Variable['bind'] = ({ transaction }) => {
      if (kind === 'amount') return () => transaction[field] / unit
      return isTextKind(kind) ? () => tokenOrMissing(transaction[field]) : () => transaction[field]
    }
    return [[wire, { type: TYPES[kind], isCategory: kind === 'category' || kind === 'place', bind }]]
  })

const CALENDAR: readonly [string, Variable][] = [
  ['hour', { type: 'number', bind: (sources) => () => sources.moment.hour }],
  ['minute_of_day', { type: 'number', bind: (sources) => () => sources.moment.minuteOfDay }],
  ['weekday', { type: 'number', bind: (sources) => () => sources.moment.weekday }],
  ['day_of_month', { type: 'number', bind: (sources) => () => sources.moment.dayOfMonth }],
]

const ATTRIBUTE_TYPES: Readonly<Record<AttributeKind, ValueType>> = {
  number: 'number',
  boolean: 'boolean',
  time: 'time',
  category: 'text',
  text: 'text',
}

const ofAttribute = (attribute: Attribute, place: number): [string, Variable] => {
  const { name, kind } = attribute
  const isCalendar = CALENDAR.some(([other]) => other === name)
  return [
    name,
    {
      type: ATTRIBUTE_TYPES[kind],
      isCategory: kind === 'category',
      ...(isCalendar && {
        problem: `"${name}" is an attribute and the local calendar: call the attribute otherwise`,
      }),
      bind: ({ transaction: { values } }) =>
        isTextAttribute(attribute) ? () => tokenOrMissing(values[place]!) : () => values[place]!,
    },
  ]
}

/**
 * Every name that an expression may use: the fields of a transaction as requests name them, `hour`,
 * `minute_of_day`, `weekday` (Monday 0) and `day_of_month` in the time zone of the features, and attributes.
 *
 * @param decimals of the currency: an amount is in units of it, with its sign
 */
export const variablesOf = (attributes: readonly Attribute[], decimals: number): Variables =>
  new Map([...ofFields(decimals), ...CALENDAR, ...attributes.map(ofAttribute)])
