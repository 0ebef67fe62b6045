import { readFile } from 'node:fs/promises'
import { createAlertmanager } from '../adapters/alerts/alertmanager.ts'
import { createEmail } from '../adapters/alerts/email.ts'
import { createHeartbeat, type Heartbeat } from '../adapters/alerts/heartbeat.ts'
import { createPagerDuty } from '../adapters/alerts/pagerduty.ts'
import { createSlackBot } from '../adapters/alerts/slack-bot.ts'
import { createSlackWebhook } from '../adapters/alerts/slack-webhook.ts'
import { createStandardWebhook } from '../adapters/alerts/standard-webhook.ts'
import { createTeams } from '../adapters/alerts/teams.ts'
import { openFileJournal } from '../adapters/journal/file-journal.ts'
import type { AlertEntry } from '../alerts/alert-book.ts'
import { type AlertCenter, type AlertCenterOptions, createAlertCenter } from '../alerts/alert-center.ts'
import type { OpenedAlerts } from '../alerts/open-alerts.ts'
import { HEARTBEAT } from '../alerts/report-channels.ts'
import type { ServedChannel } from '../alerts/served-alerts.ts'
import type { AlertChannelSettings, AlertsSettings } from '../config/sections/alerts.ts'
import type { FolderOwner } from '../disk/folder-lock.ts'
import { VigiaError } from '../errors.ts'
import { parseDuration } from '../foundation/duration.ts'
import { createRandom } from '../foundation/random.ts'
import type { World } from '../foundation/world.ts'
import { ALERT_SEVERITIES, type AlertChannel } from '../ports/alert-channel.ts'
import { claimsOf } from './claims.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** What alerts need of the process. */
export interface AlertParts {
  readonly world: Pick<World, 'now' | 'newId'>
  readonly owner: FolderOwner
  /** Channels of one's own, beside those of the configuration: they hear of everything. */
  readonly channels?: readonly AlertChannel[]
}

/** The alerts of a configuration, and where signs of life are sent to, if anywhere. */
export interface KeptAlerts extends OpenedAlerts {
  readonly heartbeat?: Heartbeat
}

/**
 * Opens the alerts of a configuration: its channels, with their secrets, and what is known so far. What
 * cannot be opened is told in `broken`.
 */
export const alertsOpener =
  ({ world, owner, channels: own = [] }: AlertParts) =>
  async (settings: AlertsSettings, environment: Environment): Promise<KeptAlerts> => {
    const broken = new Map<string, string>()
    const configured = await openAlertChannels(settings, environment, world.now, broken)
    const heartbeat = await openHeartbeat(settings, environment, broken)
    const channels = [...configured, ...own]
    const { now, newId } = world
    const journal = openFileJournal<AlertEntry>({
      folder: settings.path,
      owner,
      now,
      failure: 'ALERT_JOURNAL_FAILED',
    })
    const center: AlertCenter = createAlertCenter({
      journal,
      channels,
      broken,
      settings: centerSettings(settings, own),
      world,
      random: createRandom(newId()),
      claimant: {
        ...claimsOf(owner, newId()),
        claimMs: 2 * parseDuration(settings.timeout) + CLAIM_MARGIN_MS,
      },
    })
    return { center, channels, broken, ...(heartbeat !== undefined && { heartbeat }) }
  }

/** The channels as routes and metrics of a server tell of them. */
export const servedChannels = (
  settings: AlertsSettings,
  { channels, broken }: OpenedAlerts,
): readonly ServedChannel[] =>
  channels.map(({ name }) => {
    const reason = broken.get(name)
    const kind = settings.channels[name]?.kind ?? 'own'
    return { name, kind, ...(reason !== undefined && { broken: reason }) }
  })

/** Undefined where the settings name no address, or it cannot be had. */
const openHeartbeat = async (
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
const openAlertChannels = async (
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

const centerSettings = (
  settings: AlertsSettings,
  own: readonly AlertChannel[],
): AlertCenterOptions['settings'] => ({
  rules: {
    confirm: settings.confirm,
    recoveryLooks: settings.recovery_looks,
    firstReminderMs: parseDuration(settings.first_reminder),
    longestReminderMs: parseDuration(settings.longest_reminder),
    inhibit: settings.inhibit,
  },
  retry: {
    firstMs: parseDuration(settings.retry.first),
    longestMs: parseDuration(settings.retry.longest),
    giveUpMs: parseDuration(settings.retry.give_up),
  },
  routes: [
    ...settings.routes.map(({ severities, kinds, channels }) => ({
      severities: severities ?? ALERT_SEVERITIES,
      kinds: kinds ?? [],
      channels,
    })),
    // Without a route everything goes to every channel already.
    ...(settings.routes.length > 0 && own.length > 0
      ? [{ severities: ALERT_SEVERITIES, kinds: [], channels: own.map(({ name }) => name) }]
      : []),
  ],
  keep: { historyMs: keptMs(settings.keep.history), deadLettersMs: keptMs(settings.keep.dead_letters) },
  ...(settings.url !== '' && { url: settings.url }),
})

const keptMs = (text: string): number => (text === 'forever' ? Number.POSITIVE_INFINITY : parseDuration(text))

/** Beyond what a receiver may take: a bot of Slack is asked twice for a message. */
const CLAIM_MARGIN_MS = 10_000
