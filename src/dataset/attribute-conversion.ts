import { sqlIdentifier, sqlLiteral } from '../disk/database.ts'
import {
  type Attribute,
  attributeColumn,
  BOOLEAN_WORDS,
  EARLIEST_ATTRIBUTE_TIME_MS,
} from '../transaction/attributes.ts'
import { LATEST_TIME_MS } from '../transaction/fields.ts'
import {
  clockOf,
  DECIMAL,
  FLOATING,
  INTEGER,
  instantOf,
  lineOf,
  mappedColumn,
  textIsNotAllowed,
  textOf,
  unsupported,
} from './field-conversion.ts'
import type { MappedField } from './field-mapping.ts'
import type { LocalTimes } from './local-time.ts'

/** SQL that turns an attribute's mapped value into its prepared column. */
export interface ConvertedAttribute {
  readonly attribute: Attribute
  /** Prepared column. */
  readonly column: string
  /** Its value, NULL where it is missing or unreadable, as the step `c_attribute_<name>`. */
  readonly value: string
  /** The condition under which it is there and cannot be read; `false` where that counts as missing. */
  readonly isUnreadable: string
  /** `clockChangeOf` its value; absent where no clock can be changed. */
  readonly clock?: string
}

/**
 * How an attribute is converted, chosen by the type that its expression gives. The rules are those of reading
 * requests (`src/transaction/attributes.ts`); a test compares the two.
 *
 * @throws DATASET_TYPE_UNSUPPORTED
 */
export const convertAttribute = (
  attribute: Attribute,
  field: MappedField,
  times: LocalTimes,
): ConvertedAttribute => {
  const { value, isGiven } = CONVERSIONS[attribute.kind](field, times)
  const clock = attribute.kind === 'time' && field.type !== 'DATE' ? clockOf(field, times) : undefined
  const step = sqlIdentifier(convertedStep(attribute.name))
  const isText = attribute.kind === 'category' || attribute.kind === 'text'
  const forgives = attribute.unreadable === 'missing'
  return {
    attribute,
    column: attributeColumn(attribute.name),
    value: isText && forgives ? `CASE WHEN ${textIsNotAllowed([value])} THEN NULL ELSE ${value} END` : value,
    // Text that is not allowed is found with that of all fields.
    isUnreadable: forgives || isText ? 'false' : `(${step} IS NULL AND ${isGiven})`,
    ...(clock !== undefined && { clock }),
  }
}

/** The step that has the converted value. */
export const convertedStep = (name: string): string => `c_${attributeColumn(name)}`

interface Conversion {
  readonly value: string
  /** Whether there is anything to convert. */
  readonly isGiven: string
}

const NUMBER_TEXT = '[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?'

/** Finite, and never minus zero, which JSON writes as zero. */
const finite = (double: string): string => `CASE WHEN isfinite(${double}) THEN (${double}) + 0.0::DOUBLE END`

/** Whether a number is there: NaN is how other systems write a missing one. */
const isGivenNumber = (field: MappedField): string => {
  const value = mappedColumn(field.field)
  return FLOATING.test(field.type) ? `${value} IS NOT NULL AND NOT isnan(${value})` : `${value} IS NOT NULL`
}

const number = (field: MappedField): Conversion => {
  const value = mappedColumn(field.field)
  if (field.type === 'VARCHAR') {
    const text = textOf(field)
    const isNumber = `regexp_full_match(${text}, ${sqlLiteral(NUMBER_TEXT)})`
    return {
      value: `CASE WHEN ${isNumber} THEN ${finite(`TRY_CAST(${text} AS DOUBLE)`)} END`,
      isGiven: `${text} IS NOT NULL`,
    }
  }
  if (FLOATING.test(field.type)) {
    // A FLOAT is the shortest decimal that names it: what its writer sends as JSON.
    const decimal = field.type === 'FLOAT' ? `CAST(${value} AS VARCHAR)` : value
    return { value: finite(`CAST(${decimal} AS DOUBLE)`), isGiven: isGivenNumber(field) }
  }
  if (INTEGER.test(field.type) || DECIMAL.test(field.type) || field.type === 'BOOLEAN')
    return { value: `CAST(${value} AS DOUBLE) + 0.0::DOUBLE`, isGiven: 'false' }
  throw unsupported(field, 'text, numbers, BOOLEAN')
}

const boolean = (field: MappedField): Conversion => {
  const value = mappedColumn(field.field)
  if (field.type === 'BOOLEAN') return { value, isGiven: 'false' }
  if (INTEGER.test(field.type) || FLOATING.test(field.type) || DECIMAL.test(field.type))
    return { value: `CASE ${value} WHEN 1 THEN true WHEN 0 THEN false END`, isGiven: isGivenNumber(field) }
  if (field.type !== 'VARCHAR') throw unsupported(field, 'text, numbers, BOOLEAN')
  const text = textOf(field)
  const words = Object.entries(BOOLEAN_WORDS).map(([word, is]) => `WHEN ${sqlLiteral(word)} THEN ${is}`)
  return { value: `CASE lower(${text}) ${words.join(' ')} END`, isGiven: `${text} IS NOT NULL` }
}

const DAY_TEXT = "'[0-9]{4}-[0-9]{2}-[0-9]{2}'"
const BEFORE_1970_TEXT = "'-[0-9]{1,15}'"

/**
 * Milliseconds of an instant, cut off towards the past, as the digits of a request are: SQL cuts towards
 * 1970. Counted from the year 0, because SQL's division cuts towards zero.
 */
const wholeMilliseconds = (timestamp: string): string => {
  const yearZeroMs = 62_167_219_200_000
  return `((epoch_us(${timestamp}) + ${yearZeroMs}000) // 1000 - ${yearZeroMs})`
}

const time = (field: MappedField, times: LocalTimes): Conversion => {
  const value = mappedColumn(field.field)
  const inBounds = (instant: string): string =>
    `CASE WHEN ${instant} BETWEEN ${EARLIEST_ATTRIBUTE_TIME_MS} AND ${LATEST_TIME_MS} THEN ${instant} END`
  // A day is its first moment in UTC, as in requests, which know no zone of a source.
  if (field.type === 'DATE')
    return { value: inBounds(`epoch_ms(CAST(${value} AS TIMESTAMP))`), isGiven: `${value} IS NOT NULL` }
  const instant = instantOf(field, times, wholeMilliseconds)
  if (field.type !== 'VARCHAR') return { value: inBounds(instant), isGiven: isGivenNumber(field) }
  const text = `trim(${value})`
  const day = `WHEN regexp_full_match(${text}, ${DAY_TEXT}) THEN epoch_ms(TRY_CAST(${text} AS TIMESTAMP))`
  const before1970 = `WHEN regexp_full_match(${text}, ${BEFORE_1970_TEXT}) THEN TRY_CAST(${text} AS BIGINT)`
  return {
    value: inBounds(`(CASE ${day} ${before1970} ELSE ${instant} END)`),
    isGiven: `${textOf(field)} IS NOT NULL`,
  }
}

/** A number that is whole is written without a point, as a request's whole number is. */
const text = (field: MappedField): Conversion => {
  const value = mappedColumn(field.field)
  const plain = lineOf(field)
  const isFractional = FLOATING.test(field.type) || DECIMAL.test(field.type)
  const missing = FLOATING.test(field.type) ? `WHEN isnan(${value}) THEN NULL ` : ''
  const whole = `CASE ${missing}WHEN ${value} = floor(${value}) AND abs(${value}) < 9007199254740992 THEN CAST(CAST(${value} AS BIGINT) AS VARCHAR) ELSE ${plain} END`
  return { value: isFractional ? whole : plain, isGiven: `${plain} IS NOT NULL` }
}

const CONVERSIONS: Readonly<
  Record<Attribute['kind'], (field: MappedField, times: LocalTimes) => Conversion>
> = { number, category: text, boolean, time, text }

/** The names of the attributes of a row that are there and cannot be read, joined; NULL without any. */
export const unreadableNames = (attributes: readonly ConvertedAttribute[]): string => {
  const names = attributes
    .filter(({ isUnreadable }) => isUnreadable !== 'false')
    .map(({ attribute, isUnreadable }) => `CASE WHEN ${isUnreadable} THEN ${sqlLiteral(attribute.name)} END`)
  return names.length === 0 ? 'NULL::VARCHAR' : `nullif(concat_ws(', ', ${names.join(', ')}), '')`
}
