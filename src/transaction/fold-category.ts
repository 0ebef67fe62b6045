import type { CategoryField } from './fields.ts'

export type CategoryColumn = CategoryField['column']

/**
 * The one form of a category: Unicode NFC, white space trimmed and collapsed to single blanks, lower case
 * (upper case for a currency, because ISO 4217 writes it so). Undefined when nothing is left.
 *
 * Folding twice is folding once. Lower case is JavaScript's, independent of the machine's language.
 */
export const foldCategory = (column: string, text: string): string | undefined => {
  const trimmed = text.normalize('NFC').replace(/\s+/gu, ' ').trim()
  const folded = (column === 'currency' ? trimmed.toUpperCase() : trimmed.toLowerCase()).normalize('NFC')
  return folded === '' ? undefined : folded
}
