import type { AlertsSettings } from '../config/sections/alerts.ts'
import type { AlertChannel } from '../ports/alert-channel.ts'
import type { AlertCenter } from './alert-center.ts'

/** The alerts of a configuration. */
export interface OpenedAlerts {
  readonly center: AlertCenter
  /** In the order of the settings. */
  readonly channels: readonly AlertChannel[]
  /** Those that cannot be sent through here, and `HEARTBEAT`, with the reason: a secret is missing. */
  readonly broken: ReadonlyMap<string, string>
}

/** Opens the alerts that settings describe. Nothing is sent yet. */
export type OpenAlerts = (
  settings: AlertsSettings,
  environment: Readonly<Record<string, string | undefined>>,
) => Promise<OpenedAlerts>
