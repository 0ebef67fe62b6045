import type { Feature } from './feature.ts'
import type { Money } from './payments.ts'
import { windowText } from './phrase.ts'

/** Count and sum of the refunds of a user or at a merchant in `(t - w, t]`, this transaction included. */
export const refundsInWindow = (kind: 'user' | 'merchant', window: string, { unit }: Money): Feature[] => {
  const whose = kind === 'user' ? 'of the user' : 'of the merchant'
  const missing = kind === 'user' ? 'never' : 'missing when the transaction names no merchant'
  const words = kind === 'user' ? {} : { missing: 'no merchant given' }
  const within = `in the last ${windowText(window)}`
  const none = `no refund ${whose} ${within}`
  return [
    {
      name: `${kind}_refund_count_${window}`,
      meaning: `Refunds ${whose} in the last ${window}, this one included when it is one.`,
      unit: 'refunds',
      range: [0, Number.POSITIVE_INFINITY],
      missing,
      phrase: { text: `${kind} has had {} ${within}`, at: { 0: none }, ...words },
      bind: (sources) => {
        const reading = sources[kind].windowPayments(window)
        return () => reading.refundCount
      },
    },
    {
      name: `${kind}_refund_amount_${window}`,
      meaning: `Sum of the refunds ${whose} in the last ${window}, this one included when it is one.`,
      unit: 'currency',
      range: [0, Number.POSITIVE_INFINITY],
      missing,
      phrase: { text: `refunds ${whose} ${within} are {}`, at: { 0: none }, ...words },
      bind: (sources) => {
        const reading = sources[kind].windowPayments(window)
        return () => reading.refundTotalMinor / unit
      },
    },
  ]
}
