import { readFile } from 'node:fs/promises'
import { createAlertmanager } from '../adapters/alerts/alertmanager.ts'
import { createEmail } from '../adapters/alerts/email.ts'
import { createHeartbeat, type Heartbeat } from '../adapters/alerts/heartbeat.ts'
import { createPagerDuty } from '../adapters/alerts/pagerduty.ts'
import { createSlackBot } from '../adapters/alerts/slack-bot.ts'
import { createSlackWebhook } from '../adapters/alerts/slack-webhook.ts'
import { createStandardWebhook } from '../adapters/alerts/standard-webhook.ts'
import { createTeams } from '../adapters/alerts/teams.ts'
import { HEARTBEAT } from '../alerts/report-channels.ts'
import type { AlertChannelSettings, AlertsSettings } from '../config/sections/alerts.ts'
import { VigiaError } from '../errors.ts'
import { parseDuration } from '../foundation/duration.ts'
import type { AlertChannel } from '../ports/alert-channel.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Undefined where the settings name no address, or it cannot be had. */
export const openHeartbeat = async (
  { heartbeat, timeout }: AlertsSettings,
  environment: Environment,
  broken: Map<string, string>,
): Promise<Heartbeat | undefined> => {
  try {
    const url = await secretOf(HEARTBEAT, heartbeat, environment)
    return url === undefined ? undefined : createHeartbeat(url, parseDuration(timeout))
  } catch (error) {
    broken.set(HEARTBEAT, reasonOf(error))
    return undefined
  }
}

/** A channel that cannot be opened is there all the same, so that its messages wait for it. */
export const openAlertChannels = async (
  { channels, timeout }: AlertsSettings,
  environment: Environment,
  now: () => number,
  broken: Map<string, string>,
): Promise<readonly AlertChannel[]> => {
  const opened: AlertChannel[] = []
  for (const [name, channel] of Object.entries(channels))
    try {
      const secret = await secretOf(name, channel, environment)
      const parts = { name, now, timeoutMs: parseDuration(timeout), secret: secret ?? '' }
      opened.push(openChannel(parts, channel))
    } catch (error) {
      const reason = reasonOf(error)
      broken.set(name, reason)
      opened.push({ name, send: async () => ({ kind: 'retry', reason }) })
    }
  return opened
}

/** Why a channel is broken. @throws what says something else */
const reasonOf = (error: unknown): string => {
  if (error instanceof VigiaError && error.code === 'ALERT_CHANNEL_INVALID')
    return String(error.details['reason'])
  throw error
}

interface ChannelParts {
  readonly name: string
  readonly secret: string
  readonly timeoutMs: number
  readonly now: () => number
}

/** What a kind needs is there: `config/alert-channel-problems.ts` has seen to it. */
const openChannel = (parts: ChannelParts, channel: AlertChannelSettings): AlertChannel => {
  const { name, secret, timeoutMs, now } = parts
  const { url = '' } = channel
  switch (channel.kind) {
    case 'slack_webhook':
      return createSlackWebhook({ name, url: secret, timeoutMs })
    case 'slack_bot':
      return createSlackBot({
        name,
        token: secret,
        room: channel.room ?? '',
        url: url || 'https://slack.com/api',
        timeoutMs,
      })
    case 'pagerduty':
      return createPagerDuty({
        name,
        routingKey: secret,
        url: url || 'https://events.pagerduty.com',
        timeoutMs,
      })
    case 'alertmanager':
      return createAlertmanager({
        name,
        url,
        ...(secret !== '' && { token: secret }),
        refreshMs: parseDuration(channel.refresh ?? '1m'),
        timeoutMs,
        now,
      })
    case 'teams':
      return createTeams({ name, url: secret, timeoutMs })
    case 'webhook':
      return createStandardWebhook({
        name,
        url,
        secrets: secret.split(/\s+/).filter((text) => text !== ''),
        guard: { allowedHosts: channel.allowed_hosts ?? [] },
        timeoutMs,
        now,
      })
    case 'email': {
      const { host = '', tls = 'starttls', user, from = '', to = [] } = channel
      const port = channel.port ?? (tls === 'implicit' ? 465 : 587)
      const login = user === undefined ? {} : { user, password: secret }
      return createEmail({ name, host, port, tls, from, to, timeoutMs, ...login })
    }
  }
}

/** The secret as it stands in the environment or a file; undefined where neither is named. */
const secretOf = async (
  name: string,
  named: { readonly secret_variable?: string; readonly secret_file?: string },
  environment: Environment,
): Promise<string | undefined> => {
  const { secret_variable: variable, secret_file: file } = named
  const invalid = (reason: string, cause?: unknown) =>
    new VigiaError('ALERT_CHANNEL_INVALID', { name, reason }, { cause })
  if (variable !== undefined) {
    const secret = environment[variable]?.trim()
    if (!secret) throw invalid(`the environment variable ${variable}, which has its secret, is not set`)
    return secret
  }
  if (file === undefined) return undefined
  const secret = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw invalid(`the file ${file}, which has its secret, cannot be read`, cause)
  })
  if (secret.trim() === '') throw invalid(`the file ${file}, which has its secret, is empty`)
  return secret.trim()
}
