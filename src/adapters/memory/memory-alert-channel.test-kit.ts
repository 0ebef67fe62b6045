import type { AlertChannel, AlertDelivery, AlertNotification } from '../../ports/alert-channel.ts'
import type { AlertChannelSubject, ReceiverMood } from '../../testing/alert-channel-laws.ts'
import { createMemoryAlertChannel } from './memory-alert-channel.ts'

const ANSWERS: Readonly<Record<ReceiverMood, AlertDelivery>> = {
  accepts: { kind: 'delivered' },
  busy: { kind: 'retry', reason: 'busy', afterMs: 7000 },
  'breaks off': { kind: 'retry', reason: 'the connection was lost' },
  refuses: { kind: 'refused', reason: 'no such room' },
}

/** The channel in memory as a subject of the laws; `faults` replaces its sending. */
export const memoryChannelSubject = (
  faults: (send: AlertChannel['send']) => AlertChannel['send'] = (send) => send,
): AlertChannelSubject => ({
  secrets: ['hunter2'],
  asksForPauseMs: 7000,
  open: async () => {
    const channel = createMemoryAlertChannel()
    return {
      channel: { ...channel, send: faults(channel.send) },
      received: async () =>
        channel.attempts.map((message) => ({
          key: message.dedupKey,
          identity: message.id,
          text: textOf(message),
        })),
      become: async (mood) => channel.answerWith(ANSWERS[mood]),
      close: async () => {},
    }
  },
})

const textOf = ({ isTest, severity, summary, details }: AlertNotification): string =>
  [isTest ? 'TEST' : '', severity, summary, ...details].join('\n')
