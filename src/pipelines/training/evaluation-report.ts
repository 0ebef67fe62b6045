import type { Intervals } from '../../evaluation/bootstrap.ts'
import type { PartEvaluation } from '../../evaluation/evaluate.ts'
import type { FigureValues } from '../../evaluation/figures.ts'
import type { QualityGateResult } from '../../evaluation/gates.ts'
import type { LearningCurve } from '../../fitting/learning-curves.ts'

/** `evaluation.json`: what `vigia run` shows and the evaluation page draws. */
export interface EvaluationReport {
  readonly schema: 2
  readonly project: string
  /** The candidate that was chosen, and by what. */
  readonly model: { readonly name: string; readonly title: string; readonly chosenBy: string }
  /** A row is flagged when its probability is at least this. */
  readonly threshold: number
  /** How the threshold was chosen, for people. */
  readonly thresholdChoice: string
  /** How margins became probabilities, for people: `isotonic, the lowest log loss on validation`. */
  readonly calibrationChoice: string
  /** Entities looked at a day for figures that need days, and which. */
  readonly daily: { readonly entity: string; readonly k: number }
  readonly split: { readonly method: string; readonly parts: readonly SplitPart[] }
  readonly parts: Readonly<Record<'train' | 'validation' | 'test', PartEvaluation>>
  /**
   * 95 % bootstrap interval of each figure by its name in `PartEvaluation`; null where the figure is not
   * defined.
   */
  readonly intervals: Readonly<Record<'train' | 'validation' | 'test', Intervals>>
  /** Quality on groups of the test rows: merchant category, amount band, new users, fraud pattern. */
  readonly slices: readonly SliceGroup[]
  readonly importance: {
    /**
     * Share of the training loss that splits on the feature removed; empty for a model without trees. The
     * largest first.
     */
    readonly gain: readonly { readonly feature: string; readonly share: number }[]
    /**
     * How much average precision on validation falls when the feature's values are shuffled. The largest
     * first.
     */
    readonly permutation: readonly {
      readonly feature: string
      readonly drop: number
      readonly deviation: number
    }[]
    /** Weight of each standardised feature; empty for a model that is not linear. The largest first. */
    readonly coefficients: readonly { readonly feature: string; readonly weight: number }[]
  }
  /** Every model that was to be trained, in the order of the configuration. */
  readonly candidates: readonly CandidateReport[]
  /** The model in production on the same test rows; null when there is none. */
  readonly production: {
    readonly where: string
    readonly title: string
    readonly test: FigureValues
  } | null
  readonly gates: readonly QualityGateResult[]
  readonly selection: {
    readonly methods: readonly string[]
    readonly kept: number
    readonly dropped: readonly { readonly feature: string; readonly reason: string }[]
  }
  readonly warnings: readonly string[]
}

export interface SliceGroup {
  /** `merchant category`. */
  readonly by: string
  readonly slices: readonly Slice[]
}

/** Of the figures those that `shownIn` names slices. */
export interface Slice extends Partial<FigureValues> {
  readonly name: string
  readonly rows: number
  readonly frauds: number
  readonly flagged: number
}

/** One model that was to be trained. */
export interface CandidateReport {
  readonly name: string
  readonly title: string
  readonly isChosen: boolean
  /** Why it could not be trained, with what to do about it; the figures are then absent. */
  readonly unavailable?: string
  /** Settings that it was fitted with, those that a search chose among them. */
  readonly settings: Readonly<Record<string, unknown>>
  /** What the search found, when there was one. */
  readonly search?: {
    readonly method: string
    readonly scoring: string
    /** The best first. */
    readonly tried: readonly {
      readonly settings: Readonly<Record<string, unknown>>
      readonly mean: number
      readonly deviation: number
    }[]
  }
  /** How it became better while it was trained; absent for models without trees. */
  readonly curves?: readonly LearningCurve[]
  readonly validation?: FigureValues
  readonly test?: FigureValues
}

/** A part of the split, for people: null bounds where it has no rows. */
export interface SplitPart {
  readonly part: string
  readonly rows: number
  readonly frauds: number
  readonly fromMs: number | null
  readonly toMs: number | null
}
