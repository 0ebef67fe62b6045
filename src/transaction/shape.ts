import { type AmountRules, DEFAULT_AMOUNTS } from './amount-rules.ts'
import type { Attribute } from './attributes.ts'

/**
 * What the transactions of a bank have beyond the fields of every transaction, and which amounts, as a model
 * was trained with it.
 */
export interface TransactionShape {
  /** In the order of their columns. */
  readonly attributes: readonly Attribute[]
  /** Every transaction names its user; otherwise the bank knows no users. */
  readonly hasUsers: boolean
  readonly amounts: AmountRules
  /** The rate to the base currency stands in a table, so that a request need not have it. */
  readonly hasRateInTable?: true
}

/** Transactions that have nothing but the fields, and amounts as no setting says otherwise. */
export const NO_SHAPE: TransactionShape = { attributes: [], hasUsers: true, amounts: DEFAULT_AMOUNTS }
