/**
 * A number's bins as `reference.json` has them: bin i holds edges[i - 1] < x <= edges[i], bin 0 everything up
 * to the first edge, and one more, the last of `counts`, everything above the last.
 */
export interface NumericBins {
  readonly kind: 'numeric'
  /** Values, missing ones not among them. */
  readonly count: number
  readonly missing: number
  /** Of the population; what distances are made comparable by. */
  readonly variance: number
  /** Ascending. */
  readonly edges: readonly number[]
  /** One more than `edges`. */
  readonly counts: readonly number[]
}

/** Codes without an order, ascending, and how often each occurred. */
export interface CategoricalBins {
  readonly kind: 'categorical'
  readonly count: number
  readonly missing: number
  readonly codes: readonly number[]
  readonly counts: readonly number[]
}

export type Bins = NumericBins | CategoricalBins

/**
 * What drift is measured against, and in which bins. The `ReferenceProfile` of a model's artifact
 * (`reference.json`) is one; this folder knows no models, so it says only what it reads of it.
 */
export interface DriftReference {
  /** By name. */
  readonly features: Readonly<Record<string, Bins>>
  readonly score: { readonly profile: NumericBins }
}
