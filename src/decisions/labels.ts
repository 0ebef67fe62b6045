import type { DecisionReceipt } from './decided.ts'
import type { LabelReceipt } from './decision-receipt.ts'
import type { Entities } from './entities.ts'
import type { Feedback } from './inference-pipeline.ts'
import type { LabelEntry } from './log/log-record.ts'

/** Whose states learn a label, and when its transaction happened. */
export interface LabelledEntities {
  readonly userId: string
  readonly merchantId?: string
  readonly deviceId?: string
  readonly own?: NonNullable<Entities['own']>
  readonly eventTimeMs: number
}

/**
 * The entities of the decision, or, where no decision was made here, those that the feedback names; undefined
 * when it names none.
 */
export const entitiesOfFeedback = (
  decision: DecisionReceipt | undefined,
  feedback: Feedback,
): LabelledEntities | undefined => {
  const { userId, merchantId, deviceId, eventTimeMs } = decision ?? feedback
  const own = decision?.own
  if (userId === undefined || eventTimeMs === undefined) return undefined
  return {
    userId,
    ...(merchantId !== undefined && { merchantId }),
    ...(deviceId !== undefined && { deviceId }),
    ...(own !== undefined && { own }),
    eventTimeMs,
  }
}

/** The log's entry of a label. */
export const labelEntryOf = (
  { transactionId, isFraud }: Feedback,
  entities: LabelledEntities,
  receivedAtMs: number,
  isApplied: boolean,
): LabelEntry => ({ transactionId, isFraud, ...entities, receivedAtMs, isApplied })

/** The receipt of a label; its place in the log is not known yet. */
export const labelReceiptOf = ({ isFraud, receivedAtMs, isApplied }: LabelEntry): LabelReceipt => ({
  isFraud,
  receivedAtMs,
  isApplied,
  position: undefined,
})
