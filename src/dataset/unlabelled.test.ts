import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { withDatabase } from '../disk/database.ts'
import { knownLabelSql } from './unlabelled.ts'

const ROWS =
  '(VALUES (0, 1), (0, NULL), (0, 0), (5, NULL), (6, NULL), (9, 1), (15, NULL)) AS t(event_time_ms, is_fraud)'

test.each([
  [undefined, [1, null, 0, null, null, 1, null]],
  ['unknown', [1, null, 0, null, null, 1, null]],
  // The delay has passed by the last transaction, at 15, for those up to 5.
  ['genuine_after_delay', [1, 0, 0, 0, null, 1, null]],
] as const)(
  'what the end of the data knows where a row without a label is %s',
  async (unlabelled, expected) => {
    const labels = { delay: '10ms', ...(unlabelled !== undefined && { unlabelled }) }
    const settings = { threads: 1, memoryLimit: '100MB', tempDirectory: join(tmpdir(), 'vigia-spill') }
    const found = await withDatabase(settings, async (connection) =>
      (await connection.runAndReadAll(`SELECT ${knownLabelSql(labels, ROWS)} FROM ${ROWS}`)).getRows(),
    )
    expect(found.flat()).toEqual(expected)
  },
)
