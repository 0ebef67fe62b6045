/**
 * One decision tree as parallel arrays over its nodes; node 0 is the root. Plain JSON: this is what models
 * are stored as.
 *
 * A row at an inner node goes left when its value is below the node's threshold, right otherwise. At a node
 * with categories it goes left when its value is one of them, right otherwise. A missing value (NaN) goes
 * where `missingLeft` says.
 */
export interface Tree {
  /** Index of the feature that an inner node asks for; -1 at a leaf. */
  readonly feature: readonly number[]
  /** `value < threshold` goes left. 0 at leaves and at nodes with categories. */
  readonly threshold: readonly number[]
  /**
   * Index of the left child, always greater than the node's own; the right child is the next one. 0 at
   * leaves.
   */
  readonly left: readonly number[]
  /** 1 when a missing value goes left, 0 when right or at a leaf. */
  readonly missingLeft: readonly number[]
  /** What a leaf adds to the margin; 0 at inner nodes. */
  readonly value: readonly number[]
  /**
   * Weight of the training rows that reached the node (their Hessian for boosting): a child's share of its
   * parent's is how often it is taken.
   */
  readonly cover: readonly number[]
  /** How much an inner node's split lowered the training loss; 0 at leaves. */
  readonly gain: readonly number[]
  /** By inner node, as text: the codes that go left. Absent when the tree has no such node. */
  readonly categories?: Readonly<Record<string, readonly number[]>>
}

/** What Vigía trains. */
export const TREE_ENSEMBLE_KINDS = ['random_forest', 'gradient_boosting', 'xgboost'] as const
/** Libraries that Vigía takes models of and trains none with. */
export const IMPORTED_KINDS = ['lightgbm', 'catboost', 'onnx'] as const
export type ImportedKind = (typeof IMPORTED_KINDS)[number]
export type TreeEnsembleKind = (typeof TREE_ENSEMBLE_KINDS)[number] | ImportedKind

/**
 * A fitted sum of trees: margin = base + Σ leaf values, in the order of the trees. The probability is the
 * margin itself (`identity`: forests, whose leaves are shares of fraud divided by the number of trees) or 1 /
 * (1 + exp(-margin)) (`logistic`: boosting).
 */
export interface TreeEnsembleModel {
  readonly kind: TreeEnsembleKind
  readonly featureNames: readonly string[]
  readonly link: 'identity' | 'logistic'
  readonly base: number
  /**
   * A number that counts as missing wherever it stands in a row, beside NaN, compared as floats: models that
   * were trained elsewhere may take -1 or 0 for it. Absent: none does.
   */
  readonly missingValue?: number
  /**
   * Features, by place, ascending, of which what is as good as 0 counts as missing, beside NaN: within 1e-35
   * of it, as LightGBM has it with zero_as_missing. Absent: none.
   */
  readonly zeroIsMissing?: readonly number[]
  readonly trees: readonly Tree[]
}
