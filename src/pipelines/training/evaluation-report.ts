import type { PartEvaluation } from '../../evaluation/evaluate.ts'

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
