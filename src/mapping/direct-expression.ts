import { MONEY_TEXT } from '../dataset/mapping-macros.ts'
import { trimBlanks } from '../transaction/read-fields.ts'
import { INTEGER_TYPE, type SentText } from './sent-values.ts'

/**
 * What a field or attribute is, as far as it decides how its value is read; `measure` is an amount or a
 * coordinate, of which NaN is none.
 */
export type ValueKind = 'text' | 'number' | 'measure' | 'boolean' | 'time'

/** What a request would write for a value; undefined and null: it is missing. */
export type Written = string | number | boolean | null | undefined

/** An expression that JavaScript computes, exactly as SQL does. */
export interface DirectExpression {
  /** The name of the column that it reads; undefined: it is constant. */
  readonly column: string | undefined
  readonly compute: (text: SentText) => Written
}

/**
 * The expression in JavaScript, where it is a column, a constant text, or one of some macros over a column of
 * text; undefined for all other SQL.
 *
 * What is computed is what a request would write, so that the rules of requests go on from there: they are
 * those of files, and a law holds the two together.
 */
export const directExpression = (
  expression: string,
  kind: ValueKind,
  timeZone: string,
  typeOf: (column: string) => string | undefined,
): DirectExpression | undefined => {
  const constant = CONSTANT.exec(expression)
  if (constant !== null) {
    const text = constant[1]!.replaceAll("''", "'")
    const written = kind === 'time' ? localTime(timeZone)?.(text) : text
    return written === undefined ? undefined : { column: undefined, compute: () => written }
  }
  const call = CALL.exec(expression)
  const macro = call === null ? undefined : MACROS[call[1]!.toLowerCase()]
  if (call !== null && macro === undefined) return undefined
  const column = columnOf(call === null ? expression : call[2]!)
  const type = column === undefined ? undefined : typeOf(column)
  if (column === undefined || type === undefined) return undefined
  if (macro !== undefined && type !== 'VARCHAR') return undefined
  const read = readerOf(type, kind, timeZone)
  if (read === undefined) return undefined
  const before: (text: string) => SentText = macro ?? ((text) => text)
  return {
    column,
    compute: (text) => {
      const value = text === null ? null : before(text)
      return value === null ? null : read(value)
    },
  }
}

const CONSTANT = /^\s*'((?:[^'\0]|'')*)'\s*$/
const CALL = /^\s*(\w+)\s*\(\s*("(?:[^"]|"")+"|[A-Za-z_]\w*)\s*\)\s*$/
const WORD = /^[A-Za-z_]\w*$/
/** Words that are values whatever columns there are. */
const VALUES = /^(null|true|false|current_\w+|localtime\w*)$/i
const QUOTED = /^"((?:[^"]|"")+)"$/

/**
 * The column that an expression names. Without quotes only as the argument of a macro, where no word of SQL
 * can stand for something else.
 */
const columnOf = (text: string): string | undefined => {
  const quoted = QUOTED.exec(text.trim())
  if (quoted !== null) return quoted[1]!.replaceAll('""', '"')
  return WORD.test(text) && !VALUES.test(text) ? text : undefined
}

/** How the text of a column of that type is written in a request; undefined where only SQL knows. */
const readerOf = (
  type: string,
  kind: ValueKind,
  timeZone: string,
): ((text: string) => Written) | undefined => {
  if (type === 'VARCHAR') return kind === 'time' ? localTime(timeZone) : (text) => text
  if (INTEGER_TYPE.test(type))
    return type.endsWith('HUGEINT') ? undefined : (text) => String(BigInt(text.replace(/\..*$|^\+/g, '')))
  if (type === 'BOOLEAN' && kind !== 'measure' && kind !== 'time')
    return kind === 'text' ? (text) => (isTrue(text) ? 'true' : 'false') : (text) => isTrue(text)
  // Text of a fraction is for SQL to write.
  if (type === 'DOUBLE' && kind !== 'text') return ofDouble(kind)
  return undefined
}

const isTrue = (text: string): boolean => text.toLowerCase() === 'true' || text === '1'

/** NaN is a missing number; but no amount. */
const ofDouble =
  (kind: ValueKind) =>
  (text: string): Written => {
    if (/nan$/i.test(text)) return kind === 'measure' ? 'nan' : null
    const number = /inf(inity)?$/i.test(text) ? Number.POSITIVE_INFINITY : Number(text)
    return Number.isFinite(number) ? number : 'Infinity'
  }

const NAIVE = /^[ \t\n\f\r]*(\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?)[ \t\n\f\r]*$/

/** A time without a zone is of the source's: in UTC it says so from here on, of other zones SQL knows. */
const localTime = (timeZone: string): ((text: string) => string) | undefined => {
  if (timeZone === '') return (text) => text
  if (timeZone !== 'UTC') return undefined
  return (text) => {
    const naive = NAIVE.exec(text)
    return naive === null ? text : `${naive[1]}Z`
  }
}

const MONEY = new RegExp(`^(?:${MONEY_TEXT})$`)
const YES: ReadonlySet<string> = new Set(['yes', 'y', 'true', 't', '1'])
const NO: ReadonlySet<string> = new Set(['no', 'n', 'false', 'f', '0'])

/** Macros as `mapping-macros.ts` has them in SQL; a law compares the two. */
const MACROS: Readonly<Record<string, (text: string) => SentText>> = {
  decimal_comma: (text) => trimBlanks(text).replaceAll('.', '').replaceAll(' ', '').replaceAll(',', '.'),
  decimal_point: (text) => trimBlanks(text).replaceAll(',', '').replaceAll(' ', ''),
  money: (text) => {
    if (!MONEY.test(trimBlanks(text))) return text
    return `${/[-(]/.test(text) ? '-' : ''}${text.replace(/[^0-9.]/g, '')}`
  },
  yes_no: (text) => {
    const word = trimBlanks(text).toLowerCase()
    return YES.has(word) ? '1' : NO.has(word) ? '0' : text
  },
  blank_to_null: (text) => trimBlanks(text) || null,
}
