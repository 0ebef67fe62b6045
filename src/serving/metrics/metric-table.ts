import { ALERT_METRICS } from './alert-metric-rows.ts'
import { LOOK_METRICS } from './look-metric-table.ts'
import type { MetricRow } from './metric-row.ts'
import { RETRAINING_METRICS } from './retraining-metric-table.ts'

export type { MetricRow } from './metric-row.ts'

/**
 * That a counter with labels has risen. Its series begins with its first event, of which `increase` sees
 * nothing: a series that is new has risen too.
 */
const rises = (series: string, within: string): string =>
  `increase(${series}[${within}]) > 0 or (${series} unless ${series} offset ${within})`

const MODEL_LABELS = { model: 'name of the model', version: 'its version' }
const LABELS_OF_MODELS = {
  ...MODEL_LABELS,
  role: 'champion, canary, shadow',
  sha256: 'of the checksums of its artifact',
}
const TABLE_LABELS = { table: 'name of the table' }
const DECISION = 'flag, allow'

/**
 * Every metric of our own, by name, in the order of docs/metrics.md. Whatever registers one takes its help
 * and its labels from here, and a test compares this with what a server registers, so that none is without
 * a row, nor a row without a metric.
 */
export const METRICS = {
  vigia_build_info: {
    type: 'gauge',
    help: 'Version of Vigía and of Node; always 1.',
    unit: '1',
    labels: { version: 'of Vigía', node: 'of Node.js' },
  },
  vigia_ready: {
    type: 'gauge',
    help: '1 when decisions can be made; /health/ready says why not.',
    unit: '0 or 1',
    alarmName: 'VigiaNotReady',
    alarm: 'vigia_ready == 0',
    alarmSeverity: 'critical',
  },

  // Requests.
  vigia_http_request_duration_seconds: {
    type: 'histogram',
    help: 'Time from the headers of a request to the end of its answer, by route and status.',
    unit: 'seconds',
    labels: { method: 'GET, POST', route: 'as in the API', status: 'of HTTP' },
    alarmName: 'VigiaRequestsSlow',
    alarm:
      'histogram_quantile(0.99, sum by (le) (rate(vigia_http_request_duration_seconds_bucket{route="/predict"}[5m]))) > 1',
  },
  vigia_http_requests_in_flight: {
    type: 'gauge',
    help: 'Requests that are worked on.',
    unit: 'requests',
  },
  vigia_http_requests_shed_total: {
    type: 'counter',
    help: 'Requests turned away because the server had too much to do.',
    unit: 'requests',
    labels: { reason: 'requests_in_flight, event_loop_delay' },
    alarm: rises('vigia_http_requests_shed_total', '5m'),
  },
  vigia_event_loop_delay_seconds: {
    type: 'gauge',
    help: 'Mean delay of the event loop in the last quarter of a second; above limits.event_loop_delay requests are turned away.',
    unit: 'seconds',
  },
  vigia_errors_total: {
    type: 'counter',
    help: 'Errors that were answered, by code: of whole requests, and of rows of batches and streams.',
    unit: 'errors',
    labels: { code: 'of docs/errors.md' },
    alarm: rises(
      'vigia_errors_total{code=~"SERVING_(LOG_FAILED|STORE_FAILED|STORE_BEHIND|HISTORY_LOST|LEASE_LOST|UNEXPECTED)"}',
      '5m',
    ),
  },
  vigia_warnings_total: {
    type: 'counter',
    help: 'Things that a person should look at; the log lines say what.',
    unit: 'warnings',
    labels: { code: 'of docs/errors.md' },
    alarm: rises('vigia_warnings_total', '15m'),
  },
  vigia_request_unknown_attributes_total: {
    type: 'counter',
    help: 'Attributes of transactions that no model in service knows, where api.unknown_fields ignores them.',
    unit: 'attributes',
    alarm: 'increase(vigia_request_unknown_attributes_total[15m]) > 0',
  },

  // Decisions and labels.
  vigia_predictions_total: {
    type: 'counter',
    help: 'Decisions, without repeated ones.',
    unit: 'decisions',
    labels: {
      decision: DECISION,
      risk_level: 'low, medium, high, critical',
      ...MODEL_LABELS,
      role: 'champion, canary',
    },
  },
  vigia_control_sample_total: {
    type: 'counter',
    help: 'Decisions that chance chose for the control sample, without repeated ones: let through, or for review.',
    unit: 'decisions',
    labels: { drawn: 'let_through, review' },
  },
  vigia_predictions_repeated_total: {
    type: 'counter',
    help: 'Transactions that had been decided on before, and got the same answer again.',
    unit: 'transactions',
  },
  vigia_prediction_probability: {
    type: 'histogram',
    help: 'Calibrated probabilities of fraud, by model.',
    unit: 'probability',
    labels: MODEL_LABELS,
  },
  vigia_prediction_duration_seconds: {
    type: 'histogram',
    help: 'Time that a decision took, its way through the log included.',
    unit: 'seconds',
  },
  vigia_feedback_total: {
    type: 'counter',
    help: 'Labels, by what became of them: delivered by the server itself, expired while they waited, or the outcome of feedback.',
    unit: 'labels',
    labels: {
      outcome: 'applied, waiting, late, unchanged, delivered, expired',
      is_fraud: 'true, false, unknown',
    },
  },
  vigia_labels_waiting: {
    type: 'gauge',
    help: 'Labels that wait for their transaction. One that only grows: ids of labels are not those of transactions.',
    unit: 'labels',
    alarm: 'min_over_time(deriv(vigia_labels_waiting[1h])[1d:1h]) > 0',
  },
  vigia_state_updates_total: {
    type: 'counter',
    help: 'Transactions that a state took in late, too late to count, by moving its oldest one to a step (truncated), or with windows that count such steps (approximate).',
    unit: 'transactions',
    labels: { kind: 'kind of the entity', what: 'late, too_late, truncated, approximate' },
    alarmName: 'VigiaTransactionsTooLate',
    alarm: 'increase(vigia_state_updates_total{what="too_late"}[1h]) > 100',
  },
  vigia_event_time_refused_total: {
    type: 'counter',
    help: 'Transactions refused for their time: ahead of the clock, or in seconds.',
    unit: 'transactions',
    labels: { reason: 'future, seconds' },
    alarm: rises('vigia_event_time_refused_total', '15m'),
  },
  vigia_event_time_too_old_total: {
    type: 'counter',
    help: 'Transactions decided on that moved no state, because they lie too far behind the clock.',
    unit: 'transactions',
  },

  // Models.
  vigia_model_info: {
    type: 'gauge',
    help: 'Models in service; always 1.',
    unit: '1',
    labels: LABELS_OF_MODELS,
  },
  vigia_model_threshold: {
    type: 'gauge',
    help: 'Probability from which a transaction is flagged, by model in service.',
    unit: 'probability',
    labels: LABELS_OF_MODELS,
  },
  vigia_model_loaded_timestamp_seconds: {
    type: 'gauge',
    help: 'When the model was loaded.',
    unit: 'seconds since 1970',
    labels: LABELS_OF_MODELS,
  },
  vigia_shadow_predictions_total: {
    type: 'counter',
    help: 'Answers of the shadow model, by what it and the deciding model say.',
    unit: 'transactions',
    labels: { ...MODEL_LABELS, shadow: DECISION, champion: DECISION },
  },
  vigia_shadow_probability: {
    type: 'histogram',
    help: 'Calibrated probabilities of the shadow model.',
    unit: 'probability',
    labels: MODEL_LABELS,
  },
  vigia_shadow_unscored: {
    type: 'gauge',
    help: '1 when the shadow says nothing, since no states of its layout follow the log.',
    unit: '0 or 1',
    alarm: 'vigia_shadow_unscored == 1',
  },

  // States.
  vigia_store_cached_states: {
    type: 'gauge',
    help: 'States of entities in memory.',
    unit: 'states',
  },
  vigia_store_cached_bytes: {
    type: 'gauge',
    help: 'Size of the states in memory; with lmdb at most state_store.cache_size.',
    unit: 'bytes',
  },
  vigia_store_unsaved_states: {
    type: 'gauge',
    help: 'States that are in the log and not yet in the store.',
    unit: 'states',
  },
  vigia_store_expired_states: {
    type: 'gauge',
    help: 'States of entities that have expired since the start: nothing in them could be read any more.',
    unit: 'states',
  },
  vigia_store_history_lost: {
    type: 'gauge',
    help: '1 when a shared state store has lost decisions: nothing is decided until it is put right.',
    unit: '0 or 1',
    alarm: 'vigia_store_history_lost == 1',
    alarmSeverity: 'critical',
  },
  vigia_branches: {
    type: 'gauge',
    help: 'States of other layouts that follow the log, or should.',
    unit: 'branches',
  },
  vigia_branches_failed: {
    type: 'gauge',
    help: 'States of other layouts that do not follow the log.',
    unit: 'branches',
    alarm: 'vigia_branches_failed > 0',
  },
  vigia_branch_records_behind: {
    type: 'gauge',
    help: 'Records of the log that states of another layout lack; of several, the most.',
    unit: 'records',
    alarm: 'min_over_time(vigia_branch_records_behind[1h]) > 0',
  },
  vigia_branch_bytes: {
    type: 'gauge',
    help: 'Size on the disk of the states of other layouts.',
    unit: 'bytes',
  },
  vigia_layout_pauses_total: {
    type: 'counter',
    help: 'Times that requests waited while states of another layout took over.',
    unit: 'pauses',
  },
  vigia_layout_pause_seconds_total: {
    type: 'counter',
    help: 'How long requests waited while states of another layout took over, all together.',
    unit: 'seconds',
  },
  vigia_layout_last_pause_seconds: {
    type: 'gauge',
    help: 'How long requests waited the last time that states of another layout took over; 0: never yet.',
    unit: 'seconds',
  },

  // The log.
  vigia_log_last_sequence: {
    type: 'gauge',
    help: 'Number of the last record in the log: decisions, labels and others.',
    unit: 'number of a record',
  },
  vigia_log_first_sequence: {
    type: 'gauge',
    help: 'Number of the first record in the log: what was before was removed by prediction_log.keep.',
    unit: 'number of a record',
  },
  vigia_log_removed_records: {
    type: 'gauge',
    help: 'Records that prediction_log.keep has removed since the start.',
    unit: 'records',
  },
  vigia_log_bytes: {
    type: 'gauge',
    help: 'Size of the segments of the log, which are not yet Parquet.',
    unit: 'bytes',
  },
  vigia_log_waiting_records: {
    type: 'gauge',
    help: 'Records whose receipts are not yet in the store.',
    unit: 'records',
  },
  vigia_snapshots: {
    type: 'gauge',
    help: 'Snapshots of the states beside the log.',
    unit: 'snapshots',
  },
  vigia_snapshot_timestamp_seconds: {
    type: 'gauge',
    help: 'When the latest snapshot of the states was taken; 0: never.',
    unit: 'seconds since 1970',
    alarmName: 'VigiaSnapshotOld',
    alarm: 'time() - vigia_snapshot_timestamp_seconds > 2 * 86400 and vigia_snapshot_timestamp_seconds > 0',
  },
  vigia_searches_total: {
    type: 'counter',
    help: 'Searches for earlier decisions in log and archive.',
    unit: 'searches',
  },
  vigia_searches_refused_total: {
    type: 'counter',
    help: 'Searches for earlier decisions that were refused, since too many others waited.',
    unit: 'searches',
    alarm: 'increase(vigia_searches_refused_total[5m]) > 0',
  },
  vigia_searches_waiting: {
    type: 'gauge',
    help: 'Searches for earlier decisions that wait or are worked on.',
    unit: 'searches',
  },

  // Tables beside the transactions.
  vigia_table_lookups_total: {
    type: 'counter',
    help: 'Transactions looked up in a table beside them.',
    unit: 'transactions',
    labels: { ...TABLE_LABELS, outcome: 'found, missing, without_key, sent' },
    alarmName: 'VigiaTableRowsMissing',
    alarm:
      'sum by (table) (rate(vigia_table_lookups_total{outcome="missing"}[15m])) / sum by (table) (rate(vigia_table_lookups_total[15m])) > 0.5',
  },
  vigia_table_rows: {
    type: 'gauge',
    help: 'Rows of a table that transactions can find.',
    unit: 'rows',
    labels: TABLE_LABELS,
  },
  vigia_table_unusable_rows: {
    type: 'gauge',
    help: 'Rows of the files of a table that no transaction can find.',
    unit: 'rows',
    labels: TABLE_LABELS,
  },
  vigia_table_changed_timestamp_seconds: {
    type: 'gauge',
    help: 'When the newest file of the table in use was written.',
    unit: 'seconds since 1970',
    labels: TABLE_LABELS,
    alarmName: 'VigiaTableOld',
    alarm: 'time() - vigia_table_changed_timestamp_seconds > 2 * 86400',
  },
  vigia_table_loaded_timestamp_seconds: {
    type: 'gauge',
    help: 'When the table in use was read.',
    unit: 'seconds since 1970',
    labels: TABLE_LABELS,
  },
  vigia_table_stale: {
    type: 'gauge',
    help: '1 when a newer version of the table could not be read, so an older one is in use.',
    unit: '0 or 1',
    labels: TABLE_LABELS,
    alarm: 'vigia_table_stale == 1',
  },

  // Looks at what was decided.
  ...LOOK_METRICS,
  ...RETRAINING_METRICS,
  ...ALERT_METRICS,
} as const satisfies Readonly<Record<string, MetricRow>>

/** A metric of our own, or those of one type. */
export type MetricName<T extends MetricRow['type'] = MetricRow['type']> = {
  [Name in keyof typeof METRICS]: (typeof METRICS)[Name]['type'] extends T ? Name : never
}[keyof typeof METRICS]

/** What registering a metric takes of its row. */
export const described = <Name extends MetricName>(
  name: Name,
): { readonly name: Name; readonly help: string; readonly labelNames: string[] } => {
  const { help, labels = {} }: MetricRow = METRICS[name]
  return { name, help, labelNames: Object.keys(labels) }
}
