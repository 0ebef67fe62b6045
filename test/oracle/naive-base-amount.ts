import type { AmountRules } from '../../src/transaction/amount-rules.ts'
import type { Transaction } from '../../src/transaction/transaction.ts'

/** Decimals that the rates of random histories have at most. */
export const RATE_DECIMALS = 6

/** The transaction with its amount in the base currency: the nearest whole number, halves to the even one. */
export const naiveInBase = (transaction: Transaction, { base, decimals }: AmountRules): Transaction => {
  if (base === undefined || transaction.amountMinor === 0) return transaction
  const rate = Number(transaction.attributes?.[base.rate] ?? 1)
  const millionths = BigInt(Math.round(rate * 10 ** RATE_DECIMALS))
  const twice = 2n * BigInt(Math.abs(transaction.amountMinor)) * millionths
  const unit = 10n ** BigInt(RATE_DECIMALS + decimals - base.decimals)
  const up = (twice + unit) / (2n * unit)
  const isHalf = (twice + unit) % (2n * unit) === 0n
  const even = isHalf && up % 2n === 1n ? up - 1n : up
  const size = Math.max(1, Number(even))
  return { ...transaction, amountMinor: transaction.amountMinor < 0 ? -size : size }
}
