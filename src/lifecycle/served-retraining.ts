import type { ServedModel } from '../decisions/inference-pipeline.ts'
import type { ModelControl } from '../decisions/model-control.ts'
import type { RetrainingBook } from '../retraining/retraining-book.ts'
import type { FoundByLook } from './look-of-report.ts'

/** What a server tells of retraining, and what people ask of it. */
export interface ServedRetraining {
  /** Registered name of the model that is trained again. */
  readonly model: string
  /** All that is known, of other processes too. @throws RETRAINING_JOURNAL_FAILED */
  readonly book: () => Promise<RetrainingBook>
  /** The same as of a minute ago or less: nothing waits for the journal. */
  readonly known: () => RetrainingBook
  /** When steps are due next; undefined: never. */
  readonly nextMs: () => number | undefined
  /** Runs of steps that failed as a whole, since the start of this process. */
  readonly failures: () => number
  /**
   * Asks for a retraining.
   *
   * @param sinceMs since when things have changed: labels of decisions since then are waited for; null: of no
   *   decisions in particular
   * @throws RETRAINING_JOURNAL_FAILED
   */
  readonly request: (why: string, by: string, sinceMs: number | null) => Promise<void>
  /** Ends the one that runs. @throws RETRAINING_NOTHING_RUNS, RETRAINING_JOURNAL_FAILED */
  readonly cancel: (why: string, by: string) => Promise<void>
}

/** What retraining needs of the server that it runs in. */
export interface RetrainedServer {
  readonly models: () => readonly ServedModel[]
  readonly control: ModelControl
  readonly warn: (code: string, details: Readonly<Record<string, unknown>>) => void
}

/** Retraining of a server that has not started yet. */
export interface ScheduledRetraining extends ServedRetraining {
  /** Takes in what a look of the server has found. @throws RETRAINING_JOURNAL_FAILED */
  readonly take: (found: FoundByLook) => Promise<void>
  /** Does what is due from now on. @returns ends it, the step under way too: the next start goes on */
  readonly start: (server: RetrainedServer) => () => Promise<void>
}
