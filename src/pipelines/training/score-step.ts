import { dirname } from 'node:path'
import { readArtifact } from '../../artifacts/artifact-folder.ts'
import { sqlLiteral, withDatabase } from '../../disk/database.ts'
import { scoreRows } from '../../fitting/score-rows.ts'
import { createScorer } from '../../model/scorer.ts'
import type { Step } from '../../steps/step.ts'

/** The artifact and the test rows -> `predictions.parquet`: probability, decision and risk level of each. */
export const scoreStep: Step = {
  name: 'score',
  activity: 'scoring the test rows',
  inputs: ['package', 'features', 'split', 'read'],
  settings: {},
  module: import.meta.url,
  run: async ({ input, output, signal, database }) => {
    const scorer = createScorer(await readArtifact(dirname(input('package', 'manifest.json'))))
    await withDatabase(database, async (connection) => {
      const rows = `read_parquet(${sqlLiteral(input('read', 'prepared.parquet'))}) POSITIONAL JOIN
        (SELECT part FROM read_parquet(${sqlLiteral(input('split', 'split.parquet'))}))`
      await connection.run(
        `CREATE TEMP TABLE tested AS SELECT arrival, source_row, transaction_id, user_id, event_time_ms, is_fraud
         FROM ${rows} WHERE part = 'test'`,
      )
      await scoreRows(
        connection,
        input('features', 'features.parquet'),
        scorer,
        'transaction_id IN (SELECT transaction_id FROM tested)',
        signal,
      )
      await connection.run(
        `COPY (SELECT tested.* EXCLUDE (arrival), probability, flagged, risk_level
               FROM tested JOIN scores USING (transaction_id) ORDER BY arrival)
         TO ${sqlLiteral(output('predictions.parquet'))} (FORMAT parquet)`,
      )
    })
  },
}
