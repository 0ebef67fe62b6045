import type { DuckDBConnection } from '@duckdb/node-api'
import type { ValidationSettings } from '../config/sections/validation.ts'
import { sqlLiteral } from '../disk/database.ts'
import { VigiaError } from '../errors.ts'
import { DAY_MS } from '../foundation/days.ts'
import { parseDuration } from '../foundation/duration.ts'
import { PREPARED_COLUMNS, type PreparedColumn } from '../transaction/prepared-columns.ts'
import { type DatasetProfile, profileDataset } from './dataset-profile.ts'
import type { ReadResult } from './read-source.ts'
import type { CheckExample, Severity, ValidationCheck, ValidationReport } from './validation-report.ts'

/**
 * Checks a prepared dataset and how it was read against the thresholds of the configuration.
 *
 * "Now" is `validation.as_of`, or the latest event when that is empty: no clock is read, so a report can be
 * repeated.
 *
 * @throws DATASET_SETTING_INVALID when as_of is no instant or a setting names no column
 */
export const validateDataset = async (
  connection: DuckDBConnection,
  preparedPath: string,
  read: ReadResult,
  settings: ValidationSettings,
): Promise<ValidationReport> => {
  const from = `read_parquet(${sqlLiteral(preparedPath)})`
  const profile = await profileDataset(connection, from, mappedColumns(read))
  const asOfMs = settings.as_of === '' ? profile.lastEventMs : parseInstant(settings.as_of)
  const subject: Subject = {
    read,
    profile,
    settings,
    asOfMs,
    find: finder(connection, from, settings.max_examples),
  }
  const checks: ValidationCheck[] = []
  checks.push(await checkSchema(connection, from))
  for (const check of CHECKS) checks.push(...(await check(subject)))
  const failed = checks.some((check) => !check.passed && RANK[check.severity] >= RANK[settings.fail_on])
  return {
    version: 1,
    asOf: isoOrNull(asOfMs),
    firstEvent: isoOrNull(profile.firstEventMs),
    lastEvent: isoOrNull(profile.lastEventMs),
    read,
    columns: profile.columns,
    days: mergeDays(profile.days, read.quarantinedByDay),
    amounts: profile.amounts,
    checks,
    failOn: settings.fail_on,
    verdict: failed ? 'failed' : 'passed',
  }
}

const RANK: Readonly<Record<Severity, number>> = { info: 0, warning: 1, error: 2 }

interface Found {
  readonly rows: number
  readonly examples: readonly CheckExample[]
}

interface Subject {
  readonly read: ReadResult
  readonly profile: DatasetProfile
  readonly settings: ValidationSettings
  /** Null when there are no rows and no as_of. */
  readonly asOfMs: number | null
  /** Counts the rows for which `condition` holds and shows the first of them with `value`. */
  readonly find: (condition: string, value: string) => Promise<Found>
}

type Check = (subject: Subject) => Promise<readonly ValidationCheck[]> | readonly ValidationCheck[]

const none: Found = { rows: 0, examples: [] }
const percent = (share: number): string => `${Number((share * 100).toFixed(4))} %`
const shareOf = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)

const checkRows: Check = ({ read, settings }) => {
  const repeated = read.reasons.find(({ code }) => code === 'transaction_id_repeated')?.rows ?? 0
  return [
    {
      id: 'rows.accepted',
      what: 'accepted rows',
      severity: 'error',
      setting: 'validation.min_rows',
      allowed: `at least ${settings.min_rows}`,
      observed: read.acceptedRows,
      ...none,
      passed: read.acceptedRows >= settings.min_rows,
    },
    atMost(
      'rows.quarantined',
      'share of rows quarantined',
      'error',
      'max_quarantined_share',
      settings.max_quarantined_share,
      read.quarantinedRows,
      read.inputRows,
    ),
    atMost(
      'ids.repeated',
      'share of rows that repeat a transaction id',
      'warning',
      'max_repeated_id_share',
      settings.max_repeated_id_share,
      repeated,
      read.inputRows,
    ),
    atMost(
      'order.source',
      'share of rows earlier than the row before',
      'warning',
      'max_out_of_order_share',
      settings.max_out_of_order_share,
      read.outOfOrderRows,
      read.acceptedRows,
    ),
  ]
}

const checkMissing: Check = ({ profile, settings }) =>
  profile.columns
    .filter(
      ({ name, mapped }) =>
        mapped && !isRequired(name) && name !== 'fraud_pattern' && name !== 'labelled_at_ms',
    )
    .map(({ name, missing }) => {
      const own = settings.missing_share_by_column[name]
      const setting = own === undefined ? 'max_missing_share' : `missing_share_by_column.${name}`
      return atMost(
        `missing.${name}`,
        `share of rows without ${name}`,
        'warning',
        setting,
        own ?? settings.max_missing_share,
        missing,
        profile.rows,
      )
    })

const checkTime: Check = async ({ profile, settings, asOfMs, find }) => {
  if (asOfMs === null || profile.lastEventMs === null) return []
  const limit = asOfMs + parseDuration(settings.max_future)
  const age = asOfMs - profile.lastEventMs
  const future = await find(`event_time_ms > ${limit}`, 'epoch_ms(event_time_ms)')
  return [
    {
      id: 'time.future',
      what: 'events after now',
      severity: 'error',
      setting: 'validation.max_future',
      allowed: `none after ${isoOrNull(limit)}`,
      observed: isoOrNull(profile.lastEventMs),
      ...future,
      passed: future.rows === 0,
    },
    {
      id: 'time.fresh',
      what: 'age of the latest event in days',
      severity: 'warning',
      setting: 'validation.max_age',
      allowed: `at most ${settings.max_age}`,
      observed: Math.max(0, age / DAY_MS),
      ...none,
      passed: age <= parseDuration(settings.max_age),
    },
  ]
}

const checkLabels: Check = async ({ profile, settings, find }) => {
  const share = shareOf(profile.fraud, profile.labelled)
  const early = await find('labelled_at_ms < event_time_ms', 'epoch_ms(labelled_at_ms)')
  return [
    {
      id: 'label.known',
      what: 'share of rows with a label',
      severity: 'info',
      setting: null,
      allowed: 'any',
      observed: shareOf(profile.labelled, profile.rows),
      rows: profile.labelled,
      examples: [],
      passed: true,
    },
    {
      id: 'label.share',
      what: 'share of fraud among labelled rows',
      severity: 'warning',
      setting: 'validation.min_fraud_share, validation.max_fraud_share',
      allowed: `${percent(settings.min_fraud_share)} to ${percent(settings.max_fraud_share)}`,
      observed: share,
      rows: profile.fraud,
      examples: [],
      passed:
        profile.labelled === 0 || (share >= settings.min_fraud_share && share <= settings.max_fraud_share),
    },
    {
      ...forbidden('label.time', 'labels known before their event', 'error', null, early),
      observed: early.rows,
    },
  ]
}

const CATEGORIES = ['currency', 'merchant_category', 'transaction_type', 'device_type'] as const

const checkCardinality: Check = ({ profile, settings }) =>
  profile.columns
    .filter(({ name, mapped }) => mapped && (CATEGORIES as readonly string[]).includes(name))
    .map(({ name, distinct }) => ({
      id: `cardinality.${name}`,
      what: `distinct values of ${name}`,
      severity: 'warning',
      setting: 'validation.max_categories',
      allowed: `at most ${settings.max_categories}`,
      observed: distinct,
      ...none,
      passed: (distinct ?? 0) <= settings.max_categories,
    }))

const checkAllowedValues: Check = async ({ settings, find }) => {
  const checks: ValidationCheck[] = []
  for (const [column, values] of Object.entries(settings.allowed_values).sort()) {
    assertColumn(column, 'validation.allowed_values')
    const found = await find(
      `CAST(${column} AS VARCHAR) NOT IN (${values.map(sqlLiteral).join(', ')})`,
      column,
    )
    const check = forbidden(
      `allowed.${column}`,
      `values of ${column} outside the list`,
      'error',
      `validation.allowed_values.${column}`,
      found,
    )
    checks.push({ ...check, allowed: values.join(', ') })
  }
  return checks
}

const checkAmounts: Check = async ({ profile, settings, find }) => {
  const { min_amount: least, max_amount: most, outliers } = settings
  const amount = 'CAST(amount_minor AS DECIMAL(18, 0)) / 100'
  const range = await find(`amount_minor NOT BETWEEN ${least * 100} AND ${most * 100}`, amount)
  const implausible = {
    ...forbidden(
      'range.amount',
      'amounts outside the plausible range',
      'warning',
      'validation.min_amount, validation.max_amount',
      range,
    ),
    allowed: `${least} to ${most}`,
  }
  if (profile.quartiles === null) return [implausible]
  const [lower, median, upper] = profile.quartiles
  const spread = Math.log(upper) - Math.log(lower)
  // 0.6745: the median absolute deviation of a normal distribution in standard deviations (Iglewicz and
  // Hoaglin, 1993).
  const byZ = await find(
    `${profile.logDeviation > 0} AND 0.6745 * abs(ln(amount_minor) - ln(${median})) > ${outliers.robust_z * profile.logDeviation}`,
    amount,
  )
  const byIqr = await find(
    `${spread > 0} AND ln(amount_minor) NOT BETWEEN ${Math.log(lower) - outliers.iqr_factor * spread} AND ${Math.log(upper) + outliers.iqr_factor * spread}`,
    amount,
  )
  const outlier = (id: string, rule: string, found: Found) => ({
    ...atMost(
      id,
      `share of amounts that are outliers by ${rule}`,
      'warning',
      'outliers.max_share',
      outliers.max_share,
      found.rows,
      profile.rows,
    ),
    examples: found.examples,
  })
  return [
    implausible,
    outlier('outliers.robust_z', 'robust z', byZ),
    outlier('outliers.iqr', 'interquartile range', byIqr),
  ]
}

const checkCoordinates: Check = async ({ find }) => {
  const half = await find('(latitude IS NULL) <> (longitude IS NULL)', "concat(latitude, ' / ', longitude)")
  return [
    forbidden('coordinates.pair', 'rows with only one of latitude and longitude', 'warning', null, half),
  ]
}

/** Every check after the schema's, in the order of the report. */
const CHECKS: readonly Check[] = [
  checkRows,
  checkMissing,
  checkTime,
  checkLabels,
  checkCardinality,
  checkAllowedValues,
  checkAmounts,
  checkCoordinates,
]

const checkSchema = async (connection: DuckDBConnection, from: string): Promise<ValidationCheck> => {
  const described = await connection.runAndReadAll(`DESCRIBE FROM ${from}`)
  const found = described.getRows().map(([name, type]) => `${name} ${type}`)
  const wanted = Object.entries(PREPARED_COLUMNS).map(
    ([name, type]) => `${name} ${type.replace(' NOT NULL', '')}`,
  )
  const different = wanted.filter((column) => !found.includes(column))
  return {
    id: 'schema.columns',
    what: 'columns and types of the prepared dataset',
    severity: 'error',
    setting: null,
    allowed: 'those of the transaction schema',
    observed: different.length === 0 ? 'all there' : `not there: ${different.join(', ')}`,
    ...none,
    passed: different.length === 0,
  }
}

const atMost = (
  id: string,
  what: string,
  severity: Severity,
  setting: string,
  limit: number,
  rows: number,
  of: number,
): ValidationCheck => ({
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

const forbidden = (
  id: string,
  what: string,
  severity: Severity,
  setting: string | null,
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

const finder =
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

/** Prepared columns that the mapping fills. */
const mappedColumns = (read: ReadResult): ReadonlySet<string> => {
  const renamed: Readonly<Record<string, string>> = {
    timestamp: 'event_time_ms',
    amount: 'amount_minor',
    labelled_at: 'labelled_at_ms',
  }
  const fields = Object.entries(read.mapping).filter(([, expression]) => expression !== null)
  return new Set(['arrival', 'source_row', ...fields.map(([field]) => renamed[field] ?? field)])
}

const isRequired = (name: string): boolean => PREPARED_COLUMNS[name as PreparedColumn].endsWith('NOT NULL')

const assertColumn = (name: string, setting: string): void => {
  if (name in PREPARED_COLUMNS) return
  throw new VigiaError('DATASET_SETTING_INVALID', {
    setting,
    got: name,
    allowed: Object.keys(PREPARED_COLUMNS).join(', '),
  })
}

const parseInstant = (text: string): number => {
  const instant = /T.*(Z|[+-]\d{2}:?\d{2})$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(instant))
    throw new VigiaError('DATASET_SETTING_INVALID', {
      setting: 'validation.as_of',
      got: text,
      allowed: 'an ISO 8601 instant with zone such as 2026-01-31T00:00:00Z',
    })
  return instant
}

const isoOrNull = (instantMs: number | null): string | null =>
  instantMs === null ? null : new Date(instantMs).toISOString()

const mergeDays = (
  accepted: DatasetProfile['days'],
  quarantined: ReadResult['quarantinedByDay'],
): ValidationReport['days'] => {
  const empty = { accepted: 0, labelled: 0, fraud: 0 }
  const known = new Map(accepted.map((day) => [day.dayMs, day]))
  const bad = new Map(quarantined.map(({ dayMs, rows }) => [dayMs, rows]))
  return [...new Set([...known.keys(), ...bad.keys()])]
    .sort((a, b) => a - b)
    .map((dayMs) => ({ ...empty, ...known.get(dayMs), dayMs, quarantined: bad.get(dayMs) ?? 0 }))
}
