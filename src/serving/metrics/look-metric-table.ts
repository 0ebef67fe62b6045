import type { MetricRow } from './metric-row.ts'

const OF_MODEL = { model: 'name of the model that was looked at', version: 'its version' }

/** Metrics of the latest look at what a server decided (`monitoring`), whichever process took it. */
export const LOOK_METRICS = {
  vigia_look_timestamp_seconds: {
    type: 'gauge',
    help: 'When the latest look at the log was done.',
    unit: 'seconds since 1970',
    labels: OF_MODEL,
    alarm: 'time() - vigia_look_timestamp_seconds > 2 * 86400 + 3600',
    alarmName: 'VigiaNotLookedAt',
    alarmSeverity: 'critical',
    alarmAction:
      'What drifts or breaks meanwhile is not seen. GET /monitoring/runs says why. With another monitoring.schedule than a daily one, another time.',
  },
  vigia_look_day_timestamp_seconds: {
    type: 'gauge',
    help: 'Beginning of the day that the latest look was at. One that stays behind: no day ends any more.',
    unit: 'seconds since 1970',
    labels: OF_MODEL,
    alarm: 'time() - vigia_look_day_timestamp_seconds > 3 * 86400 + 3600',
    alarmName: 'VigiaNoDayEnds',
    alarmSeverity: 'critical',
    alarmAction:
      'The looks come, and see the same day again: nothing is decided any more, or the folder of the log is another one.',
  },
  vigia_look_severity: {
    type: 'gauge',
    help: 'What the latest look found: 0 nothing, 1 moderate, 2 severe, 3 critical.',
    unit: '0 to 3',
    labels: OF_MODEL,
    alarm: 'vigia_look_severity == 2',
    alarmName: 'VigiaLookSevere',
    alarmAction: 'The report says what has changed, and what to do: GET /monitoring/page of the server.',
    criticalAlarm: { name: 'VigiaLookCritical', alarm: 'vigia_look_severity >= 3' },
  },
  vigia_look_statistic: {
    type: 'gauge',
    help: 'How far the furthest series of the latest look is from what was expected; without it there was too little history.',
    unit: 'normal score',
    labels: OF_MODEL,
  },
  vigia_look_limit: {
    type: 'gauge',
    help: 'What the furthest series of a look without drift stays below.',
    unit: 'normal score',
    labels: OF_MODEL,
  },
  vigia_look_changed_features: {
    type: 'gauge',
    help: 'Features beyond the limit at the latest look.',
    unit: 'features',
    labels: OF_MODEL,
  },
  vigia_look_rows: {
    type: 'gauge',
    help: 'Decisions of the day that the latest look was at.',
    unit: 'decisions',
    labels: OF_MODEL,
  },
  vigia_look_alert_ratio: {
    type: 'gauge',
    help: 'Share of scores at or above the threshold on the day that the latest look was at.',
    unit: 'ratio',
    labels: OF_MODEL,
  },
  vigia_look_duration_seconds: {
    type: 'gauge',
    help: 'How long the latest look took.',
    unit: 'seconds',
    labels: OF_MODEL,
  },
  vigia_look_failures_total: {
    type: 'counter',
    help: 'Looks that failed or whose process died, since the start.',
    unit: 'looks',
    alarm: 'increase(vigia_look_failures_total[1d]) > 0',
    alarmName: 'VigiaLookFailed',
    alarmAction: 'The log of the server (MONITORING_LOOK_FAILED) and GET /monitoring/runs say why.',
  },
} as const satisfies Readonly<Record<string, MetricRow>>
