import { setImmediate } from 'node:timers/promises'
import { type DuckDBConnection, DuckDBDataChunk, VARCHAR } from '@duckdb/node-api'
import { sqlIdentifier, sqlLiteral } from '../disk/database.ts'
import type { Work } from '../disk/work.ts'
import type { ScoreExplainer } from '../model/explain/score-explainer.ts'

export interface ExplainRowsOptions {
  /** Parquet file of features, one row a transaction. */
  readonly features: string
  readonly explainer: ScoreExplainer
  /** Reasons a row, at most. */
  readonly top: number
  readonly work: Pick<Work, 'signal' | 'reportProgress'>
}

/**
 * Tells the strongest reasons that raise the probability of every row into the table `score_reasons`
 * (transaction_id, reasons) of the connection's database: text, joined with `; `, empty where nothing raises
 * it.
 *
 * The rows are read by a connection of their own, so each chunk's texts go to the database, which spills
 * them, before the next chunk is read.
 */
export const explainRows = async (
  connection: DuckDBConnection,
  connect: () => Promise<DuckDBConnection>,
  { features, explainer, top, work }: ExplainRowsOptions,
): Promise<void> => {
  await connection.run('CREATE OR REPLACE TEMP TABLE score_reasons (transaction_id VARCHAR, reasons VARCHAR)')
  const columns = explainer.featureNames.map((name) => `${sqlIdentifier(name)}::DOUBLE`)
  const vector = new Float64Array(columns.length)
  const appender = await connection.createAppender('score_reasons')
  const reader = await connect()
  try {
    const result = await reader.stream(
      `SELECT transaction_id, ${columns.join(', ')} FROM read_parquet(${sqlLiteral(features)})`,
    )
    for (let done = 0; ; ) {
      work.signal.throwIfAborted()
      const chunk = await result.fetchChunk()
      if (!chunk || chunk.rowCount === 0) break
      const values = columns.map(
        (_, f) => (chunk.getColumnVector(f + 1) as unknown as { readonly items: Float64Array }).items,
      )
      const texts: string[] = []
      for (let row = 0; row < chunk.rowCount; row++) {
        for (let f = 0; f < vector.length; f++) vector[f] = values[f]![row]!
        texts.push(raisingTexts(explainer, vector, top))
        if (row % PAUSE_ROWS === PAUSE_ROWS - 1) {
          await setImmediate()
          work.signal.throwIfAborted()
        }
      }
      const told = DuckDBDataChunk.create([VARCHAR, VARCHAR], chunk.rowCount)
      told.setColumns([chunk.getColumnValues(0), texts])
      appender.appendDataChunk(told)
      done += chunk.rowCount
      work.reportProgress({ activity: 'explaining', done, unit: 'rows' })
    }
    appender.closeSync()
  } finally {
    reader.closeSync()
  }
}

/**
 * Rows between looks at the signal: explaining deep forests takes milliseconds a row, and an interruption
 * should not wait.
 */
const PAUSE_ROWS = 64

/** What raises comes first, so the strongest that raise are among the `top` strongest. */
const raisingTexts = (explainer: ScoreExplainer, vector: Float64Array, top: number): string =>
  explainer
    .reasonsOne(vector, top)
    .filter(({ direction }) => direction === 'raises')
    .map(({ text }) => text)
    .join('; ')
