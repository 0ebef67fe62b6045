import type { Attribute } from '../transaction/attributes.ts'
import type { Entity } from '../transaction/entities.ts'

/**
 * Category fields with a fitted vocabulary, in the order of the vector. Models of earlier versions have the
 * first three.
 */
export const VOCABULARY_FIELDS = [
  'merchant_category',
  'transaction_type',
  'device_type',
  'currency',
  'location',
] as const
export type VocabularyField = (typeof VOCABULARY_FIELDS)[number]

/** One known value of a category and its share of the training transactions. */
export interface VocabularyEntry {
  readonly value: string
  readonly share: number
}

/**
 * What features take from training data: plain JSON that travels inside the model artifact. Fitted on the
 * training rows only, never again while serving.
 */
export interface FittedFeatures {
  /**
   * Upper edges of the amount bands but the last, ascending, in minor units: band i holds edge[i - 1] <
   * amount <= edge[i], of a refund its size.
   */
  readonly amountBandEdgesMinor: readonly number[]
  /** Decimals of those minor units; absent for 2. */
  readonly amountDecimals?: number
  /**
   * Known values per category field and per attribute that is a category, by name, commonest first; equally
   * common ones by code unit order. The position is the code.
   */
  readonly vocabularies: Readonly<Record<string, readonly VocabularyEntry[]>>
  /** What the source had beside the fields; absent: nothing. Requests are read by it. */
  readonly attributes?: readonly Attribute[]
  /** The bank knows no users; absent: every transaction has one. */
  readonly withoutUsers?: true
  /** The source said of transactions what they reverse; absent: it did not. */
  readonly reversals?: true
  /** Entities of the bank's own, and what is added to the standard ones; absent: none. */
  readonly entities?: readonly Entity[]
}

/** How often each value occurs in the training rows. */
export interface TrainingCounts {
  /** Distinct amounts in minor units, without their signs, with their counts, ascending by amount. */
  readonly amounts: readonly { readonly amountMinor: number; readonly count: number }[]
  /** Counts per value, by category; missing values are not among them. */
  readonly categories: Readonly<Record<string, ReadonlyMap<string, number>>>
  readonly rows: number
}

/**
 * Fits bands and vocabularies. Edges are the quantiles i / bands of the empirical distribution (the least
 * amount that at least that share of rows does not exceed); equal edges are merged, so there may be fewer
 * bands.
 */
export const fitFeatures = (
  counts: TrainingCounts,
  settings: { readonly bands: number; readonly decimals?: number; readonly vocabularySize: number },
): FittedFeatures => ({
  amountBandEdgesMinor: quantileEdges(counts, settings.bands),
  ...(settings.decimals !== 2 && { amountDecimals: settings.decimals }),
  vocabularies: Object.fromEntries(
    Object.entries(counts.categories).map(([name, values]) => [
      name,
      vocabulary(values, counts.rows, settings.vocabularySize),
    ]),
  ),
})

const quantileEdges = ({ amounts, rows }: TrainingCounts, bands: number): number[] => {
  const edges: number[] = []
  let passed = 0
  let band = 1
  for (const { amountMinor, count } of amounts) {
    passed += count
    while (band < bands && passed * bands >= band * rows) {
      if (edges.at(-1) !== amountMinor) edges.push(amountMinor)
      band++
    }
  }
  return edges
}

const vocabulary = (counts: ReadonlyMap<string, number>, rows: number, size: number): VocabularyEntry[] =>
  [...counts]
    .sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1))
    .slice(0, size)
    .map(([value, count]) => ({ value, share: count / rows }))
