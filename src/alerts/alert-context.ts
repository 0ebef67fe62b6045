import type { AlertNotification, AlertSeverity } from '../ports/alert-channel.ts'
import type { AlertRules } from './alert-state.ts'

/** Which messages go where. */
export interface AlertRoute {
  readonly severities: readonly AlertSeverity[]
  /** Empty: all kinds. */
  readonly kinds: readonly string[]
  /** Names of channels. */
  readonly channels: readonly string[]
}

/** How often a message is sent again. */
export interface RetryRules {
  readonly firstMs: number
  readonly longestMs: number
  /** A message that is older becomes a dead letter. */
  readonly giveUpMs: number
}

/** For how long what is over is kept in the journal; beyond that it stands in the history file only. */
export interface KeepRules {
  /** Of who did what. `Number.POSITIVE_INFINITY`: for ever. */
  readonly historyMs: number
  readonly deadLettersMs: number
}

/** What alerts are worked by, beside what has happened. */
export interface AlertContext {
  readonly rules: AlertRules
  readonly retry: RetryRules
  readonly routes: readonly AlertRoute[]
  /** Names of all channels. */
  readonly channels: readonly string[]
  /** Channels among them that this process cannot send through, with the reason. */
  readonly broken?: ReadonlyMap<string, string>
  /** Absent: everything is kept. */
  readonly keep?: KeepRules
  /** Page that messages lead to. */
  readonly url?: string
  /** Epoch milliseconds. */
  readonly nowMs: number
}

/** The channels of a message: those of every route that fits. Without any route, all channels. */
export const channelsFor = (
  { routes, channels }: Pick<AlertContext, 'routes' | 'channels'>,
  { kind, severity }: Pick<AlertNotification, 'kind' | 'severity'>,
): readonly string[] => {
  if (routes.length === 0) return channels
  const fitting = routes.filter(
    ({ severities, kinds }) => severities.includes(severity) && (kinds.length === 0 || kinds.includes(kind)),
  )
  const wanted = new Set(fitting.flatMap((route) => route.channels))
  return channels.filter((name) => wanted.has(name))
}
