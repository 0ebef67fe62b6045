import type { Heartbeat } from '../adapters/alerts/heartbeat.ts'
import { openFileJournal } from '../adapters/journal/file-journal.ts'
import type { AlertEntry } from '../alerts/alert-book.ts'
import { type AlertCenter, type AlertCenterOptions, createAlertCenter } from '../alerts/alert-center.ts'
import type { OpenedAlerts } from '../alerts/open-alerts.ts'
import type { ServedChannel } from '../alerts/served-alerts.ts'
import type { AlertsSettings } from '../config/sections/alerts.ts'
import type { FolderOwner } from '../disk/folder-lock.ts'
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
    const { now, newId } = world
    const { configured, heartbeat, broken } = await openReceivers(settings, environment, now)
    const channels = [...configured, ...own]
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

/** Whether a watcher outside listens for signs of life. */
export const isWatched = ({ heartbeat }: AlertsSettings): boolean =>
  heartbeat.secret_variable !== undefined || heartbeat.secret_file !== undefined

/** Whether settings name anybody who is told. */
export const hasReceivers = (settings: AlertsSettings): boolean =>
  Object.keys(settings.channels).length > 0 || isWatched(settings)

interface Receivers {
  readonly configured: readonly AlertChannel[]
  readonly heartbeat?: Heartbeat | undefined
  readonly broken: ReadonlyMap<string, string>
}

/** Loaded where they are used: most servers keep alerts without any. */
const openReceivers = async (
  settings: AlertsSettings,
  environment: Environment,
  now: () => number,
): Promise<Receivers> => {
  const broken = new Map<string, string>()
  if (!hasReceivers(settings)) return { configured: [], broken }
  const { openAlertChannels, openHeartbeat } = await import('./open-alert-channels.ts')
  const configured = await openAlertChannels(settings, environment, now, broken)
  return { configured, heartbeat: await openHeartbeat(settings, environment, broken), broken }
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
