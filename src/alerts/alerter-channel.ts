import type { AlertChannel, AlertNotification } from '../ports/alert-channel.ts'

/** What an alerter is told: the message, and its severity as `NONE`, `MODERATE`, `SEVERE` or `CRITICAL`. */
export interface AlertReport extends AlertNotification {
  /** `NONE`: it is over. */
  readonly overall_severity: 'NONE' | 'MODERATE' | 'SEVERE' | 'CRITICAL'
}

/** Anything that can tell somebody. What it throws means: not now, send it again. */
export interface Alerter {
  send_alert(report: AlertReport): unknown
}

/**
 * An alerter as a channel: everything else (when, to whom, once, again) is done for it. For a receiver that
 * refuses messages for good, asks for pauses or has threads, write an `AlertChannel`.
 */
export const alerterChannel = (name: string, alerter: Alerter): AlertChannel => ({
  name,
  send: async (notification) => {
    const overall_severity = notification.action === 'resolve' ? 'NONE' : upper(notification.severity)
    try {
      await alerter.send_alert({ ...notification, overall_severity })
      return { kind: 'delivered' }
    } catch (error) {
      return { kind: 'retry', reason: error instanceof Error ? error.message : String(error) }
    }
  },
})

const upper = <S extends string>(text: S) => text.toUpperCase() as Uppercase<S>
