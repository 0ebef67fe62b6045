/** Text fields that name one of few things, as a transaction calls them and as the prepared dataset does. */
export const CATEGORY_FIELDS = [
  { field: 'currency', column: 'currency' },
  { field: 'merchantCategory', column: 'merchant_category' },
  { field: 'transactionType', column: 'transaction_type' },
  { field: 'deviceType', column: 'device_type' },
  { field: 'location', column: 'location' },
] as const

export type CategoryColumn = (typeof CATEGORY_FIELDS)[number]['column']

/**
 * The one form of a category: Unicode NFC, white space trimmed and collapsed to single blanks, lower case
 * (upper case for a currency, because ISO 4217 writes it so). Undefined when nothing is left.
 *
 * Folding twice is folding once. Lower case is JavaScript's, independent of the machine's language.
 */
export const foldCategory = (column: CategoryColumn, text: string): string | undefined => {
  const trimmed = text.normalize('NFC').replace(/\s+/gu, ' ').trim()
  const folded = (column === 'currency' ? trimmed.toUpperCase() : trimmed.toLowerCase()).normalize('NFC')
  return folded === '' ? undefined : folded
}
