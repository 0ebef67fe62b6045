import { atMost, type Check, NOTHING_FOUND } from '../dataset-check.ts'
import { detailOf } from '../read-checks.ts'
import type { ReadResult } from '../read-source.ts'
import type { ValidationCheck } from '../validation-report.ts'

/** What is asked of `source.labels`: that its rows can be read and are about these transactions. */
export const checkLabelTable: Check = ({ read: { labels }, settings }) => {
  if (labels === undefined) return []
  const { rows, usableRows, unusable, unmatchedRows, transactions, corrected } = labels
  const frauds = unusable.reduce((sum, reason) => sum + reason.frauds, 0)
  const setting = 'max_unusable_table_share'
  const limit = settings.max_unusable_table_share
  return [
    {
      ...atMost({
        id: 'labels.unusable',
        what: 'share of rows of source.labels that cannot be used',
        severity: 'error',
        setting,
        limit,
        rows: rows - usableRows,
        of: rows,
      }),
      ...detailOf(
        unusable.length > 0 &&
          `${unusable.map(({ what, rows: some }) => `${what}: ${some}`).join('; ')}; ${frauds} of them frauds (labels-quarantine.jsonl)`,
      ),
    },
    {
      ...atMost({
        id: 'labels.unmatched',
        what: 'share of rows of source.labels whose transaction is not in the source',
        severity: 'warning',
        setting,
        limit,
        rows: unmatchedRows,
        of: usableRows,
      }),
      ...detailOf(
        unmatchedRows > 0 &&
          'does source.labels.transaction_id name the same ids as source.fields.transaction_id?',
      ),
    },
    ...checkMeaning(labels),
    {
      id: 'labels.told',
      what: 'transactions that source.labels says something of',
      severity: 'info',
      setting: null,
      allowed: 'any',
      observed: `${transactions}, ${corrected} of them corrected`,
      ...NOTHING_FOUND,
      rows: transactions,
      passed: true,
    },
  ]
}

/** Whether the rows are about these transactions, and were known after them. */
const checkMeaning = ({
  isTakenAsUtc,
  usableRows,
  unmatchedRows,
  earlyRows,
}: NonNullable<ReadResult['labels']>): readonly ValidationCheck[] => [
  {
    id: 'labels.found',
    what: 'rows of source.labels whose transaction is in the source',
    severity: 'error',
    setting: 'source.labels.transaction_id',
    allowed: 'at least 1, where there are any',
    observed: usableRows - unmatchedRows,
    ...NOTHING_FOUND,
    passed: usableRows === 0 || unmatchedRows < usableRows,
    ...detailOf(
      usableRows > 0 &&
        unmatchedRows === usableRows &&
        'none of its ids is one of a transaction of the source',
    ),
  },
  {
    id: 'labels.time',
    what: 'rows of source.labels that were known before their transaction',
    severity: 'error',
    setting: 'source.labels.known_at',
    allowed: 'none',
    observed: earlyRows,
    ...NOTHING_FOUND,
    rows: earlyRows,
    passed: earlyRows === 0,
    ...detailOf(
      earlyRows > 0 &&
        'is known_at another time, or written in seconds? epoch_seconds(x) reads those; whole numbers are milliseconds since 1970',
    ),
  },
  {
    id: 'labels.zone',
    what: 'times of source.labels typed without a zone',
    severity: 'warning',
    setting: 'source.time_zone',
    allowed: 'none, or a zone in source.time_zone',
    observed: isTakenAsUtc ? 'known_at' : 'none',
    ...NOTHING_FOUND,
    passed: !isTakenAsUtc,
    ...detailOf(isTakenAsUtc && 'no zone in the data, so it was read as UTC'),
  },
]
