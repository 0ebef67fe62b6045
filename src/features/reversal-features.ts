import { NO_TOKEN } from '../transaction/token.ts'
import type { Feature } from './feature.ts'
import { yesOrNo } from './phrase.ts'
import type { EntityReading } from './state/reading.ts'
import type { TransactionEvent } from './transaction-event.ts'

const ONWARDS = Number.POSITIVE_INFINITY
const UNSAID = 'the transaction names no original'
const UNKNOWN = "none is known among the user's recent transactions"

/**
 * What a refund or reversal says that it gives back, looked for among the user's transactions that the
 * longest window may still look at. Only where the source maps `reverses`.
 */
export const REVERSAL_FEATURES: readonly Feature[] = [
  {
    name: 'reversal_is_known',
    meaning: "The transaction that this one reverses is among the user's recent ones.",
    unit: 'boolean',
    range: [0, 1],
    missing: `missing when ${UNSAID} (only where source.fields.reverses is mapped)`,
    phrase: yesOrNo(
      'the user made the transaction that is reversed',
      'no recent transaction of the user is the one that is reversed',
      UNSAID,
    ),
    bind: ({ user, transaction }) => {
      const reading = user.reversal()
      return () => (transaction.reversesToken === NO_TOKEN ? Number.NaN : reading.knowsOriginal ? 1 : 0)
    },
  },
  {
    name: 'reversal_seconds_since',
    meaning: 'Seconds since the transaction that this one reverses.',
    unit: 'seconds',
    range: [0, ONWARDS],
    missing: `missing when ${UNSAID}, or ${UNKNOWN}`,
    phrase: { text: 'the transaction that is reversed is {} old', missing: `${UNSAID} that is known` },
    bind: ({ user, transaction }) => {
      const reading = user.reversal()
      return () =>
        isKnown(transaction, reading)
          ? Math.max(0, transaction.eventTimeMs - reading.originalTimeMs) / 1000
          : Number.NaN
    },
  },
  {
    name: 'reversal_share_of_amount',
    meaning: 'Size of this amount by that of the transaction that it reverses.',
    unit: 'ratio',
    range: [0, ONWARDS],
    missing: `missing when ${UNSAID}, or ${UNKNOWN}, or that was of 0`,
    phrase: {
      text: 'amount is {} times that of the transaction that is reversed',
      at: { 1: 'amount is that of the transaction that is reversed' },
      missing: `${UNSAID} that is known`,
    },
    bind: ({ user, transaction }) => {
      const reading = user.reversal()
      return () =>
        isKnown(transaction, reading) && reading.originalMinor !== 0
          ? Math.abs(transaction.amountMinor) / Math.abs(reading.originalMinor)
          : Number.NaN
    },
  },
]

const isKnown = (
  { reversesToken }: Pick<TransactionEvent, 'reversesToken'>,
  { knowsOriginal }: Pick<EntityReading, 'knowsOriginal'>,
): boolean => reversesToken !== NO_TOKEN && knowsOriginal
