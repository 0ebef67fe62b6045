import type { TableMapping } from '../../transaction/table-mapping.ts'
import { atMost, type Check, NOTHING_FOUND, percent, shareOf } from '../dataset-check.ts'
import { detailOf } from '../read-checks.ts'
import type { ReadTable } from '../read-source.ts'
import type { ValidationCheck } from '../validation-report.ts'
import type { UnusableReason } from './table-query.ts'

const REASONS: Readonly<Record<UnusableReason, string>> = {
  row_malformed: 'is no row of the table',
  key_missing: 'has no key',
  range_invalid: 'has no range that can be read',
  valid_from_missing: 'has no valid_from that can be read (a time without a zone needs source.time_zone)',
  valid_to_not_readable: 'has a valid_to that cannot be read',
  known_from_missing: 'has no known_from that can be read (a time without a zone needs source.time_zone)',
}

/** What is asked of the tables beside the transactions: that they can be read, and that they are found. */
export const checkTables: Check = ({ read: { tables = [], served }, settings }) =>
  tables.flatMap((table) => {
    const { name, found, missing, withoutKey } = table
    const all = found + missing + withoutKey
    const mapping = served?.tables?.find((of) => of.name === name)
    const limit = settings.max_unusable_table_share
    const setting = 'max_unusable_table_share'
    return [
      {
        ...atMost({
          id: `tables.${name}.unusable`,
          what: `share of rows of ${name} that no transaction can find`,
          severity: 'error',
          setting,
          limit,
          rows: table.rows - table.usableRows,
          of: table.rows,
        }),
        ...detailOf(table.unusable.length > 0 && reasonsOf(table)),
      },
      atMost({
        id: `tables.${name}.unreadable`,
        what: `share of rows of ${name} with a value that cannot be read`,
        severity: 'warning',
        setting,
        limit,
        rows: table.unreadableRows,
        of: table.rows,
      }),
      {
        id: `tables.${name}.found`,
        what: `share of transactions that find a row of ${name}`,
        severity: 'error',
        setting: `source.tables.${name}`,
        allowed: 'some',
        observed: shareOf(found, all),
        ...NOTHING_FOUND,
        rows: found,
        passed: found > 0 || all === 0,
        ...detailOf(
          `${missing} find none at their time, ${withoutKey} do not say what it is found by (${percent(shareOf(withoutKey, all))})`,
        ),
      },
      ...checkTimes(table, mapping),
    ]
  })

const checkTimes = (
  { name, takenAsUtc }: ReadTable,
  mapping: TableMapping | undefined,
): readonly ValidationCheck[] => {
  const isTimeless = mapping?.validFrom === undefined && mapping?.range === undefined
  return [
    {
      id: `tables.${name}.time`,
      what: `times in ${name}`,
      severity: 'info',
      setting: `source.tables.${name}.valid_from`,
      allowed: 'valid_from, where values change',
      observed:
        mapping?.range !== undefined ? 'ranges hold always' : isTimeless ? 'none' : 'as of each transaction',
      ...NOTHING_FOUND,
      passed: !isTimeless,
      ...detailOf(
        isTimeless &&
          'every transaction finds the row as it is today: what the bank came to know later, the model learns too early',
      ),
    },
    {
      id: `tables.${name}.zone`,
      what: `times typed without a zone in ${name}`,
      severity: 'warning',
      setting: 'source.time_zone',
      allowed: 'none, or a zone in source.time_zone',
      observed: takenAsUtc.length === 0 ? 'none' : takenAsUtc.join(', '),
      ...NOTHING_FOUND,
      passed: takenAsUtc.length === 0,
      ...detailOf(
        takenAsUtc.length > 0 &&
          'no zone in the data, so it was read as UTC. Set source.time_zone to where it was written, or to UTC if it is',
      ),
    },
  ]
}

const reasonsOf = ({ unusable }: ReadTable): string =>
  unusable
    .map(
      ({ reason, rows, sourceRow }) =>
        `row ${sourceRow} ${REASONS[reason]}${rows > 1 ? `, like ${rows - 1} more` : ''}`,
    )
    .join('; ')
