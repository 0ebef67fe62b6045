import type { DuckDBConnection } from '@duckdb/node-api'
import type { LabelsSettings } from '../../config/sections/labels.ts'
import { sqlLiteral } from '../../disk/database.ts'

/** What a service's log says of a decision by which its row counts for more or less than one. */
export interface DecisionMark {
  /** As it was answered; `review`: not flagged, and drawn by the control sample. */
  readonly decision: 'flag' | 'let_through' | 'review'
  /** Chance that it had to be drawn; null where it had none. */
  readonly propensity: number | null
  /** Who told its latest label; null where nobody knows one. */
  readonly toldBy: 'alert' | 'customer' | 'sample' | null
}

/**
 * What a row counts for in training: 0, it is left out.
 *
 * `labels.flagged: blocked`: nobody learns the truth of what was blocked, so that its label, where there is
 * one, is not to be believed (censored). Rows that could have been let through are stood for by those that
 * were: each counts for 1 / propensity. Rows that could not are left out, unless somebody told their label.
 *
 * `labels.unlabelled: unknown`: of what was not flagged only frauds are told by customers; rows drawn for
 * review stand for all of which nobody tells, at 1 / propensity. A row that a customer told of counts once,
 * drawn or not: it would have been there anyway (the single-frame weight of Kalton and Anderson 1986).
 */
export const rowWeight = (
  { decision, propensity, toldBy }: DecisionMark,
  { flagged, unlabelled }: Pick<LabelsSettings, 'flagged' | 'unlabelled'>,
): number => {
  if (decision === 'review')
    return unlabelled !== 'genuine_after_delay' && toldBy === 'sample' ? 1 / propensity! : 1
  if (flagged !== 'blocked') return 1
  if (decision === 'let_through') return 1 / propensity!
  return propensity === null && toldBy !== null ? 1 : 0
}

/** Names and types of a file of marks: JSON lines, one for each decision that has one. */
const MARK_COLUMNS =
  "{transaction_id: 'VARCHAR', decision: 'VARCHAR', propensity: 'DOUBLE', told_by: 'VARCHAR'}"

/** What rows of a log count for, and how many were flagged without a word. */
export interface RowWeights {
  /** By `arrival`; 1 for rows without a mark. */
  readonly weights: Float64Array
  /** Flagged rows of which nobody has told a label. */
  readonly untold: number
}

/**
 * What each row of a prepared dataset counts for.
 *
 * @param marks JSON lines with `transaction_id`, `decision`, `propensity` and `told_by`
 */
export const readRowWeights = async (
  connection: DuckDBConnection,
  prepared: string,
  marks: string,
  labels: LabelsSettings,
  rows: number,
): Promise<RowWeights> => {
  const weights = new Float64Array(rows).fill(1)
  let untold = 0
  const result = await connection.stream(
    `SELECT arrival::DOUBLE, decision, propensity, told_by
     FROM read_parquet(${sqlLiteral(prepared)})
     JOIN read_json(${sqlLiteral(marks)}, format = 'newline_delimited', columns = ${MARK_COLUMNS}) USING (transaction_id)`,
  )
  for (;;) {
    const chunk = await result.fetchChunk()
    if (chunk === null || chunk.rowCount === 0) return { weights, untold }
    for (const [arrival, decision, propensity, toldBy] of chunk.getRows()) {
      if (decision === 'flag' && toldBy === null) untold++
      weights[arrival as number] = rowWeight({ decision, propensity, toldBy } as DecisionMark, labels)
    }
  }
}
