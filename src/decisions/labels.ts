import type { StateLayout } from '../features/state/layout.ts'
import type { EntityKind } from '../transaction/entity-kind.ts'
import { tokenOf } from '../transaction/token.ts'
import type { Transaction } from '../transaction/transaction.ts'
import type { DecisionReceipt } from './decided.ts'
import type { Decider } from './decider.ts'
import type { LabelReceipt, WaitingReceipt } from './decision-receipt.ts'
import type { Entities } from './entities.ts'
import type { Feedback } from './inference-pipeline.ts'
import { toldBy, toldOrigin } from './label-origin.ts'
import type { LabelEntry } from './log/log-record.ts'

/** Whose states learn a label, and when its transaction happened. */
export interface LabelledEntities extends Entities {
  readonly eventTimeMs: number
}

/**
 * The entities of the decision, or, where no decision was made here, those of the feedback's transaction, or
 * those that the feedback names; undefined when it says nothing of them.
 *
 * @param entitiesOf whose a transaction is
 */
export const entitiesOfFeedback = (
  decision: DecisionReceipt | undefined,
  feedback: Feedback,
  entitiesOf: (transaction: Transaction) => Entities,
): LabelledEntities | undefined => {
  const { transaction } = feedback
  const known: (Entities & { readonly eventTimeMs: number }) | undefined =
    decision ?? (transaction && { ...entitiesOf(transaction), eventTimeMs: transaction.eventTimeMs })
  const { userId, merchantId, deviceId, eventTimeMs, own }: Entities & Pick<Feedback, 'eventTimeMs'> =
    known ?? feedback
  const isNobodys = userId === undefined && merchantId === undefined && deviceId === undefined
  if (eventTimeMs === undefined || (known === undefined && isNobodys)) return undefined
  return {
    ...(userId !== undefined && { userId }),
    ...(merchantId !== undefined && { merchantId }),
    ...(deviceId !== undefined && { deviceId }),
    ...(own !== undefined && { own }),
    eventTimeMs,
  }
}

/** A label with who tells it, as far as it says so or the decision does. */
const withOrigin = (feedback: Feedback, decision: DecisionReceipt | undefined): Feedback =>
  feedback.origin !== undefined || decision === undefined
    ? feedback
    : { ...feedback, origin: toldBy(decision) }

/** The log's entry of a label; `known` is what states were told before. */
export const labelEntryOf = (
  { transactionId, isFraud, origin }: Feedback,
  entities: LabelledEntities | undefined,
  receivedAtMs: number,
  isApplied: boolean,
  known?: boolean,
): LabelEntry => ({
  transactionId,
  isFraud,
  ...(known !== undefined && { known }),
  ...entities,
  receivedAtMs,
  isApplied,
  ...(origin !== undefined && { origin }),
})

/**
 * Applies a label that was told to the states of its transaction's entities; it is not applied where nobody
 * knows whose they are, or no feature can need it any more.
 *
 * @param known what states were told before
 * @param decision on its transaction, which says who tells a label that does not say so
 * @returns the log's entry of it
 */
export const applyTold = (
  engineer: Pick<Decider['engineer'], 'applyLabel'>,
  states: Parameters<Decider['engineer']['applyLabel']>[0],
  feedback: Feedback,
  entities: LabelledEntities | undefined,
  known: boolean | undefined,
  receivedAtMs: number,
  decision: DecisionReceipt | undefined,
): LabelEntry => {
  const { transactionId, isFraud } = feedback
  const isApplied =
    entities !== undefined &&
    engineer.applyLabel(states, {
      transactionToken: tokenOf(transactionId),
      eventTimeMs: entities.eventTimeMs,
      isFraud,
      known,
    })
  return labelEntryOf(withOrigin(feedback, decision), entities, receivedAtMs, isApplied, known)
}

/** What states were told by the latest label of a transaction; undefined: nothing. */
export const knownBy = (latest: LabelReceipt | undefined): boolean | undefined =>
  latest?.isApplied ? (latest.isFraud ?? undefined) : undefined

/** The receipt of a label that waits for its transaction. */
export const waitingReceiptOf = (label: LabelEntry): WaitingReceipt => ({
  ...labelReceiptOf(label),
  transactionId: label.transactionId,
})

/**
 * Time from a transaction until no label of it can change a feature, in milliseconds: the longest window of
 * its entities' states, risk windows with the delay before them; 0 where no feature reads labels.
 */
export const labelLifeMs = (engineer: LabelReaders): number =>
  Math.max(
    0,
    ...engineer.kinds.flatMap((kind) => {
      const { layout } = engineer.keeperOf(kind)!
      return layout.labelField < 0 ? [] : [layout.retentionMs]
    }),
  )

const originOf = (origin: LabelEntry['origin']): Pick<LabelReceipt, 'origin'> => {
  const told = toldOrigin(origin)
  return told === undefined ? {} : { origin: told }
}

type LabelReaders = {
  readonly kinds: readonly EntityKind[]
  keeperOf(kind: EntityKind): { readonly layout: StateLayout } | undefined
}

/** The receipt of a label; its place in the log is not known yet. */
export const labelReceiptOf = ({
  isFraud,
  receivedAtMs,
  isApplied,
  eventTimeMs,
  due,
  origin,
}: LabelEntry): LabelReceipt => ({
  isFraud,
  receivedAtMs,
  isApplied,
  ...(eventTimeMs !== undefined && { eventTimeMs }),
  ...(due !== undefined && { due }),
  ...originOf(origin),
  position: undefined,
})
