import { type Episode, isEnded } from './episode.ts'
import { episodesOf, type RetrainingBook } from './retraining-book.ts'

/** What a retraining that did not end well tells people, in the form of a finding of a look. */
export interface StandingFinding {
  readonly kind: 'retraining'
  readonly segment: ''
  readonly severity: 'moderate' | 'severe' | 'critical'
  readonly summary: string
  readonly details: readonly string[]
}

/**
 * What stands of a model's last episode, to be handed to the alerts with each look: it fires while it stands,
 * and is over when the next episode begins. Alerts of the trigger itself are theirs: a challenger that was
 * refused ends none of them.
 */
export const standingFindings = (book: RetrainingBook, model: string): readonly StandingFinding[] => {
  const last = episodesOf(book, model).at(-1)
  if (last === undefined) return []
  const isRestored = !isEnded(last.status) && last.adjusted?.takenBackMs !== undefined
  const severity =
    SEVERITIES[last.status] ?? (last.failures > 0 ? 'severe' : isRestored ? 'moderate' : undefined)
  if (severity === undefined) return []
  const failure =
    last.failures > 0 ? book.records.findLast(({ episode }) => episode === last.id)?.why : undefined
  return [
    {
      kind: 'retraining',
      segment: '',
      severity,
      summary: `Retraining of ${model}: ${WORDS[last.status] ?? (last.failures > 0 ? `a step fails while ${last.status}` : RESTORED)}`,
      details: [failure ?? last.why, `episode ${last.id}, ${last.kind}, last look ${last.lastLook}`],
    },
  ]
}

const RESTORED = 'the threshold to the alert budget was rolled back, and labels are waited for'

const SEVERITIES: Partial<Record<Episode['status'], StandingFinding['severity']>> = {
  held: 'critical',
  refused: 'moderate',
  failed: 'severe',
  rolling_back: 'severe',
  rolled_back: 'severe',
  restoring: 'severe',
}

const WORDS: Partial<Record<Episode['status'], string>> = {
  held: 'held, because data are broken',
  refused: 'tried, and the challenger is not better: the champion stays',
  failed: 'failed',
  rolling_back: 'the challenger was worse in service, and is taken back',
  rolled_back: 'the challenger was worse in service, and was taken back',
  restoring: 'the threshold to the alert budget is rolled back',
}
