import type { FigureValues } from '../../evaluation/figures.ts'
import type { LearningCurve } from '../../fitting/learning-curves.ts'
import type { Calibration } from '../../learning/calibration/calibration.ts'
import type { ModelKind } from '../../learning/model.ts'
import type { FeatureSelection } from '../../learning/selection/selected-features.ts'

/** Settings of a model by their names in the configuration, `enabled`, `grid` and `library` left out. */
export type ModelSettings = Readonly<Record<string, unknown>>

/** `selection.json`: the features that models get, and why the others do not. */
export interface SelectionOutcome extends FeatureSelection {
  readonly schema: 1
  /** What was done, for people, in order: `no constants`. Empty when nothing was to be done. */
  readonly methods: readonly string[]
}

/** `search.json`: what the search found for each model with a grid, in the order of the configuration. */
export interface SearchOutcome {
  readonly schema: 1
  readonly models: readonly ModelSearch[]
}

export interface ModelSearch {
  readonly name: ModelKind
  /** For people: `grid, prequential in 4 folds`. */
  readonly method: string
  /** `roc_auc`. */
  readonly scoring: string
  /** The best first. `settings` are the searched ones only. */
  readonly tried: readonly TriedSettings[]
  /** The searched settings that the model is trained with: those of `tried[0]`. */
  readonly best: ModelSettings
}

export interface TriedSettings {
  readonly settings: ModelSettings
  readonly mean: number
  readonly deviation: number
  /** One figure a fold; null where the fold has one class only. */
  readonly folds: readonly (number | null)[]
}

/** `training.json`: what became of every enabled model, in the order of the configuration. */
export interface TrainingOutcome {
  readonly schema: 1
  /** Features that the models were given, in order. */
  readonly featureNames: readonly string[]
  readonly models: readonly (TrainedModel | UnavailableModel)[]
}

/** A model that was trained; it stands in `file` of the same step. */
export interface TrainedModel {
  readonly name: ModelKind
  /** `Random forest`. */
  readonly title: string
  /** `random_forest.json`. */
  readonly file: string
  readonly settings: ModelSettings
  /** What people should know of the fit: that it did not converge. */
  readonly warnings: readonly string[]
  /** The native library that trained it, with its version: `XGBoost 3.2.0`. */
  readonly library?: string
  /** How it became better while it was trained; empty for models without trees. */
  readonly curves: readonly LearningCurve[]
}

/** A model that could not be trained here. */
export interface UnavailableModel {
  readonly name: ModelKind
  readonly title: string
  readonly settings: ModelSettings
  /** Why, with what to do about it. */
  readonly unavailable: string
}

export const isTrained = (model: TrainedModel | UnavailableModel): model is TrainedModel => 'file' in model

/** `choice.json`: how the scores of each trained model become decisions, and which model is the best. */
export interface ChoiceOutcome {
  readonly schema: 1
  /** Name of the best candidate. */
  readonly best: ModelKind
  /** For people: `the highest ROC-AUC on validation`. */
  readonly chosenBy: string
  /**
   * The rows that calibrations, thresholds and the best were chosen on: training where validation has no
   * frauds or no rows.
   */
  readonly part: 'validation' | 'train'
  /** One for each trained model, in order. */
  readonly candidates: readonly Candidate[]
  /** What people should know: that validation had no frauds. */
  readonly warnings: readonly string[]
}

export interface Candidate {
  readonly name: ModelKind
  readonly title: string
  /** `random_forest.json` of the train step. */
  readonly file: string
  readonly calibration: Calibration
  /** For people: `isotonic, the lowest log loss on validation`. */
  readonly calibrationChoice: string
  /** A row is flagged when its calibrated probability is at least this. */
  readonly threshold: number
  /** For people: `best F1 on validation`. */
  readonly thresholdChoice: string
  /** On the rows of `part`, calibrated. */
  readonly figures: FigureValues
}
