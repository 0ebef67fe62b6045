/** How features can be scored. */
export type FeatureScoring = 'none' | 'mutual_information' | 'chi_squared' | 'importance' | 'permutation'

/** Which features to keep. The configuration's `selection` section with names in camel case. */
export interface FeatureSelectionSettings {
  /** Features whose variance is not above this are dropped; null for none. */
  readonly minVariance: number | null
  /** Of features that correlate more than this, the most relevant stays; 1 for no such step. */
  readonly maxCorrelation: number
  readonly correlation: 'pearson' | 'spearman'
  readonly score: FeatureScoring
  /** Features that stay, the highest scores first; 0 for all. */
  readonly keep: number
  /** Features with a lower score are dropped; null for none. */
  readonly minScore: number | null
  /** Bins of equal frequency for mutual information and chi-squared. */
  readonly bins: number
  readonly permutation: {
    readonly repeats: number
    /** The last share of the rows, on which the loss is measured. */
    readonly heldOut: number
  }
}

/** What the selection found out about one feature; null for what was not asked or is not defined. */
export interface FeatureScore {
  readonly feature: string
  /** Share of the rows without a value. */
  readonly missing: number
  /** Of the values, in the square of the feature's unit. */
  readonly variance: number | null
  /** Mutual information with the label, in nats; asked when features are compared or scored by it. */
  readonly mutualInformation: number | null
  /** By `scoredBy`: nats, the chi-squared statistic, the share of the gain, or the loss in the metric. */
  readonly score: number | null
  /** Of the score over the shuffles; `permutation` only. */
  readonly deviation: number | null
  /** Of the chi-squared statistic; `chi_squared` only. */
  readonly pValue: number | null
}

export interface DroppedFeature {
  readonly feature: string
  /** The setting that dropped it. */
  readonly by: 'min_variance' | 'max_correlation' | 'min_score' | 'keep'
  /** For people, with the figures. */
  readonly reason: string
}

/** Plain JSON: what was kept and why. */
export interface FeatureSelection {
  /** In the table's order. */
  readonly kept: readonly string[]
  /** In the table's order. */
  readonly dropped: readonly DroppedFeature[]
  readonly scoredBy: FeatureScoring
  /** Of every feature, in the table's order. */
  readonly scores: readonly FeatureScore[]
}
