import { parse } from 'yaml'
import { VigiaError } from '../../errors.ts'

/** What a `meta.yaml` holds. */
export type MetaValue = string | number | null | readonly string[] | Readonly<Record<string, string>>

/**
 * Text of a `meta.yaml`. Every text is quoted as in JSON, which readers of YAML 1.1 and 1.2 take for the
 * same. @throws TRACKING_VALUE_INVALID
 */
export const encodeMeta = (meta: Readonly<Record<string, MetaValue>>): string => {
  for (const [key, value] of Object.entries(meta))
    if (HALF_CHARACTER.test(JSON.stringify(value)))
      throw new VigiaError('TRACKING_VALUE_INVALID', {
        what: 'Text',
        key,
        reason: 'it holds half of a character (a lone surrogate), which no file keeps',
      })
  return Object.entries(meta)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}: ${JSON.stringify(value).replace(CONTROL, escaped)}\n`)
    .join('')
}

/** As JSON writes it. */
const HALF_CHARACTER = /(?<!\\)(?:\\\\)*\\ud[89a-f]/

/** Characters that JSON leaves as they are and YAML does not allow, or takes for ends of lines. */
const CONTROL = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** A `meta.yaml` with every scalar as text: what looks like a number may have more digits than one holds. */
export interface Meta {
  /** undefined where it is missing or null. */
  text(key: string): string | undefined
  /** @throws TRACKING_STORE_BROKEN when it is missing */
  required(key: string): string
  number(key: string): number | undefined
  texts(key: string): Readonly<Record<string, string>>
}

/** @throws TRACKING_STORE_BROKEN */
export const decodeMeta = (text: string, path: string): Meta => {
  const broken = (reason: string) => new VigiaError('TRACKING_STORE_BROKEN', { path, reason })
  let parsed: unknown
  let typed: Readonly<Record<string, unknown>>
  try {
    parsed = parse(text, { schema: 'failsafe' })
    // Tells a missing value from the text "null".
    typed = parse(text, { schema: 'core' })
  } catch (error) {
    throw broken(String((error as Error).message).split('\n')[0] ?? '')
  }
  if (parsed === null || typeof parsed !== 'object') throw broken('it is no list of keys with values')
  const fields = parsed as Readonly<Record<string, unknown>>
  const textOf = (key: string): string | undefined => {
    const value = fields[key]
    return typeof value === 'string' && typed[key] !== null ? value : undefined
  }
  return {
    text: textOf,
    required: (key) => {
      const value = textOf(key)
      if (value === undefined) throw broken(`it has no ${key}`)
      return value
    },
    number: (key) => {
      const value = textOf(key)
      if (value === undefined || value === '') return undefined
      const number = Number(value)
      if (Number.isNaN(number)) throw broken(`${key} is ${value}, no number`)
      return number
    },
    texts: (key) => {
      const value = fields[key]
      return value !== null && typeof value === 'object' && !Array.isArray(value)
        ? (value as Record<string, string>)
        : {}
    },
  }
}
