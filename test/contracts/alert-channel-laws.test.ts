import { describe } from 'vitest'
import { memoryChannelSubject } from '../../src/adapters/memory/memory-alert-channel.test-kit.ts'
import { alertChannelLaws } from '../../src/testing/alert-channel-laws.ts'
import { refuseAll } from './faults.ts'

describe('a broken alert channel', () => {
  refuseAll(alertChannelLaws, [
    {
      what: 'one that says delivered and sends nothing',
      subject: memoryChannelSubject(() => async () => ({ kind: 'delivered' })),
      breaks: 'law 1: what is delivered has arrived, with summary and severity',
    },
    {
      what: 'one whose keys differ from message to message',
      subject: memoryChannelSubject((send) => (message) => send({ ...message, dedupKey: message.id })),
      breaks: 'law 2: the end of an alert bears the key of its beginning',
    },
    {
      what: 'one that tidies keys',
      subject: memoryChannelSubject(
        (send) => (message) => send({ ...message, dedupKey: message.dedupKey.replaceAll(/\s+/g, ' ') }),
      ),
      breaks: 'law 2: two alerts that differ in a character have two keys',
    },
    {
      what: 'one that does not say what it was asked to wait',
      subject: memoryChannelSubject((send) => async (message) => {
        const delivery = await send(message)
        return delivery.kind === 'retry' ? { kind: 'retry', reason: delivery.reason } : delivery
      }),
      breaks: 'law 3: a receiver that is busy is for later',
    },
    {
      what: 'one that throws',
      subject: memoryChannelSubject((send) => async (message) => {
        const delivery = await send(message)
        if (delivery.kind === 'retry') throw new Error(delivery.reason)
        return delivery
      }),
      breaks: 'law 3: a receiver that breaks off is for later, and gets it then',
    },
    {
      what: 'one that never gives up',
      subject: memoryChannelSubject((send) => async (message) => {
        const delivery = await send(message)
        return delivery.kind === 'refused' ? { kind: 'retry', reason: delivery.reason } : delivery
      }),
      breaks: 'law 4: a receiver that will never take it is not asked again',
    },
    {
      what: 'one whose repeats look new',
      subject: memoryChannelSubject((send) => {
        let sent = 0
        return (message) => send({ ...message, id: `${message.id} ${++sent}` })
      }),
      breaks: 'law 5: what is sent again can be told from what is new',
    },
    {
      what: 'one that tells its password with its troubles',
      subject: memoryChannelSubject((send) => async (message) => {
        const delivery = await send(message)
        return delivery.kind === 'delivered'
          ? delivery
          : { ...delivery, reason: `POST https://user:hunter2@example.org: ${delivery.reason}` }
      }),
      breaks: 'law 6: what goes wrong is told without secrets: it busy',
    },
    {
      what: 'one whose tests look real',
      subject: memoryChannelSubject((send) => (message) => send({ ...message, isTest: false })),
      breaks: 'law 7: a test says that it is one',
    },
    {
      what: 'one that refuses what is long',
      subject: memoryChannelSubject(
        (send) => async (message) =>
          message.summary.length > 1000 ? { kind: 'refused', reason: 'too long' } : send(message),
      ),
      breaks: 'law 8: a message of any length arrives, with its key',
    },
    {
      what: 'one that stops at the first odd character',
      subject: memoryChannelSubject(
        (send) => (message) => send({ ...message, summary: message.summary.split('\0')[0]!, details: [] }),
      ),
      breaks: 'law 8: a message of odd characters arrives',
    },
  ])
})
