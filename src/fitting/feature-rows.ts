import type { DuckDBConnection } from '@duckdb/node-api'
import { sqlIdentifier, sqlLiteral } from '../disk/database.ts'
import { planFeatures } from '../features/feature-plan.ts'
import type { FeatureSettings } from '../features/feature-settings.ts'
import type { FeatureTable } from '../learning/feature-table.ts'

/** Rows of one part of a split: features, and what judging needs. One entry a row, in arrival order. */
export interface FeatureRows {
  /** Its columns lie in memory that threads can share. */
  readonly table: FeatureTable
  /** 1 fraud, 0 genuine. In memory that threads can share. */
  readonly labels: Uint8Array
  /** What each row counts for in training, above 0; absent: once. In memory that threads can share. */
  readonly weights?: Float64Array
  readonly eventTimesMs: Float64Array
  /** As they came, before cleaning. */
  /** Without their signs: a refund that is a fraud costs what it gives away. */
  readonly amountsMinor: Float64Array
  /** Each transaction is its own user where the bank knows none. */
  readonly userIds: readonly string[]
  readonly transactionIds: readonly string[]
}

/** Parquet files of the same rows in the same order. */
export interface FeatureFiles {
  readonly features: string
  /** Which part each row is in. */
  readonly split: string
  /** The rows as they came, before cleaning. */
  readonly prepared: string
}

/**
 * Names of the features whose values are codes without an order, of all that are computed with these
 * settings.
 */
export const categoricalNames = (settings: FeatureSettings): readonly string[] =>
  planFeatures(settings)
    .features.filter(({ feature }) => 'kind' in feature && feature.kind === 'categorical')
    .map(({ feature }) => feature.name)

/**
 * The rows of `part`, with the features `names` in their order. Every row of a part has a label.
 * Memory: 8 bytes a value.
 */
export const readFeatureRows = async (
  connection: DuckDBConnection,
  files: FeatureFiles,
  part: string,
  names: readonly string[],
  categorical: readonly string[] = [],
): Promise<FeatureRows> => {
  const from = `read_parquet(${sqlLiteral(files.features)}) f
    POSITIONAL JOIN (FROM read_parquet(${sqlLiteral(files.split)})) s
    POSITIONAL JOIN (SELECT amount_minor FROM read_parquet(${sqlLiteral(files.prepared)})) p
    WHERE s.part = ${sqlLiteral(part)}`
  const counted = await connection.runAndReadAll(`SELECT count(*)::DOUBLE FROM ${from}`)
  const rowCount = counted.getRows()[0]?.[0] as number
  const columns = names.map(() => sharedNumbers(rowCount))
  const labels = new Uint8Array(new SharedArrayBuffer(rowCount))
  const eventTimesMs = new Float64Array(rowCount)
  const amountsMinor = new Float64Array(rowCount)
  const userIds: string[] = []
  const transactionIds: string[] = []
  const weights = (await isWeighted(connection, files.split)) ? sharedNumbers(rowCount) : undefined
  const numbers = ['f.event_time_ms', 'f.is_fraud', 'abs(p.amount_minor)']
    .concat(names.map((name) => `f.${sqlIdentifier(name)}`))
    .concat(weights === undefined ? [] : ['s.weight'])
    .map((column) => `${column}::DOUBLE`)
  const result = await connection.stream(
    `SELECT coalesce(f.user_id, f.transaction_id), f.transaction_id, ${numbers.join(', ')} FROM ${from}`,
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
    amountsMinor.set(items(4), row)
    columns.forEach((column, f) => {
      column.set(items(5 + f), row)
    })
    weights?.set(items(5 + names.length), row)
    row += chunk.rowCount
  }
  return {
    table: { names, rowCount, columns, categorical: categorical.filter((name) => names.includes(name)) },
    labels,
    ...(weights !== undefined && { weights }),
    eventTimesMs,
    amountsMinor,
    userIds,
    transactionIds,
  }
}

/** Whether a split says what its rows count for. */
const isWeighted = async (connection: DuckDBConnection, split: string): Promise<boolean> => {
  const found = await connection.runAndReadAll(
    `SELECT count(*)::DOUBLE FROM parquet_schema(${sqlLiteral(split)}) WHERE name = 'weight'`,
  )
  return found.getRows()[0]![0] === 1
}

const sharedNumbers = (length: number): Float64Array =>
  new Float64Array(new SharedArrayBuffer(length * Float64Array.BYTES_PER_ELEMENT))
