import type { DecisionEntry } from '../decisions/decided.ts'
import { DAY_MS } from '../foundation/days.ts'
import { createRandom } from '../foundation/random.ts'
import {
  FIRST_DAY,
  type InventedLabel,
  type InventedRow,
  inventedDay,
  watchedModel,
} from './monitored-log.test-kit.ts'

/** Decides by `bank`; it knows no days of a training. */
export const BANK_MODEL = watchedModel(0)
export const FLAGGED_FROM = 0.75

/** A decision with what was said of it. */
export interface BankRow extends InventedRow {
  readonly probability: number
  readonly isFlagged: boolean
  readonly amountMinor: number
  readonly words: readonly (readonly [atMs: number, isFraud: boolean | null])[]
}

/**
 * Days of a bank whose frauds are where the scores say, or from `changedFrom` on where they do not: alerts
 * are looked at within a day, of missed frauds customers tell within four weeks.
 */
export const bank = (days: number, changedFrom = Number.POSITIVE_INFINITY): readonly BankRow[] => {
  const random = createRandom('bank')
  return Array.from({ length: days }, (_, n) => inventedDay(FIRST_DAY + n, random))
    .flat()
    .map((row): BankRow => {
      const probability = BANK_MODEL.scorer.scoreOne([row.visits, row.amount])
      const isFlagged = probability >= FLAGGED_FROM
      const isChanged = row.eventTimeMs >= (FIRST_DAY + changedFrom) * DAY_MS
      const isFraud = isFlagged ? random.next() < (isChanged ? 0.3 : 0.85) : random.next() < 0.02
      const delayMs = Math.floor((isFlagged ? random.next() : 1 + 27 * random.next()) * DAY_MS)
      const isTold = isFlagged || isFraud
      return {
        ...row,
        probability,
        isFlagged,
        amountMinor: 100 + random.integer(100_000),
        words: isTold ? [[row.eventTimeMs + delayMs, isFraud]] : [],
      }
    })
}

/** What is logged of a row. */
export const entryOf = (
  { probability, isFlagged, amountMinor }: BankRow,
  entry: DecisionEntry,
): DecisionEntry => ({
  ...entry,
  probability,
  isFlagged,
  threshold: FLAGGED_FROM,
  transaction: {
    ...entry.transaction,
    amountMinor,
    currency: 'EUR',
    userId: entry.transaction.transactionId,
  },
})

/** What was said of rows, in the order in which it came. */
export const labelsOf = (rows: readonly BankRow[]): readonly InventedLabel[] =>
  rows
    .flatMap(({ words }, of) => words.map(([receivedAtMs, isFraud]) => ({ of, isFraud, receivedAtMs })))
    .sort((a, b) => a.receivedAtMs - b.receivedAtMs)
