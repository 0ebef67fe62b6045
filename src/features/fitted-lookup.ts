import { NO_TOKEN, tokenOf } from '../transaction/token.ts'
import type { CategoryLookup, FittedLookup } from './feature.ts'
import type { FittedFeatures, VocabularyEntry } from './fitted-features.ts'

/** Makes fitted parameters quick to look up: values by token, bands by binary search. */
export const createFittedLookup = (fitted: FittedFeatures): FittedLookup => {
  const edges = Float64Array.from(fitted.amountBandEdgesMinor)
  return {
    amountBand(amountMinor) {
      let low = 0
      let high = edges.length
      while (low < high) {
        const middle = (low + high) >> 1
        if (edges[middle]! < amountMinor) low = middle + 1
        else high = middle
      }
      return low
    },
    category: (name) => categoryLookup(fitted.vocabularies[name] ?? []),
  }
}

const categoryLookup = (entries: readonly VocabularyEntry[]): CategoryLookup => {
  const codes = new Map(entries.map(({ value }, code) => [tokenOf(value), code]))
  const shares = Float64Array.from(entries, ({ share }) => share)
  const code = (token: number): number => (token === NO_TOKEN ? Number.NaN : (codes.get(token) ?? -1))
  return {
    code,
    share(token) {
      const at = code(token)
      return at >= 0 ? shares[at]! : at < 0 ? 0 : Number.NaN
    },
  }
}
