import type { Transporter } from 'nodemailer'
import type { AlertChannel, AlertDelivery, AlertNotification } from '../../ports/alert-channel.ts'
import { clean, cut, fitLines, footerOf, onOneLine, titleOf } from './alert-text.ts'
import { withoutSecrets } from './http-post.ts'

export interface EmailOptions {
  readonly name: string
  readonly host: string
  readonly port: number
  /**
   * `starttls`: refused without it. `implicit`: TLS from the first byte. `none`: for a relay on this machine.
   */
  readonly tls: 'starttls' | 'implicit' | 'none'
  readonly user?: string
  readonly password?: string
  /** `Vigía <vigia@example.org>` */
  readonly from: string
  readonly to: readonly string[]
  readonly timeoutMs: number
  /** PEM of authorities beside those of the system. */
  readonly ca?: string
}

const LONGEST_SUBJECT = 200
const MOST_DETAILS_BYTES = 100_000

/**
 * E-mail by SMTP. The messages of an episode are one thread: each answers the first. Its Message-ID follows
 * from the id of the message, so that mail programs show a message that came twice once.
 */
export const createEmail = (options: EmailOptions): AlertChannel => {
  let transport: Promise<Transporter> | undefined
  const domain = /@([^>\s]+)>?\s*$/.exec(options.from)?.[1] ?? 'vigia.invalid'
  return {
    name: options.name,
    send: async (alert) => {
      transport ??= openTransport(options)
      const mail = await transport
      return mail.sendMail(messageOf(alert, domain, options)).then(
        ({ rejected = [] }): AlertDelivery =>
          rejected.length === 0
            ? { kind: 'delivered' }
            : { kind: 'delivered', note: `${rejected.length} of the recipients were refused` },
        (error: unknown) => failureOf(error, options),
      )
    },
    close: async () => {
      ;(await transport)?.close()
    },
  }
}

const openTransport = async (options: EmailOptions): Promise<Transporter> => {
  const { host, port, tls, user, password, timeoutMs, ca } = options
  // Loaded when the first message is sent: a server that starts has no use for it yet.
  const { createTransport } = await import('nodemailer')
  return createTransport({
    host,
    port,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    ...(user !== undefined && { auth: { user, pass: password ?? '' } }),
    ...(ca !== undefined && { tls: { ca } }),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
}

const messageOf = (alert: AlertNotification, domain: string, { from, to }: EmailOptions) => {
  const first = `<${alert.episode}.0@${domain}>`
  const own = `<${alert.id}@${domain}>`
  return {
    from,
    to: [...to],
    subject: cut(titleOf(alert), LONGEST_SUBJECT),
    text: [
      titleOf(alert),
      '',
      clean(alert.summary),
      '',
      ...fitLines(alert.details, MOST_DETAILS_BYTES),
      '',
      footerOf(alert),
      '',
    ].join('\n'),
    messageId: own,
    ...(own !== first && { inReplyTo: first, references: [first] }),
    headers: {
      // Nobody's absence note shall answer, and rules can sort by the key.
      'Auto-Submitted': 'auto-generated',
      'X-Vigia-Key': alert.dedupKey.replaceAll(/\s/g, encodeURIComponent),
    },
    ...(alert.severity === 'critical' && alert.action !== 'resolve' && { priority: 'high' as const }),
  }
}

interface SmtpError {
  readonly code?: string
  readonly responseCode?: number
  readonly message?: string
}

/** 5xx of SMTP is for good, 4xx and everything about connections for later. */
const failureOf = (error: unknown, { user, password }: EmailOptions): AlertDelivery => {
  const { code, responseCode, message = String(error) } = error as SmtpError
  const secrets = [password ?? '', Buffer.from(`\0${user}\0${password}`).toString('base64')]
  const base64 = password === undefined ? [] : [Buffer.from(password).toString('base64')]
  const reason = `e-mail: ${withoutSecrets(onOneLine(message), [...secrets, ...base64]).slice(0, 300)}`
  const isForGood =
    responseCode !== undefined ? responseCode >= 500 : code === 'EENVELOPE' || code === 'EMESSAGE'
  return { kind: isForGood ? 'refused' : 'retry', reason }
}
