import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { withDatabase } from '../disk/database.ts'
import { judgedLabelSql, knownLabelSql } from './unlabelled.ts'

const ROWS =
  '(VALUES (0, 1), (0, NULL), (0, 0), (5, NULL), (6, NULL), (9, 1), (15, NULL)) AS t(event_time_ms, is_fraud)'

const NOTHING_DONE = [1, null, 0, null, null, 1, null]

test.each([
  [undefined, NOTHING_DONE, NOTHING_DONE],
  ['unknown', NOTHING_DONE, NOTHING_DONE],
  // The delay has passed by the last transaction, at 15, for those up to 5; after it frauds alone are known.
  ['genuine_after_delay', [1, 0, 0, 0, null, 1, null], [1, 0, 0, 0, null, null, null]],
] as const)(
  'what the end of the data knows where a row without a label is %s, and what parts are made of',
  async (unlabelled, known, judged) => {
    const labels = { delay: '10ms', ...(unlabelled !== undefined && { unlabelled }) }
    const settings = { threads: 1, memoryLimit: '100MB', tempDirectory: join(tmpdir(), 'vigia-spill') }
    const found = await withDatabase(settings, async (connection) =>
      (
        await connection.runAndReadAll(
          `SELECT ${knownLabelSql(labels, ROWS)}, ${judgedLabelSql(labels, ROWS)} FROM ${ROWS}`,
        )
      ).getRows(),
    )
    expect(found).toEqual(known.map((label, row) => [label, judged[row]]))
  },
)
