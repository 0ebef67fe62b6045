/** A point of a ROC curve. */
export interface RocPoint {
  readonly falsePositiveRate: number
  readonly truePositiveRate: number
}

/** A point of a precision-recall curve. */
export interface PrecisionRecallPoint {
  readonly recall: number
  readonly precision: number
}

/** What a model is worth on the rows of one part; every figure is null where it is not defined (no frauds, no rows). */
export interface PartEvaluation {
  readonly rows: number
  readonly frauds: number
  readonly rocAuc: number | null
  readonly averagePrecision: number | null
  /** At the threshold of the report. */
  readonly precision: number | null
  readonly recall: number | null
  readonly f1: number | null
  readonly confusion: {
    readonly truePositive: number
    readonly falsePositive: number
    readonly trueNegative: number
    readonly falseNegative: number
  }
  /** Mean over the days of the share of the k entities with the highest score that day which are truly defrauded. */
  readonly dailyPrecision: number | null
  readonly roc: readonly RocPoint[]
  readonly precisionRecall: readonly PrecisionRecallPoint[]
  /** Rows by probability in bins of equal width over [0, 1]. */
  readonly histogram: readonly {
    readonly from: number
    readonly to: number
    readonly genuine: number
    readonly fraud: number
  }[]
}

/** `evaluation.json`: what `vigia run` shows and the evaluation page draws. */
export interface EvaluationReport {
  readonly schema: 1
  readonly project: string
  readonly model: string
  /** A row is flagged when its probability is at least this. */
  readonly threshold: number
  /** How the threshold was chosen, for people. */
  readonly thresholdChoice: string
  /** Entities looked at a day for `dailyPrecision`, and which. */
  readonly daily: { readonly entity: string; readonly k: number }
  readonly split: { readonly method: string; readonly parts: readonly SplitPart[] }
  readonly parts: { readonly validation: PartEvaluation; readonly test: PartEvaluation }
  /** Weight of each standardised feature, the largest first. */
  readonly coefficients: readonly { readonly feature: string; readonly weight: number }[]
  readonly warnings: readonly string[]
}

/** A part of the split, for people: null bounds where it has no rows. */
export interface SplitPart {
  readonly part: string
  readonly rows: number
  readonly frauds: number
  readonly fromMs: number | null
  readonly toMs: number | null
}
