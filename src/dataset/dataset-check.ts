import type { DuckDBConnection } from '@duckdb/node-api'
import type { LabelsSettings } from '../config/sections/labels.ts'
import type { ValidationSettings } from '../config/sections/validation.ts'
import type { DatasetProfile } from './dataset-profile.ts'
import type { ReadResult } from './read-source.ts'
import type { CheckExample, ValidationCheck } from './validation-report.ts'

/** Rows for which something holds. */
export interface Found {
  readonly rows: number
  /** The first of them. */
  readonly examples: readonly CheckExample[]
}

export const NOTHING_FOUND: Found = { rows: 0, examples: [] }

/** What checks look at. */
export interface Subject {
  readonly read: ReadResult
  readonly profile: DatasetProfile
  readonly settings: ValidationSettings
  /** The windows of the features, as durations; none when nobody asks. */
  readonly windows: readonly string[]
  /** What rows without a label are. */
  readonly unlabelled: LabelsSettings['unlabelled']
  /** Null when there are no rows and no as_of. */
  readonly asOfMs: number | null
  /** Counts the rows for which `condition` holds and shows the first of them with `value`; both are SQL. */
  readonly find: (condition: string, value: string) => Promise<Found>
}

/** Asks one or more questions of the data. */
export type Check = (subject: Subject) => Promise<readonly ValidationCheck[]> | readonly ValidationCheck[]

export const percent = (share: number): string => `${Number((share * 100).toFixed(4))} %`

/** 0 of nothing. */
export const shareOf = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)

/** The question that a check asks: its id, its subject in words, how much a failure weighs. */
type Question = Pick<ValidationCheck, 'id' | 'what' | 'severity'>

/** A share of rows that a setting of `validation` limits. */
export interface ShareLimit extends Question {
  /** Path below `validation`. */
  readonly setting: string
  /** Largest share that passes, 0 to 1. */
  readonly limit: number
  /** How many rows it concerns, of how many. */
  readonly rows: number
  readonly of: number
}

/** Passes while `rows` are at most the share `limit` of all. */
export const atMost = ({ id, what, severity, setting, limit, rows, of }: ShareLimit): ValidationCheck => ({
  id,
  what,
  severity,
  setting: `validation.${setting}`,
  allowed: `at most ${percent(limit)}`,
  observed: shareOf(rows, of),
  rows,
  examples: [],
  passed: shareOf(rows, of) <= limit,
})

/** Passes when nothing was found; `setting` is null where no setting has a say. */
export const forbidden = (
  { id, what, severity, setting }: Question & Pick<ValidationCheck, 'setting'>,
  found: Found,
): ValidationCheck => ({
  id,
  what,
  severity,
  setting,
  allowed: 'none',
  observed: found.rows,
  ...found,
  passed: found.rows === 0,
})

/** `Subject.find` on the relation `from`, with at most `most` examples. */
export const finder =
  (connection: DuckDBConnection, from: string, most: number): Subject['find'] =>
  async (condition, value) => {
    const counted = await connection.runAndReadAll(`SELECT count(*) FROM ${from} WHERE ${condition}`)
    const rows = Number(counted.getRows()[0]![0])
    if (rows === 0 || most === 0) return { rows, examples: [] }
    const shown = await connection.runAndReadAll(
      `SELECT source_row, CAST(${value} AS VARCHAR) FROM ${from} WHERE ${condition} ORDER BY source_row LIMIT ${most}`,
    )
    return {
      rows,
      examples: shown.getRows().map(([row, text]) => ({ sourceRow: Number(row), value: String(text) })),
    }
  }
