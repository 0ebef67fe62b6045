import { precisionByDay } from '../performance/day-counts.ts'
import type { DecidedRows } from '../performance/decided-rows.ts'
import { DEFAULT_WATCH } from '../performance/performance-watch.ts'
import type { PerformanceSection } from './performance-section.ts'

/** What was assumed, and what could not be said, in sentences. */
export const performanceNotes = (
  { labels, maturity, watches, watched }: Omit<PerformanceSection, 'notes'>,
  answered: AnsweredDays,
): readonly string[] => {
  const told = labels.alert.labels + labels.customer.labels + labels.sample.labels + labels.toldGenuine
  if (told === 0)
    return [
      'Nobody has told a label (POST /feedback), so nothing is known of how good the decisions were: every one of them counts as genuine.',
    ]
  const [all] = watches
  return [
    maturityNote(maturity),
    'A label that was told without an origin counts as told by a reviewer where the decision was flagged, else by a customer.',
    ...(labels.sample.labels > 0
      ? []
      : [
          'No decision was drawn at random for an audit: recall is of frauds that somebody noticed, and what nobody noticed is in no figure.',
        ]),
    ...(answered.unanswered === 0
      ? []
      : [
          `On ${answered.unanswered} of ${answered.days} days fewer than ${100 * DEFAULT_WATCH.leastAnswered} % of the alerts had a label ${DEFAULT_WATCH.alertWaitDays} days after: they are in no test, since what is answered quickly is not like the rest.`,
        ]),
    ...(all?.status === 'short'
      ? [
          `Nothing is tested yet: since ${watched.since}, when ${watched.model} began to make most decisions, fewer than 14 days with labels, or fewer than 20 frauds among them, have settled.`,
        ]
      : []),
    ...(all?.status === 'learning'
      ? ['Nothing is tested yet: all days that have settled are the baseline, of 28 days.']
      : []),
  ]
}

const maturityNote = ({ basis, horizonDays, matureDays }: PerformanceSection['maturity']): string => {
  switch (basis) {
    case 'learnt':
      return `Nine tenths of the frauds are known after ${matureDays} days: decisions of that age count as mature.`
    case 'short':
      return `The log is only ${horizonDays} days old and frauds still become known at that age: what comes later is in no projection, and decisions count as mature after ${matureDays} days.`
    case 'assumed':
      return `Too few frauds are known for learning how soon they become known (20 of flagged or of other decisions): nothing is projected, and decisions count as mature after ${matureDays} days, which is labels.delay of the model.`
  }
}

/** Days with alerts that have settled, and those of them that too few labels came for. */
export interface AnsweredDays {
  readonly days: number
  readonly unanswered: number
}

export const answeredDays = (rows: DecidedRows, asOfMs: number): AnsweredDays => {
  const asked = precisionByDay(
    { ...rows, labels: rows.labels.map(() => 0), knownAtMs: rows.decidedAtMs },
    { asOfMs },
  ).length
  return { days: asked, unanswered: asked - precisionByDay(rows, { asOfMs }).length }
}
