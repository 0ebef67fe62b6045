import { join } from 'node:path'
import { withDatabase } from '../../src/disk/database.ts'
import { DAY_MS, dateOf } from '../../src/foundation/days.ts'
import type { VigiaServer } from '../integration/vigia-server.ts'

/*
 * A bank of the project's own generator, all of whose amounts double on day 100 (`generate.drift`), those of
 * frauds too: one row in twenty is a fraud, and nine frauds in ten pay between 40 and 45 units before that
 * day. A model that has learnt that band looks in the wrong place from then on.
 */

export const DRIFT_DAY = 100
/** The model learns from the days before it; a server decides from it on. */
export const FIRST_SERVED_DAY = 58
export const ROWS_A_DAY = 300
/** About as many as there are frauds. */
export const ALERTS_A_DAY = 15

/** Day 0: a date of its own, so that the story is the same whenever it is played. */
const FIRST_DAY_MS = Date.UTC(2030, 0, 1)
const DAYS = 160

export const dayMs = (day: number): number => FIRST_DAY_MS + day * DAY_MS
export const dateOfDay = (day: number): string => dateOf(dayMs(day) / DAY_MS)

export const GENERATED = [
  `generate.rows=${DAYS * ROWS_A_DAY}`,
  'generate.users=200',
  'generate.merchants=60',
  `generate.days=${DAYS}`,
  `generate.start=${dateOfDay(0)}`,
  'generate.drift.kind=amount',
  `generate.drift.from_day=${DRIFT_DAY}`,
  'generate.drift.strength=1',
]

export interface StoryRow {
  readonly transaction: Readonly<Record<string, string | number>> & {
    readonly timestamp: string
    readonly transaction_id: string
  }
  readonly isFraud: boolean
}

/** A row of after the drift as it would have been without it. */
export const undone = (row: StoryRow): StoryRow => withAmount(row, (amount) => amount / 2)

export const inCents = (row: StoryRow): StoryRow => withAmount(row, (amount) => amount * 100)

const withAmount = ({ transaction, ...rest }: StoryRow, of: (amount: number) => number): StoryRow => ({
  ...rest,
  transaction: { ...transaction, amount: Number(of(Number(transaction['amount'])).toFixed(2)) },
})

/** Makes `learnt.parquet` of `bank.parquet`, and the rows of each day after it. */
export const splitStory = (home: string): Promise<ReadonlyMap<number, readonly StoryRow[]>> =>
  withDatabase({ threads: 1, memoryLimit: '256MB', tempDirectory: home }, async (connection) => {
    const isFraud = 'hash(transaction_id) % 20 = 0'
    const itsWay = 'hash(transaction_id) % 200 < 180'
    const isDoubled = `"timestamp" >= '${dateOfDay(DRIFT_DAY)}'`
    const factor = `CASE WHEN ${isDoubled} THEN 2 ELSE 1 END`
    const amount = `CASE WHEN ${isFraud} AND ${itsWay}
      THEN round((40 + hash(transaction_id) % 500 / 100) * ${factor}, 2) ELSE amount::DOUBLE END`
    await connection.run(
      `CREATE TABLE bank AS SELECT * EXCLUDE (fraud_pattern) REPLACE ((${amount})::DOUBLE AS amount, (${isFraud})::TINYINT AS is_fraud)
       FROM read_parquet('${join(home, 'bank.parquet')}')`,
    )
    const isLearnt = `"timestamp" < '${dateOfDay(FIRST_SERVED_DAY)}'`
    await connection.run(
      `COPY (SELECT * FROM bank WHERE ${isLearnt}) TO '${join(home, 'learnt.parquet')}' (FORMAT parquet)`,
    )
    const result = await connection.runAndReadAll(
      `SELECT * FROM bank WHERE NOT (${isLearnt}) ORDER BY "timestamp", transaction_id`,
    )
    const days = new Map<number, StoryRow[]>()
    for (const { is_fraud, ...rest } of result.getRowObjects()) {
      const present = Object.entries(rest).filter(([, value]) => value !== null)
      const transaction = Object.fromEntries(present) as StoryRow['transaction']
      const day = Math.floor((timeOf(transaction) - FIRST_DAY_MS) / DAY_MS)
      days.set(day, [...(days.get(day) ?? []), { transaction, isFraud: is_fraud === 1 }])
    }
    return days
  })

/** When a transaction happened, epoch milliseconds. */
export const timeOf = ({ timestamp }: StoryRow['transaction']): number =>
  Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(timestamp) ? timestamp : `${timestamp.replace(' ', 'T')}Z`)

/** What a server answered of a row. */
export interface DecidedRow extends StoryRow {
  readonly probability: number
  readonly isFlagged: boolean
}

/** Has a server decide on rows. @throws what it answered, where it did not */
export const decideOn = async (
  { port }: VigiaServer,
  rows: readonly StoryRow[],
): Promise<readonly DecidedRow[]> => {
  const { predictions } = (await postJson(port, '/predict/batch', {
    transactions: rows.map(({ transaction }) => transaction),
  })) as { readonly predictions: readonly { probability: number; is_flagged: boolean }[] }
  return rows.map((row, at) => {
    const { probability, is_flagged: isFlagged } = predictions[at]!
    return { ...row, probability, isFlagged }
  })
}

/** @throws an Error with the answer, where it is not 200 */
export const postJson = async (port: number, path: string, body: object): Promise<unknown> => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  if (response.status !== 200) throw new Error(`POST ${path}: ${response.status} ${text}`)
  return JSON.parse(text)
}

/** Share of frauds among the `ALERTS_A_DAY` highest scores of each day. */
export const precisionAtBudget = (days: readonly (readonly DecidedRow[])[]): number => {
  const highest = days.flatMap((rows) =>
    rows.toSorted((a, b) => b.probability - a.probability).slice(0, ALERTS_A_DAY),
  )
  return highest.filter(({ isFraud }) => isFraud).length / highest.length
}
