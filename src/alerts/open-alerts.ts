import type { AlertsSettings } from '../config/sections/alerts.ts'
import type { AlertChannel } from '../ports/alert-channel.ts'
import type { AlertCenter } from './alert-center.ts'

/** The alerts of a configuration. */
export interface OpenedAlerts {
  readonly center: AlertCenter
  /** In the order of the settings. */
  readonly channels: readonly AlertChannel[]
}

/**
 * Opens the alerts that settings describe. Nothing is sent yet.
 *
 * @throws ALERT_CHANNEL_INVALID where a secret is missing or is none
 */
export type OpenAlerts = (
  settings: AlertsSettings,
  environment: Readonly<Record<string, string | undefined>>,
) => Promise<OpenedAlerts>
