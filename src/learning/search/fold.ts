/** Row numbers that one fold learns from and is judged on, both ascending, none in both. */
export interface Fold {
  readonly train: Int32Array
  readonly test: Int32Array
}

/** How the training rows are divided to compare candidates. Times are durations in milliseconds. */
export interface FoldSettings {
  readonly validation: 'prequential' | 'stratified'
  readonly folds: number
  readonly window: 'expanding' | 'sliding'
  /** null divides the time without the gap by folds + 1. */
  readonly testLengthMs: number | null
  readonly gapMs: number
}
