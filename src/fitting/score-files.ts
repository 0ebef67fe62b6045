import type { DuckDBConnection } from '@duckdb/node-api'
import type { ReadResult } from '../dataset/read-source.ts'
import { sqlLiteral } from '../disk/database.ts'
import { writeAtomically } from '../disk/write-atomically.ts'
import { VigiaError } from '../errors.ts'
import type { ResultColumn } from '../ports/bank-database.ts'

const FORMATS = {
  '.csv': 'FORMAT csv, HEADER true',
  '.csv.gz': 'FORMAT csv, HEADER true, COMPRESSION gzip',
  '.parquet': 'FORMAT parquet',
} as const

/** How DuckDB writes a file of this name. @throws DATASET_OUTPUT_FORMAT */
export const scoreFormatOf = (out: string): string => {
  const ending = (Object.keys(FORMATS) as (keyof typeof FORMATS)[]).find((name) => out.endsWith(name))
  if (ending === undefined) {
    throw new VigiaError('DATASET_OUTPUT_FORMAT', { path: out, allowed: Object.keys(FORMATS).join(', ') })
  }
  return FORMATS[ending]
}

/** The columns of a table of scores, by `transaction_id`; `reasons` only where they are asked for. */
export const RESULT_COLUMNS: readonly ResultColumn[] = [
  { name: 'transaction_id', type: 'text' },
  { name: 'probability', type: 'double' },
  { name: 'flagged', type: 'boolean' },
  { name: 'risk_level', type: 'text' },
  { name: 'review', type: 'boolean' },
  { name: 'reason', type: 'text' },
  { name: 'reasons', type: 'text' },
]

interface ScoredInput {
  readonly prepared: string
  readonly quarantine: string
  readonly read: ReadResult
  /** The table `score_reasons` is there to join. */
  readonly withReasons: boolean
  /** Absent: no file is written. */
  readonly out: { readonly path: string; readonly format: string } | undefined
}

/**
 * The table `answers` of the connection, a row for each row of the input, and its file: from the tables
 * `scores` and `score_reasons`.
 *
 * @throws DATASET_ROWS_LOST
 */
export const writeScores = async (
  connection: DuckDBConnection,
  { prepared, quarantine, read, withReasons, out }: ScoredInput,
): Promise<{
  readonly rows: number
  readonly scored: number
  readonly flagged: number
  readonly review: number
}> => {
  const rejected =
    read.quarantinedRows === 0
      ? ''
      : `UNION ALL SELECT source_row,
           CASE WHEN reasons[1].code IN ('transaction_id_repeated', 'label_correction') THEN reasons[1].got END,
           list_transform(reasons, lambda reason: reason.what).array_to_string('; ')
         FROM read_json(${sqlLiteral(quarantine)}, format = 'newline_delimited',
           columns = {source_row: 'BIGINT', reasons: 'STRUCT(code VARCHAR, what VARCHAR, got VARCHAR)[]'})`
  await connection.run(
    `CREATE TEMP TABLE answers AS
     SELECT source_row, transaction_id, probability, flagged, risk_level,
       flagged OR risk_level IN ('high', 'critical') AS review, reason${withReasons ? ', reasons' : ''}
     FROM (SELECT source_row, transaction_id, NULL::VARCHAR AS reason FROM read_parquet(${sqlLiteral(prepared)}) ${rejected})
     LEFT JOIN scores USING (transaction_id)
     ${withReasons ? 'LEFT JOIN score_reasons USING (transaction_id)' : ''}`,
  )
  const counted = await connection.runAndReadAll(
    'SELECT count(*)::DOUBLE, count(probability)::DOUBLE, count_if(flagged)::DOUBLE, count_if(review)::DOUBLE FROM answers',
  )
  const [rows, scored, flagged, review] = counted.getRows()[0] as [number, number, number, number]
  if (rows !== read.inputRows) {
    throw new VigiaError('DATASET_ROWS_LOST', {
      input: read.inputRows,
      accepted: rows - read.quarantinedRows,
      quarantined: read.quarantinedRows,
    })
  }
  if (out !== undefined)
    await writeAtomically(out.path, (path) =>
      connection.run(
        `COPY (SELECT * FROM answers ORDER BY source_row) TO ${sqlLiteral(path)} (${out.format})`,
      ),
    )
  return { rows, scored, flagged, review }
}

/**
 * `answers` as a CSV file with the columns of a table: a row for each transaction, the first of those of one
 * id. Answers how many rows have no id that could be read, and so are left out.
 */
export const writeKeyed = async (
  connection: DuckDBConnection,
  path: string,
  withReasons: boolean,
): Promise<number> => {
  const names = RESULT_COLUMNS.map(({ name }) => name).filter((name) => name !== 'reasons' || withReasons)
  await connection.run(
    `COPY (SELECT ${names.join(', ')} FROM answers WHERE transaction_id IS NOT NULL
           QUALIFY row_number() OVER (PARTITION BY transaction_id ORDER BY source_row) = 1 ORDER BY source_row)
     TO ${sqlLiteral(path)} (${FORMATS['.csv']})`,
  )
  const counted = await connection.runAndReadAll(
    'SELECT count_if(transaction_id IS NULL)::DOUBLE FROM answers',
  )
  return Number(counted.getRows()[0]![0])
}
