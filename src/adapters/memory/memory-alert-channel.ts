import type { AlertChannel, AlertDelivery, AlertNotification } from '../../ports/alert-channel.ts'

/** A channel that keeps what it is sent, for tests of what sends. */
export interface MemoryAlertChannel extends AlertChannel {
  /** What was delivered, in order; a message that was delivered before is not there twice. */
  readonly received: readonly AlertNotification[]
  /** Every attempt, delivered or not. */
  readonly attempts: readonly AlertNotification[]
  /** What it answers from now on. */
  answerWith(answer: AlertDelivery | ((notification: AlertNotification) => AlertDelivery)): void
}

export const createMemoryAlertChannel = (name = 'memory', refreshMs?: number): MemoryAlertChannel => {
  const received: AlertNotification[] = []
  const attempts: AlertNotification[] = []
  let answer: AlertDelivery | ((notification: AlertNotification) => AlertDelivery) = { kind: 'delivered' }
  return {
    name,
    ...(refreshMs !== undefined && { refreshMs }),
    received,
    attempts,
    answerWith: (next) => {
      answer = next
    },
    send: async (notification) => {
      attempts.push(notification)
      const delivery = typeof answer === 'function' ? answer(notification) : answer
      const isKnown = received.some(({ id }) => id === notification.id)
      if (delivery.kind === 'delivered' && !isKnown) received.push(notification)
      return delivery
    },
  }
}
