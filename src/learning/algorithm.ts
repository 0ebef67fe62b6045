import type { FeatureTable } from './feature-table.ts'
import type { Model, ModelKind } from './model.ts'
import { createSharedParts, type SharedParts } from './shared-parts.ts'

/** Rows to learn from. */
export interface TrainingRows {
  readonly table: FeatureTable
  /** 1 fraud, 0 genuine. */
  readonly labels: ArrayLike<number>
  /** One weight a row, at least 0; a weight of 2 is the row twice. All 1 when absent. */
  readonly weights?: Float64Array
}

/** What a fit is made from. Columns may lie in shared memory; nothing here is written to. */
export interface TrainingData extends TrainingRows {
  /** Rows that early stopping watches; a fit that stops early needs them. */
  readonly validation?: TrainingRows
}

/** Number of rows and features of a fit, for the estimate of its memory. */
export interface DataShape {
  readonly rows: number
  readonly validationRows: number
  readonly features: number
}

/**
 * The threads that work on one fit, as one of them sees it. All of them run the same program on the same
 * data: each takes its share of the loops, and they meet at `wait`.
 */
export interface Crew {
  /** Which of the threads this is: 0 <= index < size. */
  readonly index: number
  readonly size: number
  /** Memory that all threads share, in the parts that `memory` named. Zeros at first. */
  readonly parts: SharedParts
  /** Returns when every thread has called it. */
  wait(): void
  /**
   * The next whole number, from 0 on: shared by all threads; `counter` chooses one of 16. Reset by writing
   * `resetCount`.
   */
  takeNext(counter: number): number
  resetCount(counter: number): void
  /** True after an interruption: all threads see it at the next `wait` at the latest. */
  isCancelled(): boolean
  /** How far the fit is; only thread 0 needs to tell. */
  reportProgress(done: number, total: number): void
}

/**
 * One way to learn a model. To add one: a file beside this one's siblings in `algorithms/`, its entry in
 * `algorithms/index.ts`, and its settings in the configuration's `models` section; the contract suite finds
 * it there.
 *
 * `Settings` are those of the configuration with their names in camel case. The same data, settings and seed
 * give the same model, to the bit, whatever the size of the crew.
 *
 * Laws (`algorithmLaws`, `testing/`); each algorithm says how far 2 and 3 bind it:
 * 1. The same data, settings and seed give the same bytes; another seed changes only what is drawn.
 * 2. The order of rows and constant features change no score; a weight of n is the row n times.
 * 3. A value's absence, and codes without an order, can be learned from.
 * 4. Rows that cannot be learned from are refused, each fault by its code.
 * 5. Scores are probabilities whatever the values are, and 0 and -0 are one value.
 * 6. A model goes through an artifact to the bit, and its contributions sum to its margin.
 * 7. What it learns from is left as it was; an interruption ends it; progress rises.
 */
export interface Algorithm<Settings = unknown, Part = unknown> {
  readonly name: ModelKind
  /** For people: `Random forest`. */
  readonly title: string
  /** Whether a fit gains from a crew of several threads. */
  readonly isParallel: boolean
  /** Parts of the shared memory that a fit works in, in bytes by name, for a crew of `threads`. */
  memory(shape: DataShape, settings: Settings, threads: number): Readonly<Record<string, number>>
  /** Bytes that each thread takes for itself at most; 0 when absent. */
  ownMemory?(shape: DataShape, settings: Settings, threads: number): number
  /**
   * Runs on every thread of the crew at once; what they return is put together by `assemble`.
   *
   * @throws LEARNING_NO_ROWS, LEARNING_LABEL_INVALID, LEARNING_ONE_CLASS, LEARNING_LENGTHS_DIFFER;
   * INTERRUPTED when cancelled
   */
  fit(data: TrainingData, settings: Settings, seed: number, crew: Crew): Part
  /** The model from what each thread returned, in the order of their indexes. */
  assemble(parts: readonly Part[]): Model
}

/** A crew of one, on the calling thread. */
export const soloCrew = (
  bytes: Readonly<Record<string, number>>,
  {
    isCancelled = () => false,
    reportProgress = () => {},
  }: Partial<Pick<Crew, 'isCancelled' | 'reportProgress'>> = {},
): Crew => {
  const counts = new Int32Array(16)
  return {
    index: 0,
    size: 1,
    parts: createSharedParts(bytes),
    wait: () => {},
    takeNext: (counter) => counts[counter]!++,
    resetCount: (counter) => {
      counts[counter] = 0
    },
    isCancelled,
    reportProgress,
  }
}

/** Fits on the calling thread alone. */
export const fitAlone = <Settings, Part>(
  algorithm: Algorithm<Settings, Part>,
  data: TrainingData,
  settings: Settings,
  seed: number,
  tools: Partial<Pick<Crew, 'isCancelled' | 'reportProgress'>> = {},
): Model => {
  const shape = {
    rows: data.table.rowCount,
    validationRows: data.validation?.table.rowCount ?? 0,
    features: data.table.columns.length,
  }
  const crew = soloCrew(algorithm.memory(shape, settings, 1), tools)
  return algorithm.assemble([algorithm.fit(data, settings, seed, crew)])
}
