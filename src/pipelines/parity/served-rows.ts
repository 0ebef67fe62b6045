import type { DuckDBConnection } from '@duckdb/node-api'
import { sqlIdentifier, sqlLiteral } from '../../disk/database.ts'
import { TRANSACTION_FIELDS } from '../../transaction/fields.ts'
import { FIELD_SQL } from '../../transaction/prepared-columns.ts'
import type { Label, Transaction } from '../../transaction/transaction.ts'
import type { Labelled } from './label-post.ts'

/** A transaction as a request has it, and what training has of it. */
export interface ServedRow {
  readonly transaction: Transaction
  /** Undefined where nothing is known of it. */
  readonly label: Labelled | undefined
  /**
   * Training's value of feature `f`, NaN where it is missing; undefined where training does not have the
   * transaction.
   */
  readonly expected: ((f: number) => number) | undefined
}

/**
 * The transactions of `prepared` from arrival `from` on, with the rows of `features` beside them.
 *
 * @param names features, in the order in which `expected` counts them
 */
export async function* readServedRows(
  connection: DuckDBConnection,
  { prepared, features }: { readonly prepared: string; readonly features: string },
  names: readonly string[],
  from: number,
): AsyncGenerator<ServedRow> {
  const values = names.map((name) => `coalesce(f.${sqlIdentifier(name)}, 'NaN'::DOUBLE)::DOUBLE`)
  const result = await connection.stream(
    `SELECT ${FIELDS.map((field) => `p.${FIELD_SQL[field]}`).join(', ')},
            p.is_fraud::DOUBLE, p.labelled_at_ms::DOUBLE, f.transaction_id IS NOT NULL, ${values.join(', ')}
     FROM (SELECT * FROM read_parquet(${sqlLiteral(prepared)}) WHERE arrival >= ${from}) p
     LEFT JOIN read_parquet(${sqlLiteral(features)}) f ON f.transaction_id = p.transaction_id ORDER BY p.arrival`,
  )
  for (;;) {
    const chunk = await result.fetchChunk()
    if (!chunk || chunk.rowCount === 0) return
    const columns = Array.from({ length: FIELDS.length + 3 }, (_, c) => chunk.getColumnVector(c))
    const vectors = names.map((_, f) => chunk.getColumnVector(FIELDS.length + 3 + f))
    for (let row = 0; row < chunk.rowCount; row++) {
      const fields = FIELDS.map((field, c) => [field, columns[c]!.getItem(row)] as const)
      // As a request has it: what is missing is absent.
      const transaction = Object.fromEntries(fields.filter(([, value]) => value !== null)) as Transaction
      const [isFraud, labelledAtMs, isInTraining] = columns.slice(FIELDS.length).map((c) => c.getItem(row))
      yield {
        transaction,
        label:
          isFraud === null
            ? undefined
            : {
                ...entitiesOf(transaction),
                eventTimeMs: transaction.eventTimeMs,
                isFraud: isFraud === 1,
                labelledAtMs: labelledAtMs as number | null,
              },
        expected: isInTraining === true ? (f) => vectors[f]!.getItem(row) as number : undefined,
      }
    }
  }
}

/**
 * Labels that a replay of the transactions before arrival `cut` has not delivered, in the order of delivery,
 * and where its clock stands.
 */
export const readPendingLabels = async (
  connection: DuckDBConnection,
  prepared: string,
  cut: number,
  delayMs: number,
): Promise<{ readonly pending: readonly Label[]; readonly clockMs: number }> => {
  const before = `(SELECT *, max(event_time_ms) OVER (ORDER BY arrival ROWS UNBOUNDED PRECEDING) AS clock
    FROM read_parquet(${sqlLiteral(prepared)}) WHERE arrival < ${cut})`
  const ended = await connection.runAndReadAll(`SELECT max(clock)::DOUBLE FROM ${before}`)
  const clockMs = (ended.getRows()[0]?.[0] as number | null) ?? Number.NEGATIVE_INFINITY
  if (clockMs === Number.NEGATIVE_INFINITY) return { pending: [], clockMs }
  // The last transaction has met all that was due at its time; its own label cannot have been among it.
  const result = await connection.runAndReadAll(
    `SELECT * FROM (
       SELECT transaction_id, user_id, merchant_id, device_id, event_time_ms::DOUBLE, is_fraud::DOUBLE,
              greatest(coalesce(labelled_at_ms, event_time_ms + ${delayMs}), clock)::DOUBLE AS due, arrival
       FROM ${before} WHERE is_fraud IS NOT NULL)
     WHERE NOT (due <= ${clockMs} AND arrival < ${cut - 1}) ORDER BY due, arrival`,
  )
  const pending = result.getRows().map(([transactionId, userId, merchantId, deviceId, at, isFraud, due]) => ({
    ...entitiesOf({ transactionId, userId, merchantId, deviceId } as EntitiesOrNull),
    eventTimeMs: at as number,
    isFraud: isFraud === 1,
    knownAtMs: due as number,
  }))
  return { pending, clockMs }
}

type EntitiesOrNull = Pick<Label, 'transactionId' | 'userId'> & {
  readonly merchantId?: string | null
  readonly deviceId?: string | null
}

const entitiesOf = ({ transactionId, userId, merchantId, deviceId }: EntitiesOrNull) => ({
  transactionId,
  userId,
  ...(typeof merchantId === 'string' && { merchantId }),
  ...(typeof deviceId === 'string' && { deviceId }),
})

/** What a request has of a prepared row: all fields, and nothing of the label. */
const FIELDS = TRANSACTION_FIELDS.map(({ name }) => name)
