import { murmurHash52 } from '../foundation/murmur-hash.ts'
import {
  type BlockOfValues,
  binCountOf,
  blockOfValues,
  type CountIntoBins,
  countingInto,
} from './bin-lookup.ts'
import type { Bins, DriftReference } from './reference-bins.ts'

/** The name of the score among the columns of a profile. No feature can have it. */
export const SCORE = '(score)'

/** One column of a profile: where its counts stand. */
export interface ProfileColumn {
  readonly name: string
  readonly bins: Bins
  /** Place of its first count. */
  readonly from: number
  /** Counts: the reference's bins, for codes one more for those it has not, and last the missing values. */
  readonly size: number
  readonly countInto: CountIntoBins
}

/**
 * Which counts the profiles of a reference have, and in which order: made once, and shared by all of them.
 * Two layouts with the same `fingerprint` have the same columns in the same bins.
 */
export interface ProfileLayout {
  /** The features in the order of rows, and the score last. */
  readonly columns: readonly ProfileColumn[]
  /** Features in a row. */
  readonly features: number
  /** Counts of all columns. */
  readonly size: number
  /** Scores from here on are alerts; Infinity when there is none. */
  readonly threshold: number
  /** A whole number of 52 bits. */
  readonly fingerprint: number
  /** What blocks of a column are gathered in; used and left by one call. */
  readonly block: BlockOfValues
}

export interface LayoutOptions {
  /** Features in the order in which rows hold them. By default all, in the order of the reference. */
  readonly features?: readonly string[]
  /** The model's decision threshold: scores from it on are counted as alerts. By default none is. */
  readonly threshold?: number
}

/** Values of a column that are binned in one go. */
export const BLOCK = 256

/**
 * Lays out profiles in the bins of `reference`. A feature that it has no profile of is a mistake of the
 * caller.
 */
export const profileLayoutOf = (reference: DriftReference, options: LayoutOptions = {}): ProfileLayout => {
  const { features = Object.keys(reference.features), threshold = Number.POSITIVE_INFINITY } = options
  const named = features.map((name) => [name, reference.features[name]] as const)
  const columns: ProfileColumn[] = []
  let from = 0
  for (const [name, bins] of [...named, [SCORE, reference.score.profile] as const]) {
    if (bins === undefined) throw new RangeError(`The reference has no profile of the feature ${name}.`)
    const size = binCountOf(bins)
    columns.push({ name, bins, from, size, countInto: countingInto(bins) })
    from += size
  }
  const fingerprint = fingerprintOf(columns, threshold)
  return {
    columns,
    features: features.length,
    size: from,
    threshold,
    fingerprint,
    block: blockOfValues(BLOCK),
  }
}

/** The layout of the score alone, in the same bins: what segments are profiled by. */
export const scoreLayoutOf = (reference: DriftReference, threshold?: number): ProfileLayout =>
  profileLayoutOf(reference, threshold === undefined ? { features: [] } : { features: [], threshold })

const fingerprintOf = (columns: readonly ProfileColumn[], threshold: number): number => {
  const marks = columns.map(({ name, bins }) => [
    name,
    bins.kind,
    ...(bins.kind === 'numeric' ? bins.edges : bins.codes),
  ])
  const bytes = new TextEncoder().encode(`${threshold} ${JSON.stringify(marks)}`)
  return murmurHash52(bytes, 0, bytes.length)
}
