import type { DuckDBConnection } from '@duckdb/node-api'
import { sqlIdentifier, sqlLiteral } from '../../dataset/database.ts'
import type { FeatureTable } from '../../learning/feature-table.ts'

/** Rows of one part of a split: features, and what judging needs. One entry a row, in arrival order. */
export interface FeatureRows {
  readonly table: FeatureTable
  /** 1 fraud, 0 genuine. */
  readonly labels: Uint8Array
  readonly eventTimesMs: Float64Array
  readonly userIds: readonly string[]
  readonly transactionIds: readonly string[]
}

/**
 * The rows of `part` from a file of features and the split of the same rows (both in arrival order). Every row of a part has a label.
 * Memory: 8 bytes a value.
 */
export const readFeatureRows = async (
  connection: DuckDBConnection,
  features: string,
  split: string,
  part: string,
  names: readonly string[],
): Promise<FeatureRows> => {
  const from = `read_parquet(${sqlLiteral(features)}) f POSITIONAL JOIN read_parquet(${sqlLiteral(split)}) s
    WHERE s.part = ${sqlLiteral(part)}`
  const counted = await connection.runAndReadAll(`SELECT count(*)::DOUBLE FROM ${from}`)
  const rowCount = counted.getRows()[0]?.[0] as number
  const columns = names.map(() => new Float64Array(rowCount))
  const labels = new Uint8Array(rowCount)
  const eventTimesMs = new Float64Array(rowCount)
  const userIds: string[] = []
  const transactionIds: string[] = []
  const numbers = ['event_time_ms', 'is_fraud', ...names].map((name) => `f.${sqlIdentifier(name)}::DOUBLE`)
  const result = await connection.stream(
    `SELECT f.user_id, f.transaction_id, ${numbers.join(', ')} FROM ${from}`,
  )
  let row = 0
  for (;;) {
    const chunk = await result.fetchChunk()
    if (!chunk || chunk.rowCount === 0) break
    const items = (index: number) =>
      (chunk.getColumnVector(index) as unknown as { readonly items: Float64Array }).items
    userIds.push(...(chunk.getColumnValues(0) as string[]))
    transactionIds.push(...(chunk.getColumnValues(1) as string[]))
    eventTimesMs.set(items(2), row)
    labels.set(items(3), row)
    columns.forEach((column, f) => {
      column.set(items(4 + f), row)
    })
    row += chunk.rowCount
  }
  return { table: { names, rowCount, columns }, labels, eventTimesMs, userIds, transactionIds }
}
