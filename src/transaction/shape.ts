import type { Attribute } from './attributes.ts'

/**
 * What the transactions of a bank have beyond the fields of every transaction, as a model was trained
 * with it.
 */
export interface TransactionShape {
  /** In the order of their columns. */
  readonly attributes: readonly Attribute[]
}

/** Transactions that have nothing but the fields. */
export const NO_SHAPE: TransactionShape = { attributes: [] }
