import type { TrainingData } from '../learning/algorithm.ts'
import type { FeatureTable } from '../learning/feature-table.ts'
import type { ModelKind } from '../learning/model.ts'
import type { SharedParts } from '../learning/shared-parts.ts'

/** What every learning thread is started with. */
interface LearningThread {
  /** Address of a module that lists the algorithms as `ALGORITHMS`; the project's own when absent. */
  readonly algorithms?: string
}

/** A thread that fits one model together with others. */
export interface CrewThreadData extends LearningThread {
  readonly kind: 'crew'
  readonly algorithm: ModelKind
  readonly settings: unknown
  readonly seed: number
  /** In shared memory. */
  readonly data: TrainingData
  readonly index: number
  readonly size: number
  readonly parts: SharedParts
  readonly control: Int32Array
}

/** Rows to take the rows of fits from. */
export interface LabelledTable {
  readonly table: FeatureTable
  /** 1 fraud, 0 genuine. */
  readonly labels: Uint8Array
}

/** A thread that makes one small fit after another. */
export interface FitsThreadData extends LearningThread {
  readonly kind: 'fits'
  /** In shared memory. */
  readonly rows: LabelledTable
}

export type LearningThreadData = CrewThreadData | FitsThreadData

/** A small fit: which rows are learnt from, and which are scored. */
export interface FitJob {
  readonly algorithm: ModelKind
  /** Of the algorithm, in camel case. */
  readonly settings: unknown
  readonly seed: number
  /** Row numbers, ascending. Early stopping watches the scored rows. */
  readonly training: Int32Array
  readonly scored: Int32Array
}

export type FromLearningThread =
  | { readonly kind: 'progress'; readonly done: number; readonly total: number }
  | { readonly kind: 'part'; readonly part: unknown }
  /** Raw probabilities of the scored rows of job `job`. */
  | { readonly kind: 'scores'; readonly job: number; readonly scores: Float64Array }

/** To a thread of fits: the next job and its number. */
export interface ToFitsThread {
  readonly number: number
  readonly job: FitJob
}
