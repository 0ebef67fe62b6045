import type { DuckDBConnection } from '@duckdb/node-api'
import type { Feedback } from '../../decisions/inference-pipeline.ts'
import { sqlIdentifier, sqlLiteral } from '../../disk/database.ts'
import { DELIVERY_ORDER, labelSchedule, type ScheduledLabel } from '../../replay/label-schedule.ts'
import { attributeColumn } from '../../transaction/attributes.ts'
import { type SentShape, sentFieldSql } from '../../transaction/prepared-columns.ts'
import type { TransactionShape } from '../../transaction/shape.ts'
import type { Transaction } from '../../transaction/transaction.ts'

/** The transactions of `prepared` from arrival `from` on, in that order, as requests have them. */
export async function* readRequests(
  connection: DuckDBConnection,
  prepared: string,
  from: number,
  shape: RequestShape,
): AsyncGenerator<Transaction> {
  const { columns, requestOf } = requestColumns(shape)
  const rows = rowsOf(
    connection,
    `SELECT ${columns} FROM read_parquet(${sqlLiteral(prepared)}) WHERE arrival >= ${from} ORDER BY arrival`,
  )
  for await (const values of rows) yield requestOf(values)
}

type RequestShape = SentShape & Pick<TransactionShape, 'attributes'>

/** The columns of a request, as SQL, and how it is made of their values. */
const requestColumns = (shape: RequestShape) => {
  const { attributes } = shape
  const fields = sentFieldSql(shape)
  const own = attributes.map(({ name, kind }) => {
    const column = sqlIdentifier(attributeColumn(name))
    return kind === 'time' ? `${column}::DOUBLE` : column
  })
  const names = attributes.map(({ name }) => name)
  const fieldNames = fields.map(([name]) => name)
  return {
    columns: [...fields.map(([, sql]) => sql), ...own].join(', '),
    requestOf: (values: readonly unknown[]): Transaction => {
      const known = present(names, values.slice(fields.length))
      const hasAttributes = Object.keys(known).length > 0
      return { ...present(fieldNames, values), ...(hasAttributes && { attributes: known }) } as Transaction
    },
  }
}

/** A label as feedback, and when it is delivered. */
export interface LabelToDeliver extends ScheduledLabel {
  readonly feedback: Feedback
}

/**
 * Labels of the transactions of `prepared` from arrival `from` on, in the order of their delivery. Those of
 * earlier ones that were not due then are in the states that a service begins with.
 *
 * Each carries its transaction, by which a service knows whose it is.
 */
export async function* readLabels(
  connection: DuckDBConnection,
  prepared: string,
  {
    from,
    delayMs,
    labelHistory,
  }: { readonly from: number; readonly delayMs: number; readonly labelHistory?: string | undefined },
  shape: RequestShape,
): AsyncGenerator<LabelToDeliver> {
  const { columns, requestOf } = requestColumns(shape)
  const history = labelHistory === undefined ? undefined : `read_parquet(${sqlLiteral(labelHistory)})`
  const rows = rowsOf(
    connection,
    `SELECT due, arrival::DOUBLE, is_fraud::DOUBLE, ${columns}
     FROM ${labelSchedule(`read_parquet(${sqlLiteral(prepared)})`, { delayMs, history })} WHERE arrival >= ${from} ORDER BY ${DELIVERY_ORDER}`,
  )
  for await (const [dueMs, arrival, isFraud, ...values] of rows) {
    const transaction = requestOf(values)
    yield {
      dueMs: dueMs as number,
      arrival: arrival as number,
      feedback: {
        transactionId: transaction.transactionId,
        isFraud: isFraud === null ? null : isFraud === 1,
        transaction,
      },
    }
  }
}

/** What training has of a transaction. */
export interface TrainedRow {
  readonly transactionId: string
  /**
   * Value of feature `f`, NaN where it is missing; undefined where training does not have the transaction.
   */
  readonly expected: ((f: number) => number) | undefined
}

/**
 * The rows of `features` beside the transactions of `prepared` from arrival `from` on, in that order.
 *
 * @param names features, in the order in which `expected` counts them
 */
export async function* readTrainedRows(
  connection: DuckDBConnection,
  { prepared, features }: { readonly prepared: string; readonly features: string },
  names: readonly string[],
  from: number,
): AsyncGenerator<TrainedRow> {
  const values = names.map((name) => `coalesce(f.${sqlIdentifier(name)}, 'NaN'::DOUBLE)::DOUBLE`)
  const rows = rowsOf(
    connection,
    `SELECT p.transaction_id, f.transaction_id IS NOT NULL, ${values.join(', ')}
     FROM (SELECT transaction_id, arrival FROM read_parquet(${sqlLiteral(prepared)}) WHERE arrival >= ${from}) p
     LEFT JOIN read_parquet(${sqlLiteral(features)}) f ON f.transaction_id = p.transaction_id ORDER BY p.arrival`,
  )
  for await (const [transactionId, isInTraining, ...vector] of rows)
    yield {
      transactionId: transactionId as string,
      expected: isInTraining === true ? (f) => vector[f] as number : undefined,
    }
}

async function* rowsOf(connection: DuckDBConnection, sql: string): AsyncGenerator<readonly unknown[]> {
  const result = await connection.stream(sql)
  for (;;) {
    const chunk = await result.fetchChunk()
    if (chunk === null || chunk.rowCount === 0) return
    const columns = Array.from({ length: chunk.columnCount }, (_, at) => chunk.getColumnVector(at))
    for (let row = 0; row < chunk.rowCount; row++) yield columns.map((column) => column.getItem(row))
  }
}

/** As a request has it: what is missing is absent. */
const present = (fields: readonly string[], values: readonly unknown[]): object =>
  Object.fromEntries(fields.map((field, at) => [field, values[at]]).filter(([, value]) => value !== null))
