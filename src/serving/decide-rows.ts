import type { InferencePipeline, Prediction } from '../decisions/inference-pipeline.ts'
import { type FieldProblem, RequestProblemsError } from '../transaction/request-problem.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { mapInOrder } from './ndjson-answers.ts'
import type { ReadTransaction } from './read-transaction.ts'

export interface DecideOptions {
  /** Rows that are worked on at the same time. */
  readonly most: number
  /** Of each decision, strongest first. */
  readonly reasons: number
}

/**
 * Decides on all rows of a protocol that has no errors of single rows: nothing is decided on unless every row
 * can be read.
 *
 * @throws REQUEST_TRANSACTION_INVALID with the problems of all rows, each field named `[row].field`, rows
 * from 0
 */
export const decideRows = (
  pipeline: InferencePipeline,
  rows: readonly unknown[],
  readTransaction: ReadTransaction,
  { most, reasons }: DecideOptions,
): Promise<readonly Prediction[]> => {
  const problems: FieldProblem[] = []
  const transactions: Transaction[] = []
  const { shape } = pipeline
  for (const [index, row] of rows.entries()) {
    try {
      const transaction = readTransaction(row)
      pipeline.assertTimely(transaction)
      transactions.push(transaction)
    } catch (error) {
      if (!(error instanceof RequestProblemsError)) throw error
      problems.push(
        ...error.problems.map((problem) => ({ ...problem, field: `[${index}].${problem.field}` })),
      )
    }
    if (problems.length >= 100) break
  }
  if (problems.length > 0) throw new RequestProblemsError('REQUEST_TRANSACTION_INVALID', problems)
  return mapInOrder(rows, most, (row, index) =>
    pipeline.predict(() => (pipeline.shape === shape ? transactions[index]! : readTransaction(row)), reasons),
  )
}
