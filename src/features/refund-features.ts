import type { Entity } from '../transaction/entities.ts'
import type { Feature } from './feature.ts'
import type { Money } from './payments.ts'
import { windowText } from './phrase.ts'

/** Whose refunds: an entity by its name, and the word for it. */
type Whose = Pick<Entity, 'name' | 'word'>

/** Count and sum of the refunds of an entity in `(t - w, t]`, this transaction included. */
export const refundsInWindow = ({ name, word }: Whose, window: string, { unit }: Money): Feature[] => {
  const whose = `of the ${word}`
  const missing = name === 'user' ? 'never' : `missing when the transaction names no ${word}`
  const words = name === 'user' ? {} : { missing: `no ${word} given` }
  const within = `in the last ${windowText(window)}`
  const none = `no refund ${whose} ${within}`
  return [
    {
      name: `${name}_refund_count_${window}`,
      meaning: `Refunds ${whose} in the last ${window}, this one included when it is one.`,
      unit: 'refunds',
      range: [0, Number.POSITIVE_INFINITY],
      missing,
      phrase: { text: `${word} has had {} ${within}`, at: { 0: none }, ...words },
      bind: (sources) => {
        const reading = sources.entity(name).windowPayments(window)
        return () => reading.refundCount
      },
    },
    {
      name: `${name}_refund_amount_${window}`,
      meaning: `Sum of the refunds ${whose} in the last ${window}, this one included when it is one.`,
      unit: 'currency',
      range: [0, Number.POSITIVE_INFINITY],
      missing,
      phrase: { text: `refunds ${whose} ${within} are {}`, at: { 0: none }, ...words },
      bind: (sources) => {
        const reading = sources.entity(name).windowPayments(window)
        return () => reading.refundTotalMinor / unit
      },
    },
  ]
}
