import { atMost, type Check, NOTHING_FOUND } from '../dataset-check.ts'
import { detailOf } from '../read-checks.ts'

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
