import type { AmountRules } from './amount-rules.ts'
import { fractionalSecondsProblem } from './event-time.ts'
import { LATEST_TIME_MS, LONGEST_TEXT } from './fields.ts'
import { amountsAllowed, minorOfNumber, minorOfText } from './read-amount.ts'
import { type FieldProblem, shown } from './request-problem.ts'

/**
 * How the fields of a request are read. The rules are those of reading files
 * (`src/dataset/field-conversion.ts`), so that a transaction is the same whichever way it comes; a test
 * compares the two. What cannot be read is told to `problems` and read as undefined.
 */
type Problems = FieldProblem[]

const TEXT_ALLOWED = `text of 1 to ${LONGEST_TEXT} UTF-16 units without control characters (tabs and line breaks are blanks), or a whole number`
const TIME_ALLOWED =
  'ISO 8601 with a zone, such as 2026-01-31T09:30:00.250Z or ...+01:00, or whole epoch milliseconds; from 1970 to 9999'

/** Missing: absent, null, or text of nothing but blanks. */
export const isMissing = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === 'string' && trimBlanks(value) === '')

/**
 * Text of an identifier or a category without the blanks around it; undefined when missing. White space that
 * holds a tab or a line break is one blank. Whole numbers are their decimal text.
 */
export const readText = (field: string, value: unknown, problems: Problems): string | undefined => {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value)
  if (typeof value !== 'string') {
    const what = typeof value === 'number' ? 'is a number that is not whole or not exact' : 'is no text'
    problems.push({ field, what, allowed: TEXT_ALLOWED, got: shown(value) })
    return undefined
  }
  const text = withoutMarks(trimBlanks(foldLines(value)))
  if (text === '') return undefined
  const what = faultOf(text)
  if (what === undefined) return text
  problems.push({ field, what, allowed: TEXT_ALLOWED, got: shown(value) })
  return undefined
}

/** Without byte order marks in front: they are no part of a text. */
const withoutMarks = (text: string): string =>
  text.charCodeAt(0) === BYTE_ORDER_MARK ? trimBlanks(text.replace(/^\ufeff+/, '')) : text

const BYTE_ORDER_MARK = 0xfeff

/** `readText` of a field that must be there. */
export const readRequiredText = (field: string, value: unknown, problems: Problems): string | undefined => {
  const before = problems.length
  const text = readText(field, value, problems)
  if (text === undefined && problems.length === before)
    problems.push({ field, what: 'is missing', allowed: TEXT_ALLOWED, got: shown(value) })
  return text
}

/** From when an instant may be, epoch milliseconds, and in words. */
interface InstantBounds {
  readonly earliestMs: number
  readonly allowed: string
}

const SINCE_1970: InstantBounds = { earliestMs: 0, allowed: TIME_ALLOWED }

/** Epoch milliseconds; finer digits are cut off. */
export const readInstant = (
  field: string,
  value: unknown,
  problems: Problems,
  bounds: InstantBounds = SINCE_1970,
): number | undefined => {
  const { earliestMs, allowed } = bounds
  const instant =
    typeof value === 'string' ? parseInstant(value) : typeof value === 'number' ? value : Number.NaN
  if (Number.isInteger(instant) && instant >= earliestMs && instant <= LATEST_TIME_MS) return instant + 0
  const inSeconds = bounds === SINCE_1970 ? fractionalSecondsProblem(field, value) : undefined
  if (inSeconds !== undefined) {
    problems.push(inSeconds)
    return undefined
  }
  const what = isMissing(value)
    ? 'is missing'
    : Number.isInteger(instant)
      ? `is before ${new Date(earliestMs).getUTCFullYear()} or after 9999`
      : typeof value === 'string' && !Number.isNaN(parseInstant(`${value.trim()}Z`))
        ? 'has no time zone'
        : 'is no instant'
  problems.push({ field, what, allowed, got: shown(value) })
  return undefined
}

/**
 * Whole minor units by `rules`: with two decimals 12.34 is 1234, exactly. A number is read as the shortest
 * decimal that names it.
 */
export const readAmountMinor = (
  field: string,
  value: unknown,
  rules: AmountRules,
  problems: Problems,
): number | undefined => {
  const amount =
    typeof value === 'number'
      ? minorOfNumber(value, rules)
      : typeof value === 'string'
        ? minorOfText(trimBlanks(value), rules)
        : 'is no number'
  if (typeof amount === 'number') return amount
  const what = isMissing(value) ? 'is missing' : amount
  problems.push({ field, what, allowed: amountsAllowed(rules), got: shown(value) })
  return undefined
}

/** Text of a currency that is the declared one, in any case; any text where none is declared. */
export const readCurrency = (
  field: string,
  value: unknown,
  { currency }: AmountRules,
  problems: Problems,
): string | undefined => {
  const text = readText(field, value, problems)
  if (text === undefined || currency === '' || text === currency) return text
  if (/^[A-Za-z]{3}$/.test(text) && text.toUpperCase() === currency) return text
  problems.push({ field, what: 'is not that of the model', allowed: currency, got: shown(value) })
  return undefined
}

/** Degrees within ±`limit`; undefined when missing. */
export const readDegrees = (
  field: string,
  value: unknown,
  limit: number,
  problems: Problems,
): number | undefined => {
  if (typeof value === 'number' && value >= -limit && value <= limit) return value
  if (isMissing(value)) return undefined
  if (typeof value === 'string') {
    const text = trimBlanks(value)
    const degrees = NUMBER.test(text) ? Number(text) : Number.NaN
    if (degrees >= -limit && degrees <= limit) return degrees
  }
  problems.push({
    field,
    what: 'is no number within its range',
    allowed: `degrees from -${limit} to ${limit}`,
    got: shown(value),
  })
  return undefined
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/

/** Each run of blanks, tabs and line breaks that is more than blanks becomes one blank. */
const foldLines = (text: string): string => {
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit === 0x09 || unit === 0x0a || unit === 0x0d)
      return text.replace(/[ \t\n\r]+/g, (run) => (/[\t\n\r]/.test(run) ? ' ' : run))
  }
  return text
}

/**
 * Without the blanks around it: the space and Unicode's other space separators, but no tabs or line ends, as
 * SQL's `trim`.
 */
export const trimBlanks = (text: string): string => {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return end - start === text.length ? text : text.slice(start, end)
}

const isBlank = (unit: number): boolean =>
  unit === 0x20 ||
  (unit >= 0xa0 &&
    (unit === 0xa0 ||
      unit === 0x1680 ||
      (unit >= 0x2000 && unit <= 0x200a) ||
      unit === 0x202f ||
      unit === 0x205f ||
      unit === 0x3000))

const faultOf = (text: string): string | undefined => {
  if (text.length > LONGEST_TEXT) return `has ${text.length} UTF-16 units`
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit < 0x20 || unit === 0x7f) return 'has a control character'
    if (unit < 0xd800 || unit > 0xdfff) continue
    const next = text.charCodeAt(at + 1)
    if (unit > 0xdbff || !(next >= 0xdc00 && next <= 0xdfff)) return 'has half of a surrogate pair'
    at++
  }
  return undefined
}

const PLUS = 0x2b
const MINUS = 0x2d
const POINT = 0x2e
const ZERO = 0x30

/**
 * Epoch milliseconds of ISO text with a zone or of digits, with white space around it or not; NaN when it is
 * neither.
 */
const parseInstant = (text: string): number => {
  let start = 0
  let end = text.length
  while (start < end && isWhite(text.charCodeAt(start))) start++
  while (end > start && isWhite(text.charCodeAt(end - 1))) end--
  const length = end - start
  const digits = digitsFrom(text, start, end)
  if (digits === length) return digits >= 1 && digits <= 15 ? Number(text.slice(start, end)) : Number.NaN
  if (digits !== 4 || length < 20) return Number.NaN
  const separator = text.charCodeAt(start + 10)
  if (
    text.charCodeAt(start + 4) !== MINUS ||
    text.charCodeAt(start + 7) !== MINUS ||
    (separator !== 0x54 && separator !== 0x20) ||
    text.charCodeAt(start + 13) !== COLON ||
    text.charCodeAt(start + 16) !== COLON
  )
    return Number.NaN
  const year = twoDigits(text, start) * 100 + twoDigits(text, start + 2)
  const month = twoDigits(text, start + 5)
  const day = twoDigits(text, start + 8)
  const hour = twoDigits(text, start + 11)
  const minute = twoDigits(text, start + 14)
  const second = twoDigits(text, start + 17)
  // The last moment of a day may be written as 24:00:00.
  const isInDay = hour <= 23 ? minute <= 59 && second <= 59 : hour === 24 && minute === 0 && second === 0
  if (!(isInDay && month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month))) return Number.NaN
  let at = start + 19
  let milliseconds = 0
  if (text.charCodeAt(at) === POINT) {
    const decimals = digitsFrom(text, at + 1, end)
    if (decimals < 1 || decimals > 9) return Number.NaN
    for (let place = 1; place <= 3; place++)
      milliseconds = milliseconds * 10 + (place <= decimals ? text.charCodeAt(at + place) - ZERO : 0)
    if (hour === 24 && digitsFrom(text, at + 1, end, ZERO) !== decimals) return Number.NaN
    at += 1 + decimals
  }
  const offset = offsetMinutes(text, at, end)
  // Years below 100 would be read as 19xx; all of them are out of range, as year 100 is.
  const midnight = Date.UTC(Math.max(year, 100), month - 1, day)
  return midnight + hour * 3_600_000 + (minute - offset) * 60_000 + second * 1000 + milliseconds
}

/** Minutes of `Z`, `+hh`, `+hhmm` or `+hh:mm` at the end of the text; NaN for anything else. */
const offsetMinutes = (text: string, at: number, end: number): number => {
  const sign = text.charCodeAt(at)
  const length = end - at
  if (sign === 0x5a) return length === 1 ? 0 : Number.NaN
  if (sign !== PLUS && sign !== MINUS) return Number.NaN
  const hours = twoDigits(text, at + 1)
  let minutes = 0
  if (length === 5) minutes = twoDigits(text, at + 3)
  else if (length === 6) minutes = text.charCodeAt(at + 3) === COLON ? twoDigits(text, at + 4) : Number.NaN
  else if (length !== 3) return Number.NaN
  const offset = hours * 60 + minutes
  return sign === PLUS ? offset : -offset
}

const COLON = 0x3a

const isWhite = (unit: number): boolean =>
  unit === 0x20 || unit === 0x09 || unit === 0x0a || unit === 0x0c || unit === 0x0d

/** How many digits (of which only `only`, if given) stand at `at`. */
const digitsFrom = (text: string, at: number, end: number, only?: number): number => {
  let to = at
  while (to < end) {
    const unit = text.charCodeAt(to)
    if (only === undefined ? unit < ZERO || unit > ZERO + 9 : unit !== only) break
    to++
  }
  return to - at
}

/** The number that two digits at `at` write; NaN when they are none. */
const twoDigits = (text: string, at: number): number => {
  const tens = text.charCodeAt(at) - ZERO
  const ones = text.charCodeAt(at + 1) - ZERO
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN
}

const daysIn = (year: number, month: number): number => {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}
