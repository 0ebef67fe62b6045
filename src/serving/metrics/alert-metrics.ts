import { Gauge, type Registry } from 'prom-client'
import type { AlertBook } from '../../alerts/alert-book.ts'
import type { ServedAlerts } from '../../alerts/served-alerts.ts'
import { described, type MetricName } from './metric-table.ts'

/** A value and the labels that it has. */
interface Sample {
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

/**
 * Gauges of alerts, read whenever somebody asks for the metrics from what the server knew at its last turn:
 * no scrape waits for the journal. Without alerts the gauges are there and say nothing.
 */
export const addAlertMetrics = (registry: Registry, alerts: ServedAlerts | undefined): void => {
  for (const [name, read] of Object.entries(GAUGES))
    new Gauge({
      ...described(name as MetricName<'gauge'>),
      registers: [registry],
      collect() {
        this.reset()
        if (alerts === undefined) return
        for (const { labels = {}, value } of read(alerts, alerts.center.latest())) this.set(labels, value)
      },
    })
}

type ReadAlerts = (alerts: ServedAlerts, book: AlertBook) => readonly Sample[]

const GAUGES: { readonly [Name in MetricName<'gauge'> & `vigia_alert${string}`]: ReadAlerts } = {
  vigia_alerts_firing: (_, { states }) => {
    const counts = new Map<string, { readonly labels: Readonly<Record<string, string>>; value: number }>()
    for (const { model, kind, severity } of states.values()) {
      if (severity === undefined) continue
      const key = JSON.stringify([model, kind, severity])
      const count = counts.get(key) ?? { labels: { model, kind, severity }, value: 0 }
      count.value++
      counts.set(key, count)
    }
    return [...counts.values()]
  },
  vigia_alerts_read_timestamp_seconds: ({ center }) => [{ value: center.latestAtMs() / 1000 }],
  vigia_alert_messages_waiting: (alerts, { outbox }) => countedBy(alerts, outbox.values()),
  vigia_alert_dead_letters: (alerts, { dead }) => countedBy(alerts, dead.values()),
  vigia_alert_channel_broken: ({ channels }) =>
    channels.map(({ name, broken }) => ({
      labels: { channel: name },
      value: broken === undefined ? 0 : 1,
    })),
  vigia_alert_channel_switched_off: ({ channels }, { disabled }) =>
    channels.map(({ name }) => ({ labels: { channel: name }, value: disabled.has(name) ? 1 : 0 })),
  vigia_alert_last_delivery_timestamp_seconds: ({ channels }, { delivered }) =>
    channels.map(({ name }) => ({ labels: { channel: name }, value: (delivered.get(name) ?? 0) / 1000 })),
  vigia_alert_heartbeat_broken: ({ heartbeat }) =>
    heartbeat ? [{ value: heartbeat.broken === undefined ? 0 : 1 }] : [],
  vigia_alert_heartbeat_timestamp_seconds: ({ heartbeat }) =>
    heartbeat ? [{ value: heartbeat.lastMs() / 1000 }] : [],
}

/** Of each channel of the configuration, and of those that messages are for all the same. */
const countedBy = (
  { channels }: ServedAlerts,
  messages: Iterable<{ readonly channel: string }>,
): readonly Sample[] => {
  const counts = new Map(channels.map(({ name }) => [name, 0]))
  for (const { channel } of messages) counts.set(channel, (counts.get(channel) ?? 0) + 1)
  return [...counts].map(([channel, value]) => ({ labels: { channel }, value }))
}
