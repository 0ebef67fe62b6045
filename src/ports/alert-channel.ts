/** How bad an alert is, from the least to the worst. */
export const ALERT_SEVERITIES = ['moderate', 'severe', 'critical'] as const

export type AlertSeverity = (typeof ALERT_SEVERITIES)[number]

/** What a message asks of the receiver. */
export type AlertAction = 'trigger' | 'update' | 'acknowledge' | 'resolve'

/** Why a message is sent: one for each change of an alert, and reminders in between. */
export type AlertReason =
  | 'fired'
  | 'escalated'
  | 'eased'
  | 'reminder'
  | 'acknowledged'
  | 'resolved'
  | 'refreshed'
  | 'test'

/** One message about one alert, as every channel gets it. */
export interface AlertNotification {
  /** The same whenever this message is sent again, and of no other message: receivers drop repeats by it. */
  readonly id: string
  /** `vigia/<model>/<kind>/<segment>`, at most 255 bytes: the same over the whole life of the alert. */
  readonly dedupKey: string
  /**
   * From firing to resolved: the messages of one episode belong together, in a thread where there are any.
   */
  readonly episode: string
  readonly action: AlertAction
  readonly reason: AlertReason
  readonly model: string
  /** `drift`, `score_drift`, `data_quality`, `performance`, `monitoring`, `delivery`, or one's own. */
  readonly kind: string
  /** Empty: all transactions. */
  readonly segment: string
  readonly severity: AlertSeverity
  /** What the receiver was told before, where that was another severity. */
  readonly previousSeverity?: AlertSeverity
  /** One line for people. */
  readonly summary: string
  /** More lines: the features that moved, what to do. */
  readonly details: readonly string[]
  /** When the episode began, epoch milliseconds. */
  readonly startedMs: number
  /** Of this message, epoch milliseconds. */
  readonly atMs: number
  /** Who acknowledged it, where somebody has. */
  readonly by?: string
  /** Page with more. */
  readonly url?: string
  /** True of `vigia alerts test`: the receiver must be able to tell. */
  readonly isTest: boolean
  /** What this channel answered as `thread` to an earlier message of the episode. */
  readonly thread?: string
}

/** What became of a message. */
export type AlertDelivery =
  | {
      readonly kind: 'delivered'
      /** What the channel wants to be handed with later messages of the episode: the id of a thread. */
      readonly thread?: string
      /** What people should know all the same: one of two recipients is unknown. */
      readonly note?: string
    }
  | {
      /** Not now. The message is to be sent again as it is. */
      readonly kind: 'retry'
      readonly reason: string
      /** The receiver asked for this pause; at its own discretion the sender may wait longer. */
      readonly afterMs?: number
    }
  | {
      /** Sending it again would not help. */
      readonly kind: 'refused'
      readonly reason: string
      /** True where the receiver wants nothing more at all (410 of Standard Webhooks). */
      readonly disables?: boolean
    }

/**
 * Somewhere that people or machines are told of alerts.
 *
 * Laws, which `alertChannelLaws` (`testing/`) holds every implementation to:
 * 1. What is delivered has reached the receiver, with its summary and its severity.
 * 2. Messages of one alert bear its key, those of two alerts different ones, whatever characters they hold.
 * 3. A receiver that is busy, broken or silent is `retry`; nothing is thrown, and what it asks for is handed
 * on.
 * 4. A receiver that will never take the message is `refused`, with its reason; nothing is thrown.
 * 5. A message that is sent again is the same to the receiver: it can drop it.
 * 6. No reason or note holds a secret.
 * 7. A test is marked as a test.
 * 8. A message of any length and script arrives: what is too long for the receiver is cut, and keeps its key.
 */
export interface AlertChannel {
  /** As the configuration calls it. */
  readonly name: string
  /**
   * How often the receiver must hear that an alert still fires, since it takes silence for the end. In
   * milliseconds; absent where it does not.
   */
  readonly refreshMs?: number
  /** Sends one message, and does not try again itself. Never rejects. */
  send(notification: AlertNotification): Promise<AlertDelivery>
  /** Lets go of connections. */
  close?(): Promise<void>
}
