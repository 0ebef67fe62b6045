import { powerOfTen } from '../foundation/elementary/whole-powers.ts'
import { type AmountRules, minorPerUnit, type Rounding } from '../transaction/amount-rules.ts'
import type { QuarantineReason } from './quarantine-reasons.ts'

/** Digits that an amount may have at most, in minor units. */
const MOST_DIGITS = 15
/** Stands for every amount with more digits. */
const BEYOND = powerOfTen(MOST_DIGITS)

const TEXT = 'c_amount_text'
const PLAIN = 'c_amount_plain'
const OTHER = 'c_amount_other'
const DIGITS = 'c_amount_digits'
const POWER = 'c_amount_power'
const REST = 'c_amount_rest'
const SIZE = 'c_amount_size'

/**
 * Steps of SQL that read decimal text as the size of an amount in whole minor units, in exact decimal
 * arithmetic: never through a double. `src/transaction/read-amount.ts` is the same for requests; a test
 * compares the two.
 *
 * Nearly every text is a plain decimal that fits a type, which DuckDB's cast reads. The others (an exponent,
 * too many decimals, a size that fits no type) go through their digits, times a power of ten:
 *
 *     -12.345e1 with two decimals: digits 12345, power -3 + 1 + 2 = 0, size 12345
 */
export const amountSteps = (
  text: string,
  { decimals, rounding }: AmountRules,
): readonly (readonly [name: string, sql: string])[] => {
  const fraction = decimals === 0 ? '0+' : `[0-9]{1,${decimals}}0*`
  const plain = `regexp_full_match(${TEXT}, '[+-]?([0-9]+\\.?|[0-9]*\\.${fraction})')`
  const read = `TRY_CAST(${TEXT} AS DECIMAL(${MOST_DIGITS}, ${decimals}))`
  // DuckDB multiplies decimals of up to 18 digits within 18 digits.
  const wide = MOST_DIGITS + decimals > 18 ? `CAST(${read} AS DECIMAL(38, ${decimals}))` : read
  const part = (pattern: string): string => `regexp_extract(${TEXT}, '${pattern}', 1)`
  const ofOther = (sql: string): string => `CASE WHEN ${OTHER} THEN ${sql} END`
  const length = `greatest(0, strlen(${DIGITS}) + ${POWER})`
  const kept = `CASE WHEN ${POWER} < 0 THEN substr(${DIGITS}, 1, ${length}) ELSE concat(${DIGITS}, repeat('0', least(${POWER}, ${MOST_DIGITS}))) END`
  const whole = `CASE WHEN ${DIGITS} = '' OR ${length} = 0 THEN 0 WHEN ${length} > ${MOST_DIGITS} THEN ${BEYOND} ELSE CAST(${kept} AS BIGINT) END`
  return [
    [TEXT, text],
    [PLAIN, `CASE WHEN ${plain} THEN ${wide} * ${minorPerUnit(decimals)} END`],
    [
      OTHER,
      `CASE WHEN ${PLAIN} IS NULL THEN regexp_full_match(${TEXT}, '[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?') ELSE false END`,
    ],
    [DIGITS, ofOther(`ltrim(concat(${part('^[+-]?([0-9]*)')}, ${part('\\.([0-9]*)')}), '0')`)],
    [POWER, ofOther(`${exponentOf(part)} - strlen(${part('\\.([0-9]*)')}) + ${decimals}`)],
    [REST, ofOther(`CASE WHEN ${POWER} < 0 THEN substr(${DIGITS}, ${length} + 1) ELSE '' END`)],
    [
      SIZE,
      `CASE WHEN ${OTHER} THEN ${whole} + ${roundedUp(whole, rounding)} ELSE CAST(abs(${PLAIN}) AS BIGINT) END`,
    ],
  ]
}

/** Whole minor units; NULL where `amountReasons` says why not. */
export const amountColumn = ({ largestMinor }: AmountRules): string =>
  `CASE WHEN ${SIZE} <= ${largestMinor} THEN CASE WHEN ${TEXT} LIKE '-%' THEN -${SIZE} ELSE ${SIZE} END END`

/** Why a row's amount cannot be used; NULL counts as false. */
export const amountReasons = ({
  rounding,
  largestMinor,
  zero,
  refunds,
}: AmountRules): readonly (readonly [QuarantineReason, string])[] => {
  const tooPrecise = rounding === 'refuse' ? `(${OTHER} AND regexp_matches(${REST}, '[1-9]'))` : 'false'
  const notPositive = [
    ...(zero ? [] : [`${SIZE} = 0 AND NOT ${tooPrecise}`]),
    ...(refunds ? [] : [`${TEXT} LIKE '-%' AND coalesce(${DIGITS} <> '', ${SIZE} > 0)`]),
  ]
  return [
    ['amount_not_a_number', `${PLAIN} IS NULL AND coalesce(NOT ${OTHER}, true)`],
    ['amount_not_positive', notPositive.join(' OR ') || 'false'],
    ['amount_too_precise', tooPrecise],
    ['amount_too_large', `${SIZE} > ${largestMinor} AND NOT ${tooPrecise}`],
  ]
}

/** A row that says another currency than the declared one is not used: its amount has another unit. */
export const currencyReasons = ({
  currency,
}: AmountRules): readonly (readonly [QuarantineReason, string])[] =>
  currency === ''
    ? []
    : [
        [
          'currency_differs',
          `NOT (regexp_full_match(c_currency, '[A-Za-z]{3}') AND upper(c_currency) = '${currency}')`,
        ],
      ]

/** The exponent, 0 without one. One that fits no number is as far from 0 as matters. */
const exponentOf = (part: (pattern: string) => string): string => {
  const written = part('[eE]([+-]?[0-9]+)$')
  return `CASE WHEN ${written} = '' THEN 0 ELSE coalesce(TRY_CAST(${written} AS INTEGER), CASE WHEN ${written} LIKE '-%' THEN -1 ELSE 1 END * 1000000000) END`
}

/** 1 where the decimals that are left out, `REST` with zeros before it or not, round the size up, else 0. */
const roundedUp = (whole: string, rounding: Rounding): string => {
  if (rounding === 'refuse' || rounding === 'down') return '0'
  const atLeastHalf = `strlen(${REST}) = -${POWER} AND ${REST} >= '5'`
  const over = rounding === 'half_up' ? '' : ` AND (${whole} % 2 = 1 OR rtrim(${REST}, '0') <> '5')`
  return `CASE WHEN ${atLeastHalf}${over} THEN 1 ELSE 0 END`
}
