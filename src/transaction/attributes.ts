import type { AmountRules } from './amount-rules.ts'
import { LATEST_TIME_MS, LONGEST_TEXT, SOURCE_FIELDS } from './fields.ts'
import { PREPARED_COLUMNS, SENT_AMOUNT_COLUMN } from './prepared-columns.ts'
import { isMissing, readInstant, readText, trimBlanks } from './read-fields.ts'
import { type FieldProblem, shown } from './request-problem.ts'

/**
 * Attributes: what a bank knows of a transaction beyond the fields that every transaction has. They are
 * declared in `source.attributes`, found in the source once, and travel inside the artifact, so that training
 * and serving read the same ones in the same way.
 */

/** What an attribute's values are. */
export type AttributeKind = 'number' | 'category' | 'boolean' | 'time' | 'text'

/** One attribute, as training found it and serving reads it. */
export interface Attribute {
  /** Letters, digits and `_`, beginning with a letter; unique whatever the case. */
  readonly name: string
  readonly kind: AttributeKind
  /** Of a number: its unit, in the plural. */
  readonly unit?: string
  /** What it says, for people: a few words. */
  readonly means?: string
  /**
   * What becomes of a value that cannot be read: the row cannot be used (default), or it counts as missing.
   */
  readonly unreadable?: 'missing'
}

/** A value: a number, text, or true and false; a time is epoch milliseconds. Missing ones are absent. */
export type AttributeValue = number | string | boolean

/** The attributes of a transaction, by name. */
export type AttributeValues = Readonly<Record<string, AttributeValue>>

/** What an attribute may be called. */
export const ATTRIBUTE_NAME = '^[A-Za-z][A-Za-z0-9_]{0,62}$'
/**
 * Earliest instant of an attribute: 1000-01-01T00:00:00Z, epoch milliseconds. People are born before 1970.
 */
export const EARLIEST_ATTRIBUTE_TIME_MS = -30_610_224_000_000

/** The column of an attribute in the prepared dataset. */
export const attributeColumn = (name: string): string => `attribute_${name}`

const SQL_TYPES: Readonly<Record<AttributeKind, string>> = {
  number: 'DOUBLE',
  category: 'VARCHAR',
  boolean: 'BOOLEAN',
  time: 'BIGINT',
  text: 'VARCHAR',
}

/** The kind of attributes whose column has that SQL type; of text, category. */
export const kindOfColumn = (type: string): AttributeKind | undefined =>
  (Object.keys(SQL_TYPES) as AttributeKind[]).find((kind) => SQL_TYPES[kind] === type)

/** Whether values of the two kinds stand in columns of one type. */
export const areStoredAlike = (kind: AttributeKind, other: AttributeKind | undefined): boolean =>
  other !== undefined && SQL_TYPES[kind] === SQL_TYPES[other]

/** The columns of a prepared dataset with these attributes, by name with their SQL types. */
export const preparedColumns = (
  attributes: readonly Attribute[],
  { base }: Pick<AmountRules, 'base'> = {},
): Readonly<Record<string, string>> => ({
  ...PREPARED_COLUMNS,
  ...Object.fromEntries(attributes.map(({ name, kind }) => [attributeColumn(name), SQL_TYPES[kind]])),
  ...(base !== undefined && { [SENT_AMOUNT_COLUMN]: 'BIGINT' }),
})

/** Whether values of that kind are text. */
export const isTextAttribute = ({ kind }: Pick<Attribute, 'kind'>): boolean =>
  kind === 'category' || kind === 'text'

const TAKEN: ReadonlySet<string> = new Set([
  ...SOURCE_FIELDS.flatMap(({ wire, column }) => [wire, column]),
  ...Object.keys(PREPARED_COLUMNS),
])

/** Whether a field of every transaction has that name, or a column of prepared data, whatever the case. */
export const isFieldName = (name: string): boolean => TAKEN.has(name.toLowerCase())

type Reader = (field: string, value: unknown, problems: FieldProblem[]) => AttributeValue | undefined

/**
 * The attributes that a request's JSON writes, by the rules of reading files; undefined when it has none.
 *
 * What cannot be read is told to `problems`, unless the attribute counts it as missing. An unknown name is
 * told where unknown fields are refused, and told to `onUnknown` where they are not.
 */
export const readAttributes = (
  written: unknown,
  attributes: readonly Attribute[],
  unknown: 'refuse' | 'ignore',
  problems: FieldProblem[],
): AttributeValues | undefined => {
  if (written === undefined || written === null) return undefined
  if (typeof written !== 'object' || Array.isArray(written)) {
    problems.push({
      field: 'attributes',
      what: 'is no mapping',
      allowed: `a JSON object of attributes: ${listed(attributes)}`,
      got: shown(written),
    })
    return undefined
  }
  const record = written as Readonly<Record<string, unknown>>
  const values: Record<string, AttributeValue> = {}
  let isEmpty = true
  for (const attribute of attributes) {
    const { name, kind } = attribute
    if (!Object.hasOwn(record, name)) continue
    const forgiven = attribute.unreadable === 'missing' ? [] : problems
    const value = READERS[kind](`attributes.${name}`, record[name], forgiven)
    if (value === undefined) continue
    values[name] = value
    isEmpty = false
  }
  if (unknown === 'refuse') refuseUnknown(record, attributes, problems)
  return isEmpty ? undefined : values
}

/** Names in `written` that are no attribute. */
export const unknownAttributes = (written: unknown, attributes: readonly Attribute[]): readonly string[] => {
  if (typeof written !== 'object' || written === null || Array.isArray(written)) return []
  const known = new Set(attributes.map(({ name }) => name))
  return Object.keys(written).filter((name) => !known.has(name))
}

const MOST_PROBLEMS = 20

const refuseUnknown = (
  record: Readonly<Record<string, unknown>>,
  attributes: readonly Attribute[],
  problems: FieldProblem[],
): void => {
  for (const name of unknownAttributes(record, attributes)) {
    problems.push({
      field: `attributes.${name.slice(0, 60)}`,
      what: 'is no attribute of the model in service',
      allowed: listed(attributes),
      got: shown(name),
    })
    if (problems.length >= MOST_PROBLEMS) return
  }
}

const MOST_LISTED = 40

const listed = (attributes: readonly Attribute[]): string => {
  if (attributes.length === 0) return 'none: the model in service has no attributes'
  const names = attributes.slice(0, MOST_LISTED).map(({ name }) => name)
  const more = attributes.length - names.length
  return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

/** Decimal text of a number, without blanks around it. */
export const NUMBER_TEXT = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/

/** Finite; minus zero is zero, which JSON and SQL write alike. Yes and no are 1 and 0, as SQL has them. */
const readNumber: Reader = (field, value, problems) => {
  if (typeof value === 'number' && Number.isFinite(value)) return value + 0
  if (typeof value === 'boolean') return Number(value)
  if (isMissing(value)) return undefined
  if (typeof value === 'string') {
    const text = trimBlanks(value)
    const number = NUMBER_TEXT.test(text) ? Number(text) : Number.NaN
    if (Number.isFinite(number)) return number + 0
  }
  problems.push({
    field,
    what: 'is no number',
    allowed: 'a finite number, or its decimal text',
    got: shown(value),
  })
  return undefined
}

/** Words that say yes or no, in lower case. */
export const BOOLEAN_WORDS: Readonly<Record<string, boolean>> = {
  true: true,
  t: true,
  yes: true,
  y: true,
  '1': true,
  '1.0': true,
  false: false,
  f: false,
  no: false,
  n: false,
  '0': false,
  '0.0': false,
}

const readBoolean: Reader = (field, value, problems) => {
  if (typeof value === 'boolean') return value
  if (value === 0 || value === 1) return value === 1
  if (isMissing(value)) return undefined
  const word = typeof value === 'string' ? trimBlanks(value).toLowerCase() : ''
  if (Object.hasOwn(BOOLEAN_WORDS, word)) return BOOLEAN_WORDS[word]!
  problems.push({
    field,
    what: 'is neither true nor false',
    allowed: 'true or false, yes or no, 1 or 0',
    got: shown(value),
  })
  return undefined
}

const DAY_TEXT = /^\d{4}-\d{2}-\d{2}$/
const BEFORE_1970_TEXT = /^-\d{1,15}$/

/** A day is its first moment in UTC. Whole milliseconds may be text, those before 1970 too. */
const readTime: Reader = (field, value, problems) => {
  if (isMissing(value)) return undefined
  const text = typeof value === 'string' ? trimBlanks(value) : ''
  const instant = DAY_TEXT.test(text)
    ? `${text}T00:00:00Z`
    : BEFORE_1970_TEXT.test(text)
      ? Number(text)
      : value
  return readInstant(field, instant, problems, {
    earliestMs: EARLIEST_ATTRIBUTE_TIME_MS,
    allowed: `an ISO 8601 day, ISO 8601 with a zone, or whole epoch milliseconds; from the year 1000 to ${new Date(LATEST_TIME_MS).getUTCFullYear()}`,
  })
}

/** True and false are text as SQL writes them. */
const readWords: Reader = (field, value, problems) =>
  readText(field, typeof value === 'boolean' ? String(value) : value, problems)

const READERS: Readonly<Record<AttributeKind, Reader>> = {
  number: readNumber,
  category: readWords,
  boolean: readBoolean,
  time: readTime,
  text: readWords,
}

const WORDS = `Text of at most ${LONGEST_TEXT} UTF-16 units; a whole number is its decimal text, true and false theirs.`

/** How a request may write an attribute, in words. */
export const ATTRIBUTE_WRITING: Readonly<Record<AttributeKind, string>> = {
  number: 'A finite number, or its decimal text; true and false are 1 and 0.',
  category: WORDS,
  boolean: 'true or false; 1, 0, yes and no are read too.',
  time: 'ISO 8601: a day, or an instant with a zone; or whole epoch milliseconds.',
  text: WORDS,
}
