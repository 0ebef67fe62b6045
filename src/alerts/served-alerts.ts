import type { AlertCenter } from './alert-center.ts'

/** The alerts of a server, as its routes and metrics see them. */
export interface ServedAlerts {
  readonly center: AlertCenter
  /** Whether there may be any: the server takes looks, has channels, or somebody has told something. */
  readonly isKept: () => boolean
  /** In the order of the settings. */
  readonly channels: readonly ServedChannel[]
  /** Absent where nobody outside listens for signs of life. */
  readonly heartbeat?: {
    /** Why none can be sent; absent: they can. */
    readonly broken?: string
    /** When the last one was taken, epoch milliseconds; 0: none yet. */
    readonly lastMs: () => number
  }
}

/** A channel of the configuration. */
export interface ServedChannel {
  readonly name: string
  /** `slack_bot`; `own` of channels that the configuration does not name. */
  readonly kind: string
  /** Why this process cannot send through it; absent: it can. */
  readonly broken?: string
}
