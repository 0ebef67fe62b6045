/** `models.gradient_boosting` of the configuration. */
export interface GradientBoostingSettings {
  /** Trees, or rounds of boosting; with early stopping, at most. */
  readonly trees: number
  /** What a tree's values are multiplied by. */
  readonly learningRate: number
  readonly maxDepth: number
  /** Least sum of Hessians of a child. */
  readonly minChildWeight: number
  /** Penalty on squared leaf values. */
  readonly l2: number
  /** Gain that a split on a set of categories owes for each value that is free to differ. */
  readonly categoryPenalty: number
  /** Least gain of a split. */
  readonly minGain: number
  /** Share of the rows that each tree learns from. */
  readonly rowShare: number
  /** Share of the features that each tree may use. */
  readonly columnShare: number
  /** Stop after this many trees without a lower log loss on validation, and keep the best; 0: never. */
  readonly earlyStoppingRounds: number
  readonly classWeight: 'none' | 'balanced'
  /** Features whose rise may only raise (or lower) the probability, by name. */
  readonly monotone: Readonly<Record<string, 'increasing' | 'decreasing'>>
  /** Bins of values of a feature at most; 0: as `automaticBins` says. */
  readonly maxBins: number
}
