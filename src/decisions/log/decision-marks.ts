import { type ToldOrigin, toldBy, toldOrigin } from '../label-origin.ts'
import type { DecisionEntry, LabelEntry } from './log-record.ts'

/** What a log has of the control sample, and of what nobody learns the truth of. */
export interface SampleOfLog {
  /** Answered as flagged. */
  readonly flagged: number
  readonly letThrough: number
  readonly review: number
  /** Flagged, and nobody has told a label: censored where they were blocked. */
  readonly untold: number
  /** Labels by who told them, corrections too. */
  readonly toldBy: Readonly<Record<ToldOrigin, number>>
}

/** A decision that was flagged or drawn. */
interface Mark {
  readonly decision: 'flag' | 'let_through' | 'review'
  readonly propensity: number | null
  /** Who tells a label that does not say so. */
  readonly teller: ToldOrigin
  toldBy: ToldOrigin | null
}

/** What training must know beside transactions: whose labels are there by chance, or never. */
export interface DecisionMarks {
  decide(decision: DecisionEntry): void
  /** A label that somebody told of a transaction that was decided on. */
  label(label: LabelEntry): void
  /** A line for each decision that was flagged or drawn, in their order. */
  lines(): Iterable<object>
  counts(): SampleOfLog
}

/** Memory: an entry for each decision that was flagged or drawn. */
export const createDecisionMarks = (): DecisionMarks => {
  const marks = new Map<string, Mark>()
  const labels = { alert: 0, customer: 0, sample: 0 }
  const count = (decision: Mark['decision']): number =>
    [...marks.values()].filter((mark) => mark.decision === decision).length
  return {
    decide: (decision) => {
      const what = markOf(decision)
      if (what === undefined) return
      marks.set(decision.transaction.transactionId, {
        decision: what,
        propensity: decision.controlSample?.propensity ?? null,
        teller: toldBy(decision),
        toldBy: null,
      })
    },
    label: ({ transactionId, isFraud, origin }) => {
      const mark = marks.get(transactionId)
      // Of what was neither flagged nor drawn, customers tell.
      const teller = toldOrigin(origin) ?? mark?.teller ?? 'customer'
      labels[teller]++
      if (mark !== undefined) mark.toldBy = isFraud === null ? null : teller
    },
    lines: function* () {
      for (const [transaction_id, { decision, propensity, toldBy: told_by }] of marks)
        yield { transaction_id, decision, propensity, told_by }
    },
    counts: () => ({
      flagged: count('flag'),
      letThrough: count('let_through'),
      review: count('review'),
      untold: [...marks.values()].filter((mark) => mark.decision === 'flag' && mark.toldBy === null).length,
      toldBy: labels,
    }),
  }
}

const markOf = ({ isFlagged, controlSample }: DecisionEntry): Mark['decision'] | undefined => {
  const drawn = controlSample?.drawn
  if (drawn === 'let_through' || drawn === 'review') return drawn
  return isFlagged ? 'flag' : undefined
}
