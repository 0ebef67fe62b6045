import { join } from 'node:path'
import { expect } from 'vitest'
import { withDatabase } from '../../src/disk/database.ts'
import type { VigiaServer } from './vigia-server.ts'

/** A bank of a hundred days, made in a moment. */
export const SERVED_BANK = [
  'generate.rows=30000',
  'generate.users=300',
  'generate.merchants=60',
  'generate.days=100',
]
/** A model of it, made in seconds. */
export const SERVED_MODEL = [
  'models.logistic_regression.enabled=false',
  'models.random_forest.enabled=false',
  'models.xgboost.enabled=false',
  'models.gradient_boosting.trees=20',
]
/** First day that a server decides on; the model learns from those before it. */
export const FIRST_SERVED = '2025-04-01'

export type ServedRow = Readonly<Record<string, string | number | null>> & { readonly timestamp: string }

/**
 * The rows of `bank.parquet` from `FIRST_SERVED` on, as requests have them, those before `until` where it is
 * given; the rows before them stand in `trained.parquet` then.
 */
export const splitBank = (home: string, until?: string): Promise<readonly ServedRow[]> =>
  withDatabase({ threads: 1, memoryLimit: '256MB', tempDirectory: home }, async (connection) => {
    const bank = `read_parquet('${join(home, 'bank.parquet')}')`
    await connection.run(
      `COPY (SELECT * FROM ${bank} WHERE "timestamp" < '${FIRST_SERVED}') TO '${join(home, 'trained.parquet')}' (FORMAT parquet)`,
    )
    const end = until === undefined ? '' : ` AND "timestamp" < '${until}'`
    const result = await connection.runAndReadAll(
      `SELECT * EXCLUDE (is_fraud, fraud_pattern) REPLACE (amount::DOUBLE AS amount) FROM ${bank} WHERE "timestamp" >= '${FIRST_SERVED}'${end}`,
    )
    return result.getRowObjects() as unknown as readonly ServedRow[]
  })

/** Has a server decide on rows, 250 at a time, and expects that it does. */
export const sendRows = async ({ port }: VigiaServer, rows: readonly ServedRow[]): Promise<void> => {
  for (let at = 0; at < rows.length; at += 250) {
    const transactions = rows
      .slice(at, at + 250)
      .map((row) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)))
    const response = await fetch(`http://127.0.0.1:${port}/predict/batch`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ transactions }),
    })
    expect([response.status, response.status === 200 ? '' : await response.text()]).toEqual([200, ''])
    await response.text().catch(() => undefined)
  }
}
