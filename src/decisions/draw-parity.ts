import { isDrawnRight } from './control-sample.ts'
import type { DecisionEntry } from './decided.ts'

/** What drawing the control sample again came to. */
export interface DrawParity {
  /** Decisions that had a chance to be drawn. */
  readonly decisions: number
  readonly letThrough: number
  readonly review: number
  /** Those that the salt draws otherwise; null: there is no salt to draw by. */
  readonly differing: number | null
  /** Transaction of the first of them. */
  readonly example?: string
}

/** Counts the draws of decisions, and those that `salt` draws otherwise. */
export const createDrawCount = (salt: string | undefined) => {
  let [decisions, letThrough, review, differing] = [0, 0, 0, 0]
  let example: string | undefined
  return {
    take: (decision: DecisionEntry): void => {
      const { controlSample, transaction } = decision
      if (controlSample === undefined) return
      decisions++
      if (controlSample.drawn === 'let_through') letThrough++
      if (controlSample.drawn === 'review') review++
      if (salt === undefined || isDrawnRight(decision, transaction.transactionId, salt)) return
      differing++
      example ??= transaction.transactionId
    },
    report: (): { readonly draws?: DrawParity } => {
      if (decisions === 0) return {}
      const of = salt === undefined ? null : differing
      return {
        draws: { decisions, letThrough, review, differing: of, ...(example !== undefined && { example }) },
      }
    },
  }
}
