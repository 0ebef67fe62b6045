/**
 * How a split is stored, one byte a row. Rows of `none` train and judge nothing; they still give history to
 * features.
 */
export const PART = { none: 0, train: 1, validation: 2, test: 3 } as const

export type PartName = keyof typeof PART

/** The name of each stored byte. */
export const PART_NAMES: readonly PartName[] = ['none', 'train', 'validation', 'test']

/** Label of a row without a label, beside 1 (fraud) and 0 (genuine). Such a row belongs to no part. */
export const UNLABELLED = -1

/** From `fromMs`, included, to `toMs`, excluded; epoch milliseconds. */
export interface Period {
  readonly fromMs: number
  readonly toMs: number
}

/**
 * The periods of a temporal split, in this order. Rows between them, and before the first, belong to no part.
 */
export interface TemporalWindows {
  readonly train: Period
  /** null: no validation part. */
  readonly validation: Period | null
  readonly test: Period
}

/**
 * The rows that a split looks at, one entry a row, all of one length.
 *
 * `labels` holds 1 (fraud), 0 (genuine) or UNLABELLED; `knownAtMs` the instant each label becomes known;
 * `users` a small whole number per user, from 0.
 */
export interface SplitRows {
  readonly eventTimesMs: Float64Array
  readonly labels: Int8Array
  readonly knownAtMs: Float64Array
  readonly users: Uint32Array
}
