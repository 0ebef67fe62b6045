import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import type { ReceiverMood } from '../../testing/alert-channel-laws.ts'

/** A message as a mail server got it. */
export interface ReceivedMail {
  /** By lower-case name, unfolded. */
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  readonly recipients: readonly string[]
  readonly isEncrypted: boolean
  /** Who logged in. */
  readonly user: string | undefined
}

export interface SmtpReceiver {
  readonly port: number
  readonly received: readonly ReceivedMail[]
  mood: ReceiverMood
  /** Addresses that it does not know. */
  readonly unknown: Set<string>
  close(): Promise<void>
}

/** A mail server on a free port of this machine. */
export const openSmtpReceiver = async (options: SMTPServerOptions = {}): Promise<SmtpReceiver> => {
  const received: ReceivedMail[] = []
  const unknown = new Set<string>()
  const failure = (responseCode: number, text: string) => Object.assign(new Error(text), { responseCode })
  const server = new SMTPServer({
    authOptional: true,
    disableReverseLookup: true,
    hideSTARTTLS: options.cert === undefined,
    ...options,
    onRcptTo: ({ address }, _, done) => {
      if (receiver.mood === 'busy') return done(failure(451, 'greylisted, come back later'))
      if (receiver.mood === 'refuses' || unknown.has(address)) return done(failure(550, 'no such user here'))
      done()
    },
    onConnect: (_, done) => {
      if (receiver.mood === 'breaks off') return done(failure(421, 'shutting down'))
      done()
    },
    onData: (stream, session, done) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const recipients = session.envelope.rcptTo.map(({ address }) => address)
        const { secure: isEncrypted, user } = session
        received.push({
          ...readMail(Buffer.concat(chunks)),
          recipients,
          isEncrypted,
          user: user as string | undefined,
        })
        done()
      })
    },
  })
  server.on('error', () => undefined)
  const listening = server.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  const receiver: SmtpReceiver = {
    port: (listening.address() as AddressInfo).port,
    received,
    mood: 'accepts',
    unknown,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
  return receiver
}

const readMail = (bytes: Buffer): Pick<ReceivedMail, 'headers' | 'text'> => {
  const [head = '', ...rest] = bytes.toString('latin1').split('\r\n\r\n')
  const lines = head.replaceAll(/\r\n[ \t]+/g, ' ').split('\r\n')
  const headers = Object.fromEntries(
    lines.map((line) => {
      const [, name = '', value = ''] = /^([^:]+): ?(.*)$/.exec(line) ?? []
      return [name.toLowerCase(), words(value)]
    }),
  )
  const body = rest.join('\r\n\r\n')
  return { headers, text: decoded(body, headers['content-transfer-encoding'] ?? '') }
}

const decoded = (body: string, encoding: string): string => {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString('utf8')
  if (encoding === 'quoted-printable') return quotedPrintable(body.replaceAll('=\r\n', ''))
  return Buffer.from(body, 'latin1').toString('utf8')
}

const quotedPrintable = (text: string): string =>
  Buffer.from(
    text.replaceAll(/=([0-9A-F]{2})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 16))),
    'latin1',
  ).toString('utf8')

/** Encoded words of a header (RFC 2047). */
const words = (value: string): string =>
  value
    .replaceAll(/\?= =\?/g, '?==?')
    .replaceAll(/=\?utf-8\?([bq])\?(.*?)\?=/gi, (_, kind: string, text: string) =>
      kind.toLowerCase() === 'b'
        ? Buffer.from(text, 'base64').toString('utf8')
        : quotedPrintable(text.replaceAll('_', ' ')),
    )
