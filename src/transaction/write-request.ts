import { type AmountRules, DEFAULT_AMOUNTS, minorPerUnit } from './amount-rules.ts'
import type { AttributeValues } from './attributes.ts'
import { type RequestField, TRANSACTION_FIELDS } from './fields.ts'
import type { Transaction } from './transaction.ts'

/** A transaction as a request writes it. */
export type RequestTransaction = { [K in RequestField]?: string | number } & {
  attributes?: AttributeValues
}

/** The JSON that `readRequest` reads as `transaction`: the amount in major units, the time as ISO text. */
export const writeRequest = (
  transaction: Transaction,
  { decimals }: AmountRules = DEFAULT_AMOUNTS,
): RequestTransaction => {
  const written: RequestTransaction = {}
  for (const { name, wire, kind } of TRANSACTION_FIELDS) {
    const value = transaction[name]
    if (value === undefined) continue
    if (kind === 'time') written[wire] = new Date(value as number).toISOString()
    // The double next to the exact quotient prints as that decimal.
    else if (kind === 'amount') written[wire] = (value as number) / minorPerUnit(decimals)
    else written[wire] = value
  }
  if (transaction.attributes !== undefined) written.attributes = transaction.attributes
  return written
}
