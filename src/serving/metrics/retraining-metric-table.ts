import type { MetricRow } from './metric-row.ts'

const OF_MODEL = { model: 'registered name of the model that is trained again' }

/** Metrics of the retraining that a server does (`retraining.enabled`), as the journal has it. */
export const RETRAINING_METRICS = {
  vigia_retraining_status: {
    type: 'gauge',
    help: '1 for the status of the latest retraining, 0 for the others; without a series there was none yet.',
    unit: '0 or 1',
    labels: { model: OF_MODEL.model, status: 'waiting, training, shadow, held, done and so on' },
    alarmName: 'VigiaRetrainingHeld',
    alarm: 'vigia_retraining_status{status="held"} == 1',
    alarmSeverity: 'critical',
  },
  vigia_retraining_episodes_total: {
    type: 'counter',
    help: 'Retrainings that have ended, by how they did.',
    unit: 'retrainings',
    labels: { model: OF_MODEL.model, outcome: 'done, refused, rolled_back, cleared, failed, cancelled' },
    alarmName: 'VigiaRetrainingWentWrong',
    alarm: 'increase(vigia_retraining_episodes_total{outcome=~"failed|rolled_back"}[1d]) > 0',
  },
  vigia_retraining_last_step_timestamp_seconds: {
    type: 'gauge',
    help: 'When the last step of a retraining was written down.',
    unit: 'seconds since 1970',
    labels: OF_MODEL,
  },
  vigia_retraining_step_failures: {
    type: 'gauge',
    help: 'Failures in a row of the step that the retraining is at.',
    unit: 'failures',
    labels: OF_MODEL,
    alarmName: 'VigiaRetrainingStepFails',
    alarm: 'vigia_retraining_step_failures > 0',
    alarmFor: '2h',
  },
  vigia_retraining_failures_total: {
    type: 'counter',
    help: 'Processes that did steps of a retraining and failed or died, since the start.',
    unit: 'processes',
    alarm: 'increase(vigia_retraining_failures_total[1d]) > 0',
  },
} as const satisfies Readonly<Record<string, MetricRow>>
