import type { DecidedEvent, Origin } from './decided-rows.ts'

/** What a log says of a decision, as far as figures need it: its entries have this, and more. */
export interface LoggedDecision {
  readonly transaction: { readonly transactionId: string; readonly amountMinor: number }
  readonly decidedAtMs: number
  readonly probability: number
  /** As it was answered. */
  readonly isFlagged: boolean
  /** Absent where nothing could be drawn, and in logs of before. */
  readonly controlSample?:
    | { readonly drawn: 'let_through' | 'review' | 'not_drawn'; readonly propensity: number }
    | undefined
}

/** What a log says of a label, likewise. */
export interface LoggedLabel {
  readonly transactionId: string
  /** Null: what was told before is taken back. */
  readonly isFraud: boolean | null
  readonly receivedAtMs: number
  /** Who told it; absent: it follows from the decision. Of `history` and `delay`, nobody did. */
  readonly origin?: Origin | 'history' | 'delay' | undefined
  /** It comes again, behind its transaction. */
  readonly isWaiting?: boolean | undefined
}

/**
 * What the bank does with flagged transactions, which no log knows. `reviewed`: each is looked at and its
 * label told. `blocked`: of those that were not let through, nobody learns the truth.
 */
export type FlaggedTreatment = 'reviewed' | 'blocked'

export interface LoggedEventsOptions<D extends LoggedDecision> {
  readonly flagged: FlaggedTreatment
  /** Groups that figures are told of apart; left out: there are none. */
  readonly segmentOf?: (decision: D) => string
}

/** Decisions and their labels as a log tells them, one after the other. */
export interface LoggedEvents<D extends LoggedDecision> {
  decide(decision: D): void
  /** A label of a transaction that no decision has come of yet counts nowhere. */
  label(label: LoggedLabel): void
  /** All decisions in their order, each with its latest label. */
  events(): readonly DecidedEvent[]
  /** Those of them whose truth the control sample, or the review of alerts, could have found out. */
  audited(): readonly DecidedEvent[]
  /** The others, which no estimate from `audited` says anything of. */
  notCovered(): NotCovered
}

/** Decisions that had no chance to be drawn: above the bound, excepted, or from before there was a sample. */
export interface NotCovered {
  readonly decisions: number
  /** Of them, those that reached the threshold. */
  readonly flagged: number
  /** Sum of sizes, in minor units. */
  readonly amountMinor: number
}

/**
 * Makes what figures of performance are computed from out of a log.
 *
 * `flagged` of an event is the model's word: what the control sample let through counts as flagged, so that
 * recall is that of the model, and its propensity is the chance by which its truth became known. Where alerts
 * are reviewed, the truth of all that was flagged is found out: 1.
 */
export const collectEvents = <D extends LoggedDecision>({
  flagged,
  segmentOf = () => '',
}: LoggedEventsOptions<D>): LoggedEvents<D> => {
  const decided: { event: DecidedEvent; readonly isCovered: boolean; readonly toldBy: Origin }[] = []
  const places = new Map<string, number>()
  return {
    decide: (decision) => {
      const { transactionId } = decision.transaction
      // A second decision of one id is an accident of stores; the first is what was answered.
      if (places.has(transactionId)) return
      places.set(transactionId, decided.length)
      decided.push({
        event: eventOf(decision, flagged, segmentOf(decision)),
        isCovered: isCovered(decision, flagged),
        toldBy: tellerOf(decision),
      })
    },
    label: ({ transactionId, isFraud, receivedAtMs, origin, isWaiting }) => {
      const place = places.get(transactionId)
      if (place === undefined || isWaiting === true || origin === 'history' || origin === 'delay') return
      const one = decided[place]!
      one.event = labelled(one.event, isFraud, receivedAtMs, origin ?? one.toldBy)
    },
    events: () => decided.map(({ event }) => event),
    audited: () => decided.flatMap(({ event, isCovered }) => (isCovered ? [event] : [])),
    notCovered: () => {
      const others = decided.flatMap(({ event, isCovered }) => (isCovered ? [] : [event]))
      return {
        decisions: others.length,
        flagged: others.filter((event) => event.flagged).length,
        amountMinor: others.reduce((sum, event) => sum + Math.abs(event.amountMinor), 0),
      }
    },
  }
}

const reachesThreshold = ({
  isFlagged,
  controlSample,
}: Pick<LoggedDecision, 'isFlagged' | 'controlSample'>): boolean =>
  isFlagged || controlSample?.drawn === 'let_through'

const isCovered = (decision: LoggedDecision, flagged: FlaggedTreatment): boolean =>
  decision.controlSample !== undefined || (flagged === 'reviewed' && reachesThreshold(decision))

/**
 * The chance that the truth of a decision had to be found out by review or by the control sample; null where
 * it had none, or was not drawn. 1 for alerts that are reviewed, those that were let through among them.
 */
export const propensityOf = (
  decision: Pick<LoggedDecision, 'isFlagged' | 'controlSample'>,
  flagged: FlaggedTreatment,
): number | null => {
  if (flagged === 'reviewed' && reachesThreshold(decision)) return 1
  const { controlSample } = decision
  return controlSample === undefined || controlSample.drawn === 'not_drawn' ? null : controlSample.propensity
}

const tellerOf = ({ isFlagged, controlSample }: LoggedDecision): Origin => {
  if (controlSample !== undefined && controlSample.drawn !== 'not_drawn') return 'sample'
  return isFlagged ? 'alert' : 'customer'
}

const eventOf = (
  decision: LoggedDecision,
  flagged: 'reviewed' | 'blocked',
  segment: string,
): DecidedEvent => ({
  decidedAtMs: decision.decidedAtMs,
  score: decision.probability,
  flagged: reachesThreshold(decision),
  amountMinor: decision.transaction.amountMinor,
  segment,
  label: null,
  knownAtMs: null,
  origin: null,
  propensity: propensityOf(decision, flagged),
})

const labelled = (
  event: DecidedEvent,
  isFraud: boolean | null,
  receivedAtMs: number,
  origin: Origin,
): DecidedEvent => ({
  decidedAtMs: event.decidedAtMs,
  score: event.score,
  flagged: event.flagged,
  amountMinor: event.amountMinor,
  segment: event.segment,
  label: isFraud === null ? null : isFraud ? 1 : 0,
  // A label that waited was told before its transaction came.
  knownAtMs: isFraud === null ? null : Math.max(event.decidedAtMs, receivedAtMs),
  origin: isFraud === null ? null : origin,
  propensity: event.propensity,
})
