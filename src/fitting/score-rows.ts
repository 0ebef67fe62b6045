import { DOUBLE, type DuckDBConnection, DuckDBDataChunk, VARCHAR } from '@duckdb/node-api'
import { sqlIdentifier, sqlLiteral } from '../disk/database.ts'
import type { Scorer } from '../model/scorer.ts'

/**
 * Scores every row of a file of features into the table `scores` (transaction_id, probability, flagged,
 * risk_level) of the connection's database, for SQL to join. `where` is an SQL condition on the file's
 * columns.
 */
export const scoreRows = async (
  connection: DuckDBConnection,
  features: string,
  scorer: Scorer,
  where = 'true',
  signal?: AbortSignal,
): Promise<void> => {
  await connection.run(
    'CREATE OR REPLACE TEMP TABLE scores (transaction_id VARCHAR, probability DOUBLE, flagged BOOLEAN, risk_level VARCHAR)',
  )
  await connection.run('CREATE OR REPLACE TEMP TABLE raw_scores (transaction_id VARCHAR, probability DOUBLE)')
  const columns = scorer.featureNames.map((name) => `${sqlIdentifier(name)}::DOUBLE`)
  const result = await connection.stream(
    `SELECT transaction_id, ${columns.join(', ')} FROM read_parquet(${sqlLiteral(features)}) WHERE ${where}`,
  )
  const scored: { ids: string[]; probabilities: Float64Array }[] = []
  for (;;) {
    signal?.throwIfAborted()
    const chunk = await result.fetchChunk()
    if (!chunk || chunk.rowCount === 0) break
    const table = {
      names: scorer.featureNames,
      rowCount: chunk.rowCount,
      columns: columns.map(
        (_, f) => (chunk.getColumnVector(f + 1) as unknown as { readonly items: Float64Array }).items,
      ),
    }
    const probabilities = new Float64Array(chunk.rowCount)
    scorer.scoreMany(table, probabilities)
    scored.push({ ids: chunk.getColumnValues(0) as string[], probabilities })
  }
  const appender = await connection.createAppender('raw_scores')
  for (const { ids, probabilities } of scored) {
    const chunk = DuckDBDataChunk.create([VARCHAR, DOUBLE], ids.length)
    chunk.setColumns([ids, Array.from(probabilities)])
    appender.appendDataChunk(chunk)
  }
  appender.closeSync()
  await connection.run(
    `INSERT INTO scores SELECT transaction_id, probability, probability >= ${scorer.threshold},
       CASE WHEN probability >= ${scorer.riskLevels.critical} THEN 'critical'
            WHEN probability >= ${scorer.riskLevels.high} THEN 'high'
            WHEN probability >= ${scorer.riskLevels.medium} THEN 'medium' ELSE 'low' END
     FROM raw_scores`,
  )
}
