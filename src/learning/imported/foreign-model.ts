import type { TreeEnsembleModel } from '../trees/tree-ensemble.ts'

/**
 * A model of another library as its file tells it, found to be of a kind that becomes ours. What the file
 * does not tell is for whoever imports it to say: `convert` takes it.
 */
export interface ForeignModel {
  /** `XGBoost 3.4.1`: what wrote the file. */
  readonly library: string
  /** What it was trained for, by the library's own name: `binary:logistic`. */
  readonly objective: string
  readonly featureNames: readonly string[]
  /** The file names no features, or calls them by their place: f0, f1, ... or 0, 1, ... */
  readonly isNamedByPlace: boolean
  /**
   * By place of the feature: what splits that ask for categories mean by their whole numbers. Features of
   * which no split asks for one are not in it.
   */
  readonly categories: ReadonlyMap<number, ForeignCategories>
  /**
   * Values of the category columns of the training frame, in the order of the columns, where the file has
   * them without the names of these: who imports the model names them, and their whole numbers are places
   * then, at splits of any kind. Absent or empty: there are none.
   */
  readonly columns?: readonly (readonly CategoryValue[])[]
  readonly trees: ForeignTrees
  /** The number that counts as missing beside NaN, where the file says it. */
  readonly missingValue?: number
  /** Why none may be given: the library has no such setting, or its file tells all. Absent: one may. */
  readonly whyNoMissingValue?: string
  /**
   * The two labels it was trained on, in their order: its probability is that of the second. Absent: 0 and 1,
   * or the file does not tell.
   */
  readonly classes?: readonly [string, string]
  /** What whoever imports it should know. */
  readonly notes: readonly string[]
  /**
   * The model as ours.
   *
   * @throws LEARNING_IMPORT_REFUSED, MODEL_CATEGORIES_DIFFER
   */
  convert(choices: ForeignChoices): TreeEnsembleModel
}

/**
 * Categories of a feature: the values in their order, where a whole number of the file is a place among them;
 * with `areTexts` they are texts whatever they were, also whole numbers;
 * `areOwn`, where the file's numbers are the feature's own values; or the reason why the file does not tell.
 */
export type ForeignCategories =
  | { readonly values: readonly CategoryValue[]; readonly areTexts?: boolean }
  | { readonly areOwn: true }
  | { readonly untold: string }

/** A category in the table that the model was trained on. */
export type CategoryValue = string | number

/** How many trees there are, and how many count. */
export interface ForeignTrees {
  readonly count: number
  /** Trees up to the best round of early stopping; absent where the file names none. */
  readonly best?: number
  /** Those that the library itself scores with when it opens the file, and why so. */
  readonly scored: number
  readonly why: string
}

/** What a foreign model becomes ours with. */
export interface ForeignChoices {
  /** One a feature. */
  readonly featureNames: readonly string[]
  /** The first so many trees. */
  readonly trees: number
  /** Beside NaN; absent: none. */
  readonly missingValue?: number
  /**
   * By place of the feature: what its categories are here, in their order. A value that is none of them goes
   * where a missing one goes, as in Python, where it has no code. Of a feature that is not in it the whole
   * numbers of the file are the values themselves, and others go where no category goes.
   */
  readonly categories: ReadonlyMap<number, readonly KnownCategory[]>
}

export interface KnownCategory {
  readonly value: CategoryValue
  /**
   * The value of our feature; undefined where it has none, so that the category cannot be told from unknown
   * ones.
   */
  readonly code: number | undefined
}
