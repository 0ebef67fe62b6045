import type { MetricRow } from './metric-row.ts'

const CHANNEL_LABELS = { channel: 'name of the channel' }

/** Rows of the table of metrics that tell of alerts. */
export const ALERT_METRICS = {
  vigia_alerts_firing: {
    type: 'gauge',
    help: 'Alerts that fire, by model, kind and severity; one that is over has no series.',
    unit: 'alerts',
    labels: {
      model: 'of the alert',
      kind: 'drift, data_quality, concept_drift, performance, retraining, monitoring, delivery',
      severity: 'moderate, severe, critical',
    },
    alarm: 'vigia_alerts_firing > 0',
    alarmSeverity: '{{ $labels.severity }}',
  },
  vigia_alerts_read_timestamp_seconds: {
    type: 'gauge',
    help: 'When the server last read its alerts; it does every few seconds. 0: it has none.',
    unit: 'seconds since 1970',
    alarmName: 'VigiaAlertsNotRead',
    alarm: 'time() - vigia_alerts_read_timestamp_seconds > 60 and vigia_alerts_read_timestamp_seconds > 0',
  },
  vigia_alert_messages_waiting: {
    type: 'gauge',
    help: 'Messages about alerts that wait to be sent, by channel.',
    unit: 'messages',
    labels: CHANNEL_LABELS,
    alarm: 'vigia_alert_messages_waiting > 0',
    alarmFor: '15m',
  },
  vigia_alert_dead_letters: {
    type: 'gauge',
    help: 'Messages about alerts that were given up, by channel; kept for alerts.keep.dead_letters.',
    unit: 'messages',
    labels: CHANNEL_LABELS,
    alarm: 'delta(vigia_alert_dead_letters[1h]) > 0',
  },
  vigia_alert_channel_broken: {
    type: 'gauge',
    help: '1 when this server cannot send through the channel, such as without its secret: its messages wait.',
    unit: '0 or 1',
    labels: CHANNEL_LABELS,
    alarm: 'vigia_alert_channel_broken == 1',
    alarmSeverity: 'critical',
  },
  vigia_alert_channel_switched_off: {
    type: 'gauge',
    help: '1 when the receiver of the channel wants nothing more, until a test arrives or somebody switches it on.',
    unit: '0 or 1',
    labels: CHANNEL_LABELS,
    alarm: 'vigia_alert_channel_switched_off == 1',
  },
  vigia_alert_last_delivery_timestamp_seconds: {
    type: 'gauge',
    help: 'When the channel took a message last; 0: never.',
    unit: 'seconds since 1970',
    labels: CHANNEL_LABELS,
  },
  vigia_alert_heartbeat_broken: {
    type: 'gauge',
    help: '1 when no signs of life can be sent, such as without their address.',
    unit: '0 or 1',
    alarm: 'vigia_alert_heartbeat_broken == 1',
    alarmSeverity: 'critical',
  },
  vigia_alert_heartbeat_timestamp_seconds: {
    type: 'gauge',
    help: 'When a sign of life was taken last; 0: none since the start, or nobody listens for them.',
    unit: 'seconds since 1970',
    alarmName: 'VigiaSignsOfLifeMissing',
    alarm:
      'time() - vigia_alert_heartbeat_timestamp_seconds > 900 and vigia_alert_heartbeat_timestamp_seconds > 0',
  },
} as const satisfies Readonly<Record<string, MetricRow>>
