import { sqlIdentifier } from '../disk/database.ts'
import { VigiaError } from '../errors.ts'
import type { AmountRules } from '../transaction/amount-rules.ts'
import {
  type FieldOfKind,
  LATEST_TIME_MS,
  LONGEST_TEXT,
  SOURCE_FIELDS,
  type SourceField,
} from '../transaction/fields.ts'
import { amountColumn, amountReasons, amountSteps, currencyReasons } from './amount-conversion.ts'
import type { MappedField } from './field-mapping.ts'
import {
  changesClocks,
  clockChangeOf,
  instantOfLocal,
  type LocalParts,
  type LocalTimes,
  partsOf,
} from './local-time.ts'
import { type QuarantineReason, reasonBit } from './quarantine-reasons.ts'

/**
 * SQL that turns a mapped value into the prepared column, and the conditions under which the row cannot be
 * used.
 */
export interface ConvertedField {
  /** Steps before the value: `[name, SQL]`, each may use the mapped column and the steps before it. */
  readonly steps: readonly (readonly [string, string])[]
  /** Prepared column and its SQL; NULL where the value is missing or unusable. */
  readonly columns: readonly (readonly [string, string])[]
  /** Reason and the SQL condition under which it holds; NULL counts as false. */
  readonly reasons: readonly (readonly [QuarantineReason, string])[]
  /** `clockChangeOf` its value; absent where no clock can be changed. */
  readonly clock?: string
}

/** Mapped columns are named `m_<field>` in the SQL. */
export const mappedColumn = (field: string): string => sqlIdentifier(`m_${field}`)

export const INTEGER = /^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/
export const FLOATING = /^(DOUBLE|FLOAT)$/
export const DECIMAL = /^DECIMAL/

/**
 * How one field is converted, chosen by the type its expression gives.
 *
 * @throws DATASET_TYPE_UNSUPPORTED
 */
export const convertField = (
  field: MappedField<SourceField>,
  times: LocalTimes,
  amounts: AmountRules,
): ConvertedField => {
  const described = DESCRIBED.get(field.field)!
  switch (described.kind) {
    case 'time':
      return convertTimestamp(field, described.column, times)
    case 'label-time':
      return convertLabelledAt(field, described.column, times)
    case 'amount':
      return convertAmount(field, described.column, amounts)
    case 'label':
      return convertLabel(field, described.column)
    case 'coordinate':
      return convertCoordinate(field, described)
    default:
      return convertText(
        field,
        described.column,
        field.expression === null ? undefined : WHEN_MISSING[described.wire],
        described.wire === 'currency' ? currencyReasons(amounts) : [],
      )
  }
}

const DESCRIBED = new Map(SOURCE_FIELDS.map((field) => [field.wire as SourceField, field]))

/** Why a row is not used that lacks a text which every transaction of the source has. */
const WHEN_MISSING: Readonly<Partial<Record<SourceField, QuarantineReason>>> = {
  transaction_id: 'transaction_id_missing',
  user_id: 'user_missing',
}

/**
 * The reasons of a whole row as one set of bits; `texts` are checked together, once a row, because that is
 * faster.
 */
export const rowReasons = (fields: readonly ConvertedField[], texts: readonly string[]): string => {
  const conditions: readonly (readonly [QuarantineReason, string])[] = [
    ['row_malformed', '"__malformed"'],
    ...fields.flatMap((field) => field.reasons),
    ['attribute_not_readable', '"__unreadable" IS NOT NULL'],
    ['mapping_failed', '"__failed"'],
    ['text_not_allowed', textIsNotAllowed(texts)],
  ]
  return conditions
    .map(([reason, condition]) => `CASE WHEN ${condition} THEN ${reasonBit(reason)} ELSE 0 END`)
    .join(' + ')
}

/** The condition under which one of these texts is too long or has control characters. */
export const textIsNotAllowed = (texts: readonly string[]): string => {
  const tooLong = `greatest(${texts.map((text) => `strlen(${text})`).join(', ')}) > ${LONGEST_TEXT}`
  // UTF-16 units: characters beyond the basic plane count twice, as in JavaScript.
  const units = (text: string) =>
    `length(regexp_replace(${text}, '[^\\x{0}-\\x{FFFF}]', 'xx', 'g')) > ${LONGEST_TEXT}`
  const controls = `regexp_matches(concat(${texts.join(', ')}), '[\\x00-\\x1f\\x7f]')`
  return `CASE WHEN ${tooLong} THEN ${texts.map(units).join(' OR ')} ELSE false END OR ${controls}`
}

const convertText = (
  field: MappedField,
  column: string,
  whenMissing: QuarantineReason | undefined,
  others: ConvertedField['reasons'],
): ConvertedField => {
  const text = `c_${field.field}`
  return {
    steps: [[text, lineOf(field)]],
    columns: [[column, text]],
    reasons: [...(whenMissing === undefined ? [] : [[whenMissing, `${text} IS NULL`] as const]), ...others],
  }
}

const convertTimestamp = (field: MappedField, column: string, times: LocalTimes): ConvertedField => {
  const { steps, clock } = timeSteps('c_time', field, times)
  const isRejected = clock === undefined ? 'false' : `${clock} <> 0`
  return {
    steps,
    columns: [[column, 'c_time']],
    reasons: [
      ['timestamp_without_zone', `c_time IS NULL AND ${lacksZone(field, times)}`],
      ['timestamp_ambiguous', `c_time IS NULL AND ${isRejected}`],
      ['timestamp_not_readable', `c_time IS NULL AND NOT ${lacksZone(field, times)} AND NOT ${isRejected}`],
      ['timestamp_out_of_range', `c_time NOT BETWEEN 0 AND ${LATEST_TIME_MS}`],
    ],
    ...(clock !== undefined && { clock }),
  }
}

const convertLabelledAt = (field: MappedField, column: string, times: LocalTimes): ConvertedField => {
  const { steps, clock } = timeSteps('c_labelled', field, times)
  const isRejected = clock === undefined ? 'false' : `${clock} <> 0`
  return {
    steps,
    columns: [[column, 'c_labelled']],
    reasons: [
      ['labelled_at_without_zone', `c_labelled IS NULL AND ${lacksZone(field, times)}`],
      ['labelled_at_ambiguous', `c_labelled IS NULL AND ${isRejected}`],
      [
        'labelled_at_not_readable',
        `CASE WHEN c_labelled IS NULL THEN ${textOf(field)} IS NOT NULL AND NOT ${lacksZone(field, times)} AND NOT ${isRejected} ELSE c_labelled NOT BETWEEN 0 AND ${LATEST_TIME_MS} END`,
      ],
    ],
    ...(clock !== undefined && { clock }),
  }
}

/** The steps to an instant, `name`; a local time has its parts before, each of which is computed once. */
const timeSteps = (
  name: string,
  field: MappedField,
  times: LocalTimes,
): Pick<ConvertedField, 'steps' | 'clock'> => {
  const local = localOf(field)
  if (local === undefined || !changesClocks(times)) return { steps: [[name, instantOf(field, times)]] }
  const { before, after } = partsOf(`${name}_local`, times)
  const parts = {
    local: `${name}_local`,
    before: `${name}_parts.before`,
    after: `${name}_parts.after`,
  }
  return {
    steps: [
      [parts.local, local],
      [`${name}_parts`, `{'before': ${before}, 'after': ${after}}`],
      [name, instantOf(field, times, sinceEpoch, parts)],
    ],
    clock: clockChangeOf(parts, times),
  }
}

/** A DOUBLE column is read as the shortest decimal that names it, which is what its writer meant. */
const convertAmount = (field: MappedField, column: string, rules: AmountRules): ConvertedField => {
  assertType(
    field,
    (type) => type === 'VARCHAR' || INTEGER.test(type) || FLOATING.test(type) || DECIMAL.test(type),
  )
  return {
    steps: amountSteps(textOf(field), rules),
    columns: [[column, amountColumn(rules)]],
    reasons: amountReasons(rules),
  }
}

const convertLabel = (field: MappedField, column: string): ConvertedField => {
  assertType(
    field,
    (type) =>
      type === 'VARCHAR' ||
      type === 'BOOLEAN' ||
      INTEGER.test(type) ||
      FLOATING.test(type) ||
      DECIMAL.test(type),
  )
  const label = `CASE c_label_text WHEN '0' THEN 0 WHEN '1' THEN 1 WHEN 'false' THEN 0 WHEN 'true' THEN 1 WHEN '0.0' THEN 0 WHEN '1.0' THEN 1 END`
  return {
    steps: [['c_label_text', `lower(${textOf(field)})`]],
    columns: [[column, `CAST(${label} AS TINYINT)`]],
    reasons: [['label_not_binary', `c_label_text IS NOT NULL AND (${label}) IS NULL`]],
  }
}

/**
 * Coordinates out of range are quarantined, because the schema refuses them in serving too: training sees
 * what serving will.
 */
const convertCoordinate = (
  field: MappedField,
  { wire, column, bounds: [, limit] }: FieldOfKind<'coordinate'>,
): ConvertedField => {
  const value = `c_${wire}`
  return {
    steps: [[value, `TRY_CAST(${textOf(field)} AS DOUBLE)`]],
    columns: [[column, value]],
    reasons: [
      [
        `${wire}_out_of_range`,
        `CASE WHEN ${value} IS NULL THEN ${textOf(field)} IS NOT NULL ELSE NOT (abs(${value}) <= ${limit}) END`,
      ],
    ],
  }
}

/** Text without blanks around it; missing when empty. */
export const textOf = (field: MappedField): string =>
  field.type === 'VARCHAR'
    ? `nullif(trim(${mappedColumn(field.field)}), '')`
    : `CAST(${mappedColumn(field.field)} AS VARCHAR)`

/**
 * `textOf` on one line: each run of blanks, tabs and line breaks that is more than blanks is one blank, as in
 * requests; byte order marks in front, which joined exports leave within a file, are no part of it. Looking
 * for the three characters first is what keeps the usual text quick.
 */
export const lineOf = (field: MappedField): string => {
  if (field.type !== 'VARCHAR') return textOf(field)
  const value = mappedColumn(field.field)
  const isLong = ['9', '10', '13'].map((code) => `contains(${value}, chr(${code}))`).join(' OR ')
  const line = `trim(CASE WHEN ${isLong} THEN regexp_replace(${value}, ' *[\\t\\n\\r][ \\t\\n\\r]*', ' ', 'g') ELSE ${value} END)`
  return `nullif(trim(ltrim(${line}, chr(65279))), '')`
}

const ISO_TEXT = '[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,9})?'

/** Milliseconds of an instant from 1970 on; SQL cuts those before it towards 1970. */
const sinceEpoch = (timestamp: string): string => `epoch_ms(${timestamp})`

/**
 * Whether the text is a time that could be read if only its zone were known: never NULL, false where there is
 * a zone for such text.
 */
const lacksZone = (field: MappedField, { timeZone }: LocalTimes): string => {
  const value = mappedColumn(field.field)
  return field.type === 'VARCHAR' && timeZone === ''
    ? `coalesce(regexp_full_match(${value}, '\\s*${ISO_TEXT}\\s*') AND TRY_CAST(${value} AS TIMESTAMP) IS NOT NULL, false)`
    : 'false'
}

/**
 * Whether the times of a field are typed without a zone, and so taken to be UTC because `source.time_zone`
 * names no other.
 */
export const isTakenAsUtc = (field: MappedField, { timeZone }: LocalTimes): boolean =>
  timeZone === '' && LOCAL.test(field.type)

const LOCAL = /^(DATE|TIMESTAMP(?! WITH TIME ZONE).*)$/

/** The time without a zone of a field, TIMESTAMP, NULL where it has none; undefined: it never has one. */
const localOf = (field: MappedField): string | undefined => {
  const value = mappedColumn(field.field)
  if (field.type === 'VARCHAR')
    return `CASE WHEN regexp_full_match(${value}, '\\s*${ISO_TEXT}\\s*') THEN TRY_CAST(${value} AS TIMESTAMP) END`
  return LOCAL.test(field.type) ? `CAST(${value} AS TIMESTAMP)` : undefined
}

/** `clockChangeOf` a field's value; undefined where no clock can be changed. */
export const clockOf = (field: MappedField, times: LocalTimes): string | undefined => {
  const local = changesClocks(times) ? localOf(field) : undefined
  return local === undefined ? undefined : clockChangeOf(partsOf(`(${local})`, times), times)
}

/**
 * Epoch milliseconds; finer digits are cut off. NULL when missing or not readable.
 *
 * Text goes through TIMESTAMPTZ unless it ends in Z, because DuckDB's TIMESTAMP (the faster one) ignores an
 * offset.
 *
 * @param epochMs SQL for the milliseconds of a timestamp
 * @param parts of the local time, where they are computed already
 */
export const instantOf = (
  field: MappedField,
  times: LocalTimes,
  epochMs = sinceEpoch,
  parts?: LocalParts,
): string => {
  const value = mappedColumn(field.field)
  const local = localOf(field)
  const naive = (): string =>
    changesClocks(times) ? instantOfLocal(parts ?? partsOf(`(${local})`, times), times) : `(${local})`
  if (field.type === 'VARCHAR') {
    const withoutZone =
      times.timeZone === '' ? '' : `WHEN (${parts?.local ?? local}) IS NOT NULL THEN ${epochMs(naive())} `
    const utc = epochMs(`TRY_CAST(${value} AS TIMESTAMP)`)
    const zoned = epochMs(`TRY_CAST(trim(${value}) AS TIMESTAMPTZ)`)
    return `CASE WHEN regexp_full_match(${value}, '\\s*${ISO_TEXT}(Z|[+-][0-9]{2}(:?[0-9]{2})?)\\s*') THEN CASE WHEN ${value} LIKE '%Z' THEN ${utc} ELSE ${zoned} END ${withoutZone}WHEN regexp_full_match(${value}, '\\s*[0-9]{1,15}\\s*') THEN TRY_CAST(${value} AS BIGINT) END`
  }
  if (INTEGER.test(field.type)) return `TRY_CAST(${value} AS BIGINT)`
  if (FLOATING.test(field.type) || DECIMAL.test(field.type))
    return `CASE WHEN ${value} = floor(${value}) THEN TRY_CAST(${value} AS BIGINT) END`
  if (field.type === 'TIMESTAMP WITH TIME ZONE') return epochMs(value)
  if (local !== undefined) return epochMs(naive())
  throw unsupported(field, 'text, whole numbers (epoch ms), DATE, TIMESTAMP')
}

const assertType = (field: MappedField, allowed: (type: string) => boolean): void => {
  if (!allowed(field.type)) throw unsupported(field, 'text, numbers, BOOLEAN for a label')
}

export const unsupported = (field: MappedField, allowed: string): VigiaError =>
  new VigiaError('DATASET_TYPE_UNSUPPORTED', { setting: settingOf(field), got: field.type, allowed })

const settingOf = ({ field }: MappedField): string =>
  field.startsWith('attribute_')
    ? `source.attributes.${field.slice('attribute_'.length)}`
    : `source.fields.${field}`
