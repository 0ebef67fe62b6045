import { refuse } from '../imported/parts.ts'

/** What a model file of LightGBM says, whichever of its two forms it has; nothing is settled yet. */
export interface LightgbmFile {
  /** Of the format: v4. The library does not write its own. */
  readonly version: string
  readonly classes: number
  readonly treesPerIteration: number
  /** `binary sigmoid:1`; empty where the objective was a function. */
  readonly objective: string
  /** Whether the margin is the mean of the trees (random forests), not their sum. */
  readonly isMean: boolean
  readonly featureNames: readonly string[]
  readonly trees: readonly LightgbmTree[]
  /**
   * The values of the category columns of the frame that it was trained on, in the order of the columns,
   * whose names it does not say; empty: it was trained on no frame, or one without such columns; undefined:
   * Python has not written the file.
   */
  readonly columns: unknown
}

/**
 * A tree of it, as parallel arrays. Splits and leaves are numbered apart: a child is a split when it is at
 * least 0, the leaf `-1 - child` otherwise. Without a split the tree is its leaf 0.
 */
export interface LightgbmTree {
  readonly where: string
  readonly splits: {
    readonly feature: readonly number[]
    /** Where there is no set: the greatest value that goes left. */
    readonly threshold: readonly number[]
    /** Categories that go left, ascending; undefined at a split by number. */
    readonly members: readonly (readonly number[] | undefined)[]
    readonly isMissingLeft: readonly boolean[]
    readonly missing: readonly MissingKind[]
    readonly left: readonly number[]
    readonly right: readonly number[]
    readonly gain: readonly number[]
  }
  readonly leaves: {
    readonly value: readonly number[]
    /** How much of the training data each has; undefined where the file does not tell. */
    readonly weight: readonly number[] | undefined
  }
}

/**
 * What counts as missing at a split: nothing (NaN counts as 0 there), 0 and NaN, or NaN. Others go by their
 * value.
 */
export type MissingKind = 'none' | 'zero' | 'nan'

/** Largest category that a split may ask for: codes above are none that a feature has. */
export const MAX_CATEGORY = 65_535

/** What trees and leaves have whose leaves are linear models of the features. */
export const LINEAR_PARTS = ['leaf_const', 'num_features', 'leaf_features', 'leaf_coeff']

/** @throws LEARNING_IMPORT_REFUSED, always */
export const refuseLinear = (where: string): never =>
  refuse(where, 'has leaves that are linear models (linear_tree); allowed: leaves that are numbers')
