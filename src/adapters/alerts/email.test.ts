import { afterEach, describe, expect, test } from 'vitest'
import { holdToLaws } from '../../../test/hold-to-laws.ts'
import { alert, alertChannelLaws } from '../../testing/alert-channel-laws.ts'
import { createEmail, type EmailOptions } from './email.ts'
import { openSmtpReceiver, type SmtpReceiver } from './smtp-receiver.test-kit.ts'

holdToLaws('e-mail keeps the laws of a channel', alertChannelLaws, {
  secrets: ['p4ssword-secret', Buffer.from('p4ssword-secret').toString('base64')],
  asksForPauseMs: 'SMTP has no such answer',
  open: async () => {
    const receiver = await openSmtpReceiver()
    const channel = emailTo(receiver.port)
    return {
      channel,
      received: async () =>
        receiver.received.map(({ headers, text }) => ({
          key: headers['x-vigia-key'] ?? '',
          identity: headers['message-id'] ?? '',
          text: `${headers['subject']}\n${text}`,
        })),
      become: async (mood) => {
        receiver.mood = mood
      },
      close: async () => {
        await channel.close?.()
        await receiver.close()
      },
    }
  },
})

describe('e-mail', () => {
  test('makes a thread of an episode, and the same Message-ID of a message that is sent again', async () => {
    const receiver = await open()
    const channel = emailTo(receiver.port)
    await channel.send(alert())
    await channel.send(alert())
    await channel.send(alert({ id: 'e1.1', action: 'resolve', reason: 'resolved' }))
    expect(
      receiver.received.map(({ headers }) => [
        headers['message-id'],
        headers['in-reply-to'],
        headers['references'],
        headers['subject'],
      ]),
    ).toEqual([
      ['<e1.0@bank.example>', undefined, undefined, '[FIRING critical] m: drift: The amounts have moved'],
      ['<e1.0@bank.example>', undefined, undefined, '[FIRING critical] m: drift: The amounts have moved'],
      [
        '<e1.1@bank.example>',
        '<e1.0@bank.example>',
        '<e1.0@bank.example>',
        '[RESOLVED critical] m: drift: The amounts have moved',
      ],
    ])
    expect(receiver.received[0]?.headers['auto-submitted']).toBe('auto-generated')
  })

  test('adds no header by a line end in a summary', async () => {
    const receiver = await open()
    await emailTo(receiver.port).send(alert({ summary: 'x\r\nBcc: thief@example.org\r\n\r\nbody' }))
    expect(receiver.received[0]?.recipients).toEqual(['desk@bank.example', 'night@bank.example'])
    expect(receiver.received[0]?.headers).not.toHaveProperty('bcc')
    expect(receiver.received[0]?.headers['subject']).toContain('x Bcc: thief@example.org body')
  })

  test('arrives with one of two recipients, and says that the other was refused', async () => {
    const receiver = await open()
    receiver.unknown.add('night@bank.example')
    expect(await emailTo(receiver.port).send(alert())).toEqual({
      kind: 'delivered',
      note: '1 of the recipients were refused',
    })
    receiver.unknown.add('desk@bank.example')
    expect(await emailTo(receiver.port).send(alert())).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('no such user here'),
    })
  })

  test('is not sent in the open where TLS is asked for', async () => {
    const receiver = await open()
    const answer = await emailTo(receiver.port, { tls: 'starttls' }).send(alert())
    expect([answer.kind, receiver.received.length]).toEqual(['retry', 0])
  })

  test('waits no longer than it is told to, and a server that is not there is for later', async () => {
    const receiver = await open()
    await receiver.close()
    expect((await emailTo(receiver.port).send(alert())).kind).toBe('retry')
  })

  test('a wrong password is for good, and is not told', async () => {
    const receiver = await openSmtpReceiver({
      authOptional: false,
      allowInsecureAuth: true,
      onAuth: ({ password }, _, done) =>
        done(Object.assign(new Error(`wrong: ${password}`), { responseCode: 535 })),
    })
    opened.push(receiver)
    const answer = await emailTo(receiver.port, { user: 'vigia', password: 'p4ssword-secret' }).send(alert())
    expect(answer.kind).toBe('refused')
    expect(JSON.stringify(answer)).not.toContain('p4ssword')
  })
})

const opened: SmtpReceiver[] = []
afterEach(async () => {
  for (const receiver of opened.splice(0)) await receiver.close()
})

const open = async (): Promise<SmtpReceiver> => {
  const receiver = await openSmtpReceiver()
  opened.push(receiver)
  return receiver
}

function emailTo(port: number, changes: Partial<EmailOptions> = {}) {
  return createEmail({
    name: 'mail',
    host: '127.0.0.1',
    port,
    tls: 'none',
    from: 'Vigía <vigia@bank.example>',
    to: ['desk@bank.example', 'night@bank.example'],
    timeoutMs: 20_000,
    ...changes,
  })
}
