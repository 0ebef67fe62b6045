import type { Episode, EpisodeStatus, RecordFigure } from './episode.ts'
import type { RetrainingBook } from './retraining-book.ts'
import type { RetrainingRules } from './retraining-rules.ts'
import type { RetrainingWorks, ServingControl } from './retraining-works.ts'

/** What an act came to: where the episode goes, and what a record says of it. */
export interface StepOutcome {
  readonly to: EpisodeStatus
  readonly why: string
  readonly change?: Partial<Episode>
  readonly figures?: Readonly<Record<string, RecordFigure>>
}

/** What is due for an episode: nothing yet, or one act. */
export type NextStep =
  | { readonly kind: 'wait'; readonly why: string; readonly untilMs: number | null }
  | {
      readonly kind: 'act'
      /** What will be done, in words. */
      readonly what: string
      readonly why: string
      readonly carryOut: (signal: AbortSignal) => Promise<StepOutcome>
    }

/** What steps are made with. */
export interface StepParts {
  readonly book: RetrainingBook
  readonly works: RetrainingWorks
  readonly control: ServingControl
  readonly rules: RetrainingRules
  readonly nowMs: number
}
