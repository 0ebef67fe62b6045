import type { InferencePipeline } from '../../decisions/inference-pipeline.ts'
import { type Disambiguation, instantOfLocal } from '../../foundation/local-instant.ts'
import { createTimeZone, isTimeZone, type TimeZone } from '../../foundation/time-zone.ts'
import { TRANSACTION_FIELDS } from '../../transaction/fields.ts'

/**
 * Takes values as libraries of data frames write them for those of a transaction: the text `NaT` of a time is
 * missing, and a time without a zone is of the zone that training read such times in (`source.time_zone`),
 * where it read any. Everything else stays as it is.
 *
 * @param rows transactions, their attributes nested; what is no object stays as it is
 * @param areTexts rows of CSV, where the words NaN and NaT of a number, a boolean or a time are missing too
 */
export type ReadFrameRows = (rows: readonly unknown[], areTexts?: boolean) => readonly unknown[]

type Row = Readonly<Record<string, unknown>>
type ReadValue = (value: unknown) => unknown

export const createFrameReader = (pipeline: Pick<InferencePipeline, 'shape' | 'mapping'>): ReadFrameRows => {
  const zones = createZones()
  return (rows, areTexts = false) => {
    const { mapping: served, shape } = pipeline
    const times = 'mapping' in served ? served.mapping : undefined
    const zone = zones(times?.timeZone ?? '', rows.length)
    const readTime = timeReader(zone, times?.disambiguation ?? 'later', areTexts ? WORDS : /^NaT$/)
    const readers: Readonly<Record<string, ReadValue | undefined>> = {
      time: readTime,
      ...(areTexts && { number: withoutWords, amount: withoutWords, coordinate: withoutWords }),
      ...(areTexts && { boolean: withoutWords }),
    }
    const ofFields = readersOf(
      TRANSACTION_FIELDS.map(({ wire, kind }) => [wire, kind]),
      readers,
    )
    const ofAttributes = readersOf(
      shape.attributes.map(({ name, kind }) => [name, kind]),
      readers,
    )
    return rows.map((row) => {
      if (!isRecord(row)) return row
      const read = withValues(row, ofFields)
      const { attributes } = row
      return isRecord(attributes) ? { ...read, attributes: withValues(attributes, ofAttributes) } : read
    })
  }
}

const isRecord = (value: unknown): value is Row =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const readersOf = (
  kinds: readonly (readonly [name: string, kind: string])[],
  readers: Readonly<Record<string, ReadValue | undefined>>,
): readonly (readonly [name: string, read: ReadValue])[] =>
  kinds.flatMap(([name, kind]) => {
    const read = readers[kind]
    return read === undefined ? [] : [[name, read] as const]
  })

const withValues = (row: Row, readers: readonly (readonly [name: string, read: ReadValue])[]): Row => {
  const changed = readers.flatMap(([name, read]) => {
    if (!Object.hasOwn(row, name)) return []
    const value = read(row[name])
    return value === row[name] ? [] : [[name, value] as const]
  })
  return changed.length === 0 ? row : { ...row, ...Object.fromEntries(changed) }
}

const WORDS = /^\s*(nan|nat)\s*$/i

const withoutWords: ReadValue = (value) => (typeof value === 'string' && WORDS.test(value) ? null : value)

const NAIVE = /^\s*(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(\.\d{1,9})?\s*$/

const timeReader =
  (zone: TimeZone | undefined, disambiguation: Disambiguation, missing: RegExp): ReadValue =>
  (value) => {
    if (typeof value !== 'string') return value
    if (missing.test(value)) return null
    const naive = zone === undefined ? null : NAIVE.exec(value)
    if (naive === null) return value
    const [, day, time, fraction = '.0'] = naive
    const localMs = Date.parse(`${day}T${time}${fraction.slice(0, 4)}Z`)
    // What no calendar has is told by whoever reads the transaction.
    if (Number.isNaN(localMs) || !isoText(localMs).startsWith(String(day))) return value
    const instant = instantOfLocal(localMs, zone!, disambiguation)
    return instant === undefined ? value : isoText(instant)
  }

const isoText = (ms: number): string => new Date(ms).toISOString()

/**
 * A zone remembers each quarter of an hour that it was asked for, and whoever sends times says which: after
 * so many rows another one begins.
 */
const MOST_ROWS = 10_000

/** The zone of a name; undefined where there is none, or none that this runtime knows. */
const createZones = (): ((name: string, rows: number) => TimeZone | undefined) => {
  let zone: TimeZone | undefined
  let left = 0
  return (name, rows) => {
    if (name === '') return undefined
    if (zone?.name !== name || left <= 0) {
      zone = isTimeZone(name) ? createTimeZone(name) : undefined
      left = MOST_ROWS
    }
    left -= rows
    return zone
  }
}
