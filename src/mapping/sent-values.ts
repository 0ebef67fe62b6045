import { NUMBER_TEXT } from '../transaction/attributes.ts'
import { shown } from '../transaction/request-problem.ts'
import type { SourceMapping } from '../transaction/source-mapping.ts'

/**
 * How a value of a row in JSON is taken for a value of a column: as the text that a file would have for it,
 * which is then read as the column's SQL type is.
 *
 *     null, absent     missing                    "text"   the text; in CSV the empty text is missing
 *     true             the text true              1.50     1.50 as it is written; of JSON files, as SQL
 *     {...}, [...]     refused                             writes it: 1.5; refused by a column that has
 *                                                          a decimal comma
 */
export type SentText = string | null

/** What is wrong with a value, as half a sentence, and what is allowed. */
export interface Misfit {
  readonly what: string
  readonly allowed: string
}

/** Reads a value of JSON; numbers may come as `quoteNumbers` has them. */
export type ReadSent = (value: unknown) => SentText | Misfit

/**
 * The text of a value for a column of SQL type `type` in a source of that format.
 *
 * @param hasComma its numbers have a decimal comma, which those of JSON cannot have
 */
export const sentReader = (type: string, format: SourceMapping['format'], hasComma = false): ReadSent => {
  const keepsEmpty = type === 'VARCHAR' && format !== 'csv'
  const whyNot = misfitOf(type)
  return (value) => {
    if (value === undefined || value === null || (value === '' && !keepsEmpty)) return null
    const literal = literalOf(value)
    if (hasComma && literal !== undefined && !/^-?\d+$/.test(literal))
      return {
        what: 'is a number, and the column has a decimal comma',
        allowed: 'the text as the file has it, such as "12,50"',
      }
    const text =
      literal !== undefined
        ? numberLiteral(literal, format)
        : typeof value === 'string' || typeof value === 'boolean'
          ? String(value)
          : undefined
    if (text === undefined)
      return { what: 'is a mapping or a list', allowed: 'text, a number, true, false or null' }
    if (HALF_PAIR.test(text))
      return { what: 'has half of a surrogate pair', allowed: 'text that is UTF-8 in a file' }
    return whyNot?.(text) ?? text
  }
}

/**
 * A number as the text that reading a file of this format gives: its literal, but of a JSON file the one that
 * DuckDB writes, where the literal is no whole number.
 */
export const numberLiteral = (literal: string, format: SourceMapping['format']): string => {
  if (format !== 'json') return literal
  if (!/[.eE]/.test(literal)) return literal === '-0' ? '0' : literal
  const number = Number(literal)
  if (!Number.isFinite(number)) return literal
  const text = Object.is(number, -0) ? '-0' : String(number)
  return /^-?\d+$/.test(text) ? `${text}.0` : text.replace('e+', 'e')
}

/** Types whose values can be sent as JSON. */
export const SENDABLE =
  /^(VARCHAR|BOOLEAN|U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|FLOAT|DOUBLE|DECIMAL\(\d+,\d+\)|DATE|TIME|TIMESTAMP(_S|_MS|_NS)?|TIMESTAMP WITH TIME ZONE|UUID)$/

export const INTEGER_TYPE = /^U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$/

const HALF_PAIR = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/
const WHOLE = /^([+-]?\d{1,40})(\.0*)?$/
const DATE = /^\s*[+-]?\d{4,6}-\d{1,2}-\d{1,2}\s*$/
const DECIMAL = /^DECIMAL\((\d+),(\d+)\)$/
const NOT_FINITE = /^[+-]?(nan|inf|infinity)$/i
const YES_OR_NO = /^(true|false|1|0)$/i
const ZONE = /\d[T ]\d\d:?\d\d.*(Z|[+-]\d\d(:?\d\d)?)\s*$/i

/** What of the type's values SQL's own cast would take too kindly: 5.5 for a whole number becomes 6. */
const misfitOf = (type: string): ((text: string) => Misfit | undefined) | undefined => {
  const unless = (isFit: (text: string) => boolean, allowed: string) => (text: string) =>
    isFit(text) ? undefined : { what: `is no ${type}`, allowed }
  if (INTEGER_TYPE.test(type)) {
    const [least, most] = rangeOf(type)
    return unless((text) => {
      const number = WHOLE.exec(text)?.[1]
      return number !== undefined && BigInt(number) >= least && BigInt(number) <= most
    }, `a whole number from ${least} to ${most}`)
  }
  if (type === 'BOOLEAN') return unless((text) => YES_OR_NO.test(text), 'true or false')
  if (type === 'DOUBLE' || type === 'FLOAT')
    return unless((text) => NOT_FINITE.test(text) || isFiniteAs(type, text), 'a number')
  const decimal = DECIMAL.exec(type)
  if (decimal !== null) {
    const [width, scale] = [Number(decimal[1]), Number(decimal[2])]
    const allowed = `a number with at most ${width - scale} digits before the point and ${scale} behind it`
    return unless((text) => NUMBER_TEXT.test(text) && fitsDecimal(text, width, scale), allowed)
  }
  if (type === 'DATE') return unless((text) => DATE.test(text), 'a date without a time, such as 2026-01-31')
  if (type === 'TIMESTAMP WITH TIME ZONE')
    return unless((text) => ZONE.test(text), 'ISO 8601 with a zone, such as 2026-01-31T09:30:00Z')
  if (type.startsWith('TIMESTAMP'))
    return unless((text) => !ZONE.test(text), 'ISO 8601 without a zone, as the source has it')
  return undefined
}

const isFiniteAs = (type: string, text: string): boolean =>
  NUMBER_TEXT.test(text) && Number.isFinite(type === 'FLOAT' ? Math.fround(Number(text)) : Number(text))

/** The least and the greatest whole number of a type. */
const rangeOf = (type: string): readonly [least: bigint, most: bigint] => {
  const isSigned = !type.startsWith('U')
  const bits = BITS[isSigned ? type : type.slice(1)]!
  return isSigned ? [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n] : [0n, 2n ** bits - 1n]
}

const BITS: Readonly<Record<string, bigint>> = {
  TINYINT: 8n,
  SMALLINT: 16n,
  INTEGER: 32n,
  BIGINT: 64n,
  HUGEINT: 128n,
}

/** Whether a number is one of DECIMAL(width, scale) as it is, without being rounded. */
const fitsDecimal = (text: string, width: number, scale: number): boolean => {
  const [, whole = '', fraction = '', exponent = '0'] =
    /^\s*[+-]?(\d*)\.?(\d*)(?:e([+-]?\d+))?\s*$/i.exec(text) ?? []
  const digits = whole + fraction
  const point = whole.length + Number(exponent)
  const first = digits.search(/[1-9]/)
  if (first < 0) return true
  const end = digits.replace(/0+$/, '').length
  return point - first <= width - scale && end - point <= scale
}

/** In front of a number that became text. No file's text may have it, so none is taken for a number. */
const MARK = '\0'
const ESCAPED_MARK = '\\u0000'

/** The literal of a number of JSON, quoted or not; undefined for anything else. */
export const literalOf = (value: unknown): string | undefined => {
  if (typeof value === 'number') return String(value)
  if (typeof value !== 'string' || !value.startsWith(MARK)) return undefined
  const literal = value.slice(MARK.length)
  return NUMBER.test(literal) ? literal : undefined
}

/** A value as a problem shows it: numbers as they were sent. */
export const shownSent = (value: unknown): string =>
  shown(value).replaceAll(/"\\u0000([-+.\deE]*)("|(?=\.\.\.))/g, '$1')

/**
 * JSON whose numbers are texts: their literals behind a mark (`literalOf`). So `111.0` stays apart from 111,
 * as it is in a file of text, no digit of a long number is lost, and what was a number is known. What is no
 * JSON stays none. By hand, since its time must not grow faster than the text, whatever the text is.
 */
export const quoteNumbers = (json: string): string => {
  let quoted = ''
  let copied = 0
  let at = 0
  while (at < json.length) {
    const unit = json.charCodeAt(at)
    if (unit === QUOTE) at = endOfText(json, at)
    else if (unit !== MINUS && !isDigit(unit)) at++
    else {
      const start = at
      while (isOfNumber(json.charCodeAt(at))) at++
      const token = json.slice(start, at)
      if (!NUMBER.test(token) || isKey(json, at)) continue
      quoted += `${json.slice(copied, start)}"${ESCAPED_MARK}${token}"`
      copied = at
    }
  }
  return quoted + json.slice(copied)
}

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/
const QUOTE = 0x22
const MINUS = 0x2d
const BACKSLASH = 0x5c
const COLON = 0x3a

const isDigit = (unit: number): boolean => unit >= 0x30 && unit <= 0x39

/** Digits, `+`, `-`, `.`, `e` and `E`; NaN, beyond the end of the text, is none. */
const isOfNumber = (unit: number): boolean =>
  isDigit(unit) || unit === MINUS || unit === 0x2b || unit === 0x2e || unit === 0x65 || unit === 0x45

/** Whether a colon follows: in quotes, a number would become the key that it cannot be. */
const isKey = (json: string, from: number): boolean => {
  let at = from
  while (at < json.length && json.charCodeAt(at) <= 0x20) at++
  return json.charCodeAt(at) === COLON
}

/** The place behind a text of JSON whose quote stands at `from`. */
export const endOfText = (json: string, from: number): number => {
  let at = from + 1
  while (at < json.length) {
    const unit = json.charCodeAt(at)
    if (unit === QUOTE) return at + 1
    at += unit === BACKSLASH ? 2 : 1
  }
  return at
}
