import { createHash } from 'node:crypto'
import type { ControlSampleSection } from '../config/sections/control-sample.ts'
import { type FieldName, TRANSACTION_FIELDS } from '../transaction/fields.ts'
import type { Transaction } from '../transaction/transaction.ts'

/**
 * The control sample: a few decisions, chosen by chance, of which somebody finds out the truth whatever the
 * model says. Without it nobody learns what became of what was blocked, nor which frauds nobody noticed.
 */

/** What came of the draw of a decision that could have been drawn. */
export interface ControlSample {
  /**
   * `let_through`: the probability reaches the threshold, and yet it is answered as not flagged. `review`: it
   * does not, and somebody is to find out whether it was fraud. `not_drawn`: it stayed what it was.
   */
  readonly drawn: 'let_through' | 'review' | 'not_drawn'
  /** Chance that it had to be drawn, above 0, at most 1: what it counts for is the inverse. */
  readonly propensity: number
}

/** What settings say of the control sample: `control_sample` of the serving configuration. */
export interface ControlSampleSettings {
  /** Share of the decisions that reach the threshold which are let through, 0 to 1. */
  readonly letThrough: number
  /** Share of the others that are chosen for review, 0 to 1. */
  readonly review: number
  /**
   * Largest size of an amount that is let through, inclusive, in minor units, by currency; `other`: of
   * currencies that are not named, and of transactions without one. What has no entry is never let through.
   */
  readonly mostAmountMinor: Readonly<Record<string, number>>
  /**
   * Never let through: transactions with one of these values, by field or attribute, and those that lack the
   * field. Letters and spaces around them do not matter.
   */
  readonly except: Readonly<Record<string, readonly string[]>>
  /** Secret of the draw. */
  readonly salt: string
}

/** The section `control_sample` of the serving configuration, as the draw takes it. */
export const controlSampleSettings = (section: ControlSampleSection): ControlSampleSettings => ({
  letThrough: section.let_through,
  review: section.review,
  mostAmountMinor: section.most_amount_minor,
  except: section.except,
  salt: section.salt,
})

/** Draws by the id of a transaction alone: each time, in each process and in each replay the same. */
export interface ControlSampler {
  /** Undefined where the chance is 0. */
  draw(transaction: Transaction, reachesThreshold: boolean): ControlSample | undefined
}

/** Undefined where nothing is ever drawn. */
export const createControlSampler = (settings: ControlSampleSettings): ControlSampler | undefined => {
  const { letThrough, review, salt } = settings
  if (letThrough === 0 && review === 0) return undefined
  const mayPass = passRule(settings)
  return {
    draw: (transaction, reachesThreshold) => {
      const propensity = reachesThreshold ? (mayPass(transaction) ? letThrough : 0) : review
      if (propensity === 0) return undefined
      const isDrawn = luckOf(transaction.transactionId, salt) < propensity
      return { drawn: isDrawn ? (reachesThreshold ? 'let_through' : 'review') : 'not_drawn', propensity }
    },
  }
}

/**
 * A number in [0, 1) that nobody can guess from the id without the salt: 48 bits of the SHA-256 of both. With
 * the other bits unknown nothing can be computed on from it, so that it needs no HMAC, which takes four times
 * as long. The same for both kinds of draws, so that a model which scores a transaction on the other side of
 * its threshold draws by the same luck.
 */
export const luckOf = (transactionId: string, salt: string): number =>
  createHash('sha256').update(`${salt.length}:${salt}${transactionId}`).digest().readUIntBE(0, 6) / 2 ** 48

/** What a decision says of its draw. */
interface DrawnDecision {
  readonly probability: number
  readonly threshold: number
  readonly isFlagged: boolean
  readonly controlSample?: ControlSample | undefined
}

/** Whether a decision was drawn, and answered, as this salt draws it again. */
export const isDrawnRight = (
  { probability, threshold, isFlagged, controlSample }: DrawnDecision,
  transactionId: string,
  salt: string,
): boolean => {
  const isReached = probability >= threshold
  if (controlSample === undefined) return isFlagged === isReached
  const isDrawn = luckOf(transactionId, salt) < controlSample.propensity
  const drawn = isDrawn ? (isReached ? 'let_through' : 'review') : 'not_drawn'
  return controlSample.drawn === drawn && isFlagged === (isReached && !isDrawn)
}

/** Whether the model's word was to flag it, also where it was let through. */
export const reachesThreshold = ({
  isFlagged,
  controlSample,
}: {
  readonly isFlagged: boolean
  readonly controlSample?: ControlSample | undefined
}): boolean => isFlagged || controlSample?.drawn === 'let_through'

/** Whether a transaction may be let through at all. */
const passRule = ({
  mostAmountMinor,
  except,
}: ControlSampleSettings): ((transaction: Transaction) => boolean) => {
  const most = new Map(
    Object.entries(mostAmountMinor).map(([currency, amount]) => [folded(currency), amount]),
  )
  const other = most.get(OTHER) ?? -1
  const exceptions = Object.entries(except).map(
    ([name, values]) => [valueReader(name), new Set(values.map(folded))] as const,
  )
  return (transaction) => {
    const { amountMinor, currency } = transaction
    const largest = currency === undefined ? other : (most.get(folded(currency)) ?? other)
    // A refund that is a fraud costs what it gives away.
    if (!(Math.abs(amountMinor) <= largest)) return false
    return exceptions.every(([read, values]) => {
      const value = read(transaction)
      return value !== undefined && !values.has(folded(String(value)))
    })
  }
}

const OTHER = 'other'

const folded = (text: string): string => text.trim().toLowerCase()

const valueReader = (name: string): ((transaction: Transaction) => unknown) => {
  const field: FieldName | undefined = TRANSACTION_FIELDS.find(({ wire }) => wire === name)?.name
  return field === undefined
    ? ({ attributes }) => attributes?.[name] ?? undefined
    : (transaction) => transaction[field] ?? undefined
}
