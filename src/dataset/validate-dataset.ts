import type { DuckDBConnection } from '@duckdb/node-api'
import type { LabelsSettings } from '../config/sections/labels.ts'
import type { ValidationSettings } from '../config/sections/validation.ts'
import { sqlLiteral } from '../disk/database.ts'
import { VigiaError } from '../errors.ts'
import { DAY_MS } from '../foundation/days.ts'
import { parseDuration } from '../foundation/duration.ts'
import { attributeColumn, preparedColumns } from '../transaction/attributes.ts'
import { CATEGORY_FIELDS, SOURCE_FIELDS } from '../transaction/fields.ts'
import { PREPARED_COLUMNS, type PreparedColumn, SENT_AMOUNT_COLUMN } from '../transaction/prepared-columns.ts'
import { checkAmounts, checkCurrencies } from './amount-checks.ts'
import { checkAttributes } from './attribute-checks.ts'
import {
  atMost,
  type Check,
  finder,
  forbidden,
  NOTHING_FOUND,
  percent,
  type Subject,
  shareOf,
} from './dataset-check.ts'
import { type DatasetProfile, profileDataset } from './dataset-profile.ts'
import { checkLabelTable } from './labels/label-checks.ts'
import {
  checkClockChanges,
  checkHeader,
  checkLostFrauds,
  checkRepeatedIds,
  checkZone,
  rowsOf,
} from './read-checks.ts'
import type { ReadResult } from './read-source.ts'
import { checkColumns, checkEntities, checkResolution, checkTimeUnit } from './source-checks.ts'
import { checkTables } from './tables/table-checks.ts'
import type { Severity, ValidationCheck, ValidationReport } from './validation-report.ts'

/**
 * Checks a prepared dataset and how it was read against the thresholds of the configuration.
 *
 * "Now" is `validation.as_of`, or the latest event when that is empty: no clock is read, so a report can be
 * repeated. `windows` are those of the features (`features.windows`), which the times must be fine enough
 * for.
 *
 * @throws DATASET_SETTING_INVALID when as_of is no instant or a setting names no column
 */
export const validateDataset = async (
  connection: DuckDBConnection,
  preparedPath: string,
  read: ReadResult,
  settings: ValidationSettings,
  windows: readonly string[] = [],
  unlabelled: LabelsSettings['unlabelled'] = 'unknown',
): Promise<ValidationReport> => {
  const from = `read_parquet(${sqlLiteral(preparedPath)})`
  const types = preparedColumns(read.attributes, read.amounts)
  const profile = await profileDataset(connection, from, mappedColumns(read), types)
  const asOfMs = settings.as_of === '' ? profile.lastEventMs : parseInstant(settings.as_of)
  const subject: Subject = {
    read,
    profile,
    settings,
    windows,
    unlabelled,
    asOfMs,
    find: finder(connection, from, settings.max_examples),
  }
  const checks: ValidationCheck[] = []
  checks.push(await checkSchema(connection, from, types))
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
    zeroAmounts: profile.zeroAmounts,
    refunds: profile.refunds,
    checks,
    failOn: settings.fail_on,
    verdict: failed ? 'failed' : 'passed',
  }
}

const RANK: Readonly<Record<Severity, number>> = { info: 0, warning: 1, error: 2 }

const checkRows: Check = ({ read, settings }) => {
  return [
    {
      id: 'rows.accepted',
      what: 'accepted rows',
      severity: 'error',
      setting: 'validation.min_rows',
      allowed: `at least ${settings.min_rows}`,
      observed: read.acceptedRows,
      ...NOTHING_FOUND,
      passed: read.acceptedRows >= settings.min_rows,
    },
    atMost({
      id: 'rows.quarantined',
      what: 'share of rows quarantined',
      severity: 'error',
      setting: 'max_quarantined_share',
      limit: settings.max_quarantined_share,
      // A row that corrects a label is not lost: its label was taken over.
      rows: read.quarantinedRows - rowsOf(read, 'label_correction'),
      of: read.inputRows,
    }),
    atMost({
      id: 'order.source',
      what: 'share of rows earlier than the row before',
      severity: 'warning',
      setting: 'max_out_of_order_share',
      limit: settings.max_out_of_order_share,
      rows: read.outOfOrderRows,
      of: read.acceptedRows,
    }),
  ]
}

const checkMissing: Check = ({ profile, settings }) =>
  profile.columns
    .filter(
      ({ name, mapped }) =>
        mapped &&
        name in PREPARED_COLUMNS &&
        !isRequired(name) &&
        name !== 'fraud_pattern' &&
        // Most transactions reverse none.
        name !== 'reverses' &&
        name !== 'labelled_at_ms',
    )
    .map(({ name, missing }) => {
      const own = settings.missing_share_by_column[name]
      const setting = own === undefined ? 'max_missing_share' : `missing_share_by_column.${name}`
      return atMost({
        id: `missing.${name}`,
        what: `share of rows without ${name}`,
        severity: 'warning',
        setting,
        limit: own ?? settings.max_missing_share,
        rows: missing,
        of: profile.rows,
      })
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
      ...NOTHING_FOUND,
      passed: age <= parseDuration(settings.max_age),
    },
  ]
}

const checkLabels: Check = async ({ profile, settings, unlabelled, find }) => {
  const judged = unlabelled === 'unknown' ? profile.labelled : profile.rows
  const share = shareOf(profile.fraud, judged)
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
      passed: judged === 0 || (share >= settings.min_fraud_share && share <= settings.max_fraud_share),
    },
    {
      ...forbidden(
        {
          id: 'label.time',
          what: 'labels known before their event',
          severity: 'error',
          setting: null,
        },
        early,
      ),
      observed: early.rows,
    },
  ]
}

/** Columns that name one of few things: many values are a sign of another column. */
const CATEGORIES: readonly string[] = CATEGORY_FIELDS.filter(({ kind }) => kind === 'category').map(
  ({ column }) => column,
)

const checkCardinality: Check = ({ profile, settings }) =>
  profile.columns
    .filter(({ name, mapped }) => mapped && CATEGORIES.includes(name))
    .map(({ name, distinct }) => ({
      id: `cardinality.${name}`,
      what: `distinct values of ${name}`,
      severity: 'warning',
      setting: 'validation.max_categories',
      allowed: `at most ${settings.max_categories}`,
      observed: distinct,
      ...NOTHING_FOUND,
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
      {
        id: `allowed.${column}`,
        what: `values of ${column} outside the list`,
        severity: 'error',
        setting: `validation.allowed_values.${column}`,
      },
      found,
    )
    checks.push({ ...check, allowed: values.join(', ') })
  }
  return checks
}

const checkCoordinates: Check = async ({ find }) => {
  const half = await find('(latitude IS NULL) <> (longitude IS NULL)', "concat(latitude, ' / ', longitude)")
  return [
    forbidden(
      {
        id: 'coordinates.pair',
        what: 'rows with only one of latitude and longitude',
        severity: 'warning',
        setting: null,
      },
      half,
    ),
  ]
}

/** Every check after the schema's, in the order of the report. */
const CHECKS: readonly Check[] = [
  checkHeader,
  checkRows,
  checkLostFrauds,
  checkRepeatedIds,
  checkMissing,
  checkTime,
  checkZone,
  checkClockChanges,
  checkTimeUnit,
  checkResolution,
  checkEntities,
  checkLabels,
  checkLabelTable,
  checkCardinality,
  checkAllowedValues,
  checkAmounts,
  checkCurrencies,
  checkCoordinates,
  checkAttributes,
  checkTables,
  checkColumns,
]

const checkSchema = async (
  connection: DuckDBConnection,
  from: string,
  types: Readonly<Record<string, string>>,
): Promise<ValidationCheck> => {
  const described = await connection.runAndReadAll(`DESCRIBE FROM ${from}`)
  const found = described.getRows().map(([name, type]) => `${name} ${type}`)
  const wanted = Object.entries(types).map(([name, type]) => `${name} ${type.replace(' NOT NULL', '')}`)
  const different = wanted.filter((column) => !found.includes(column))
  return {
    id: 'schema.columns',
    what: 'columns and types of the prepared dataset',
    severity: 'error',
    setting: null,
    allowed: 'those of the transaction schema',
    observed: different.length === 0 ? 'all there' : `not there: ${different.join(', ')}`,
    ...NOTHING_FOUND,
    passed: different.length === 0,
  }
}

/** Prepared columns that the mapping fills. */
const mappedColumns = (read: ReadResult): ReadonlySet<string> => {
  const fields = SOURCE_FIELDS.filter(({ wire }) => read.mapping[wire] !== null)
  const attributes = read.attributes.map(({ name }) => attributeColumn(name))
  return new Set([
    'arrival',
    'source_row',
    SENT_AMOUNT_COLUMN,
    ...fields.map(({ column }) => column),
    ...attributes,
  ])
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
