/** Values of `transaction_type`. */
export const TRANSACTION_TYPES = ['purchase', 'payment', 'transfer', 'withdrawal'] as const
/** Values of `device_type`: the first three belong to a person, the last two to a shop or bank. */
export const DEVICE_TYPES = ['mobile', 'desktop', 'tablet', 'pos', 'atm'] as const
/** Values of `fraud_pattern`; a legitimate transaction has none. */
export const FRAUD_PATTERNS = [
  'amount_burst',
  'stolen_card',
  'account_takeover',
  'impossible_travel',
  'compromised_merchant',
  'odd_hours',
] as const

export type TransactionType = (typeof TRANSACTION_TYPES)[number]
export type DeviceType = (typeof DEVICE_TYPES)[number]
export type FraudPattern = (typeof FRAUD_PATTERNS)[number]

/** What a kind of merchant sells, to whom it matters how much. */
export interface Category {
  readonly name: string
  /** Share of the merchants. */
  readonly share: number
  /** Median amount in minor units for a customer of median means. */
  readonly medianMinor: number
  /** Standard deviation of the logarithm of the amount within one merchant. */
  readonly spread: number
  /** Share of these merchants that sell online only. */
  readonly online: number
  readonly transactionType: TransactionType
}

const category = (
  name: string,
  share: number,
  medianMinor: number,
  spread: number,
  online: number,
  transactionType: TransactionType = 'purchase',
): Category => ({ name, share, medianMinor, spread, online, transactionType })

/** The kinds of merchant, from the small and frequent to the large and rare. */
export const CATEGORIES: readonly Category[] = [
  category('grocery', 20, 2800, 0.7, 0.05),
  category('restaurant', 15, 2200, 0.6, 0),
  category('transport', 7, 900, 0.8, 0.2),
  category('fuel', 6, 4500, 0.4, 0),
  category('digital', 6, 700, 0.9, 1),
  category('pharmacy', 6, 1600, 0.7, 0.1),
  category('clothing', 9, 4500, 0.7, 0.5),
  category('entertainment', 6, 1900, 0.8, 0.5),
  category('home', 6, 6000, 0.9, 0.4),
  category('electronics', 5, 12000, 1, 0.7),
  category('travel', 4, 18000, 0.9, 0.8),
  category('jewellery', 2, 16000, 0.9, 0.3),
  category('utilities', 4, 6500, 0.5, 1, 'payment'),
  category('money_transfer', 3, 9000, 1.1, 1, 'transfer'),
  category('cash', 6, 7000, 0.6, 0, 'withdrawal'),
]
