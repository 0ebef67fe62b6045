import { foldCategory } from '../transaction/fold-category.ts'

const segments = new Map<string, string | undefined>()
/** Types are a handful; a stream of invented ones must not stay in memory. */
const MOST_KNOWN = 1000

/**
 * The segment that a transaction belongs to: its type, folded as a category is. Undefined: it has none.
 */
export const segmentOf = (transactionType: string | undefined): string | undefined => {
  if (transactionType === undefined) return undefined
  if (segments.has(transactionType)) return segments.get(transactionType)
  const segment = foldCategory('transaction_type', transactionType)
  if (segments.size < MOST_KNOWN) segments.set(transactionType, segment)
  return segment
}
