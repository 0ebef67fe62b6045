import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { InferenceObserver, InferencePipeline } from '../../decisions/inference-pipeline.ts'
import type { TableStatus } from '../../decisions/tables/table-status.ts'
import type { Load } from '../safety/load-shedding.ts'
import { PIPELINE_COUNTERS } from './pipeline-counters.ts'
import { createCounter, createHistogram, type HistogramSeries } from './series.ts'

/** What the server counts, for Prometheus. One registry for each server. */
export interface ServingMetrics {
  /** Given to the pipeline when it is opened. */
  readonly observer: InferenceObserver
  readonly registry: Registry
  /** Counts the finished requests of one method to one route. */
  readonly requestsOf: (method: string, route: string) => (status: number, seconds: number) => void
  /** A request that was turned away because of the load. */
  readonly countShed: (reason: string) => void
  /** An error that was answered, of a request or of a row of it. */
  readonly countError: (code: string) => void
  /** Attributes of a request that no model in service knows. */
  readonly countUnknownAttributes: (attributes: number) => void
  /** From now on gauges tell of these. */
  readonly watch: (pipeline: Watched, load: Load) => void
}

const LATENCY_BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const SCORE_BOUNDS = [
  0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1,
]

export const createServingMetrics = (version: string): ServingMetrics => {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const about = {
    name: 'vigia_build_info',
    help: 'Version of Vigía and of Node; always 1.',
    labelNames: ['version', 'node'],
  }
  new Gauge({ ...about, registers: [registry] }).set({ version, node: process.version }, 1)
  const requests = createHistogram(registry, {
    name: 'vigia_http_request_duration_seconds',
    help: 'Time from the headers of a request to the end of its answer, by route and status.',
    labelNames: ['method', 'route', 'status'],
    bounds: LATENCY_BOUNDS,
  })
  const shed = createCounter(registry, {
    name: 'vigia_http_requests_shed_total',
    help: 'Requests turned away because the server had too much to do.',
    labelNames: ['reason'],
  })
  const errors = createCounter(registry, {
    name: 'vigia_errors_total',
    help: 'Errors that were answered, by code: of whole requests, and of rows of batches and streams.',
    labelNames: ['code'],
  })
  const unknownAttributes = createCounter(registry, {
    name: 'vigia_request_unknown_attributes_total',
    help: 'Attributes of transactions that no model in service knows, where api.unknown_fields ignores them.',
    labelNames: [],
  })()
  return {
    observer: createObserver(registry),
    registry,
    requestsOf: (method, route) => {
      const byStatus: (HistogramSeries | undefined)[] = []
      return (status, seconds) => {
        const series = byStatus[status] ?? requests(method, route, String(status))
        byStatus[status] = series
        series.observe(seconds)
      }
    },
    countShed: (reason) => {
      shed(reason).value++
    },
    countError: (code) => {
      errors(code).value++
    },
    countUnknownAttributes: (attributes) => {
      unknownAttributes.value += attributes
    },
    watch: (pipeline, load) => addGauges(registry, pipeline, load),
  }
}

const createObserver = (registry: Registry): InferenceObserver => {
  const predictions = createCounter(registry, {
    name: 'vigia_predictions_total',
    help: 'Decisions, without repeated ones.',
    labelNames: ['decision', 'risk_level', 'model', 'version', 'role'],
  })
  const repeated = createCounter(registry, {
    name: 'vigia_predictions_repeated_total',
    help: 'Transactions that had been decided on before.',
    labelNames: [],
  })()
  const scores = createHistogram(registry, {
    name: 'vigia_prediction_probability',
    help: 'Calibrated probabilities of fraud, by model.',
    labelNames: ['model', 'version'],
    bounds: SCORE_BOUNDS,
  })
  const latency = createHistogram(registry, {
    name: 'vigia_prediction_duration_seconds',
    help: 'Time that a decision took, its way through the log included.',
    labelNames: [],
    bounds: LATENCY_BOUNDS,
  })()
  const labels = createCounter(registry, {
    name: 'vigia_feedback_total',
    help: 'Labels, by what became of them: delivered by the server itself, expired while they waited, or the outcome of feedback.',
    labelNames: ['outcome', 'is_fraud'],
  })
  const times = createTimeObserver(registry)
  const lookups = createCounter(registry, {
    name: 'vigia_table_lookups_total',
    help: 'Transactions looked up in a table beside them: found, missing, without_key, or sent.',
    labelNames: ['table', 'outcome'],
  })
  const warnings = createCounter(registry, {
    name: 'vigia_warnings_total',
    help: 'Things that a person should look at; the log says what.',
    labelNames: ['code'],
  })
  return {
    predicted: (
      { isRepeated, isFlagged, riskLevel, model: { name, version }, role, probability, timing },
      latencyMs,
    ) => {
      if (isRepeated) repeated.value++
      else {
        latency.observe(latencyMs / 1000)
        predictions(isFlagged ? 'flag' : 'allow', riskLevel, name, version, role).value++
        scores(name, version).observe(probability)
        if (timing === 'too_old') times.countTooOld()
      }
    },
    shadowed: createShadowObserver(registry),
    labelled: (outcome, isFraud) => {
      labels(outcome, isFraud === null ? 'unknown' : String(isFraud)).value++
    },
    updated: times.updated,
    mistimed: times.mistimed,
    lookedUp: (table, outcome) => {
      lookups(table, outcome).value++
    },
    warned: (code) => {
      warnings(code).value++
    },
  }
}

/** What is counted of transactions whose time is not as usual. */
const createTimeObserver = (
  registry: Registry,
): Pick<InferenceObserver, 'updated' | 'mistimed'> & { readonly countTooOld: () => void } => {
  const updates = createCounter(registry, {
    name: 'vigia_state_updates_total',
    help: 'Transactions that a state took in late, too late to count, by moving its oldest one to a step, or with windows that count such steps.',
    labelNames: ['kind', 'what'],
  })
  const mistimed = createCounter(registry, {
    name: 'vigia_event_time_refused_total',
    help: 'Transactions refused for their time: ahead of the clock, or in seconds.',
    labelNames: ['reason'],
  })
  const tooOld = createCounter(registry, {
    name: 'vigia_event_time_too_old_total',
    help: 'Transactions decided on that moved no state, because they lie too far behind the clock.',
    labelNames: [],
  })()
  return {
    updated: ({ kind, what }) => {
      updates(kind, what).value++
    },
    mistimed: (reason) => {
      mistimed(reason).value++
    },
    countTooOld: () => {
      tooOld.value++
    },
  }
}

const createShadowObserver = (registry: Registry): InferenceObserver['shadowed'] => {
  const shadow = createCounter(registry, {
    name: 'vigia_shadow_predictions_total',
    help: 'Answers of the shadow model, by what it and the deciding model say.',
    labelNames: ['model', 'version', 'shadow', 'champion'],
  })
  const shadowScores = createHistogram(registry, {
    name: 'vigia_shadow_probability',
    help: 'Calibrated probabilities of the shadow model.',
    labelNames: ['model', 'version'],
    bounds: SCORE_BOUNDS,
  })
  return ({ name, version }, probability, isFlagged, championFlagged) => {
    shadow(name, version, isFlagged ? 'flag' : 'allow', championFlagged ? 'flag' : 'allow').value++
    shadowScores(name, version).observe(probability)
  }
}

type Watched = Pick<InferencePipeline, 'models' | 'status'>

const addGauges = (registry: Registry, pipeline: Watched, load: Load): void => {
  for (const [name, help, read] of GAUGES)
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read(pipeline, load))
      },
    })
  for (const [name, help, read] of PIPELINE_COUNTERS)
    new Counter({
      name,
      help,
      registers: [registry],
      collect() {
        this.reset()
        this.inc(read(pipeline.status()))
      },
    })
  for (const [name, help, read] of TABLE_GAUGES)
    new Gauge({
      name,
      help,
      labelNames: ['table'],
      registers: [registry],
      collect() {
        this.reset()
        for (const table of pipeline.status().tables) this.set({ table: table.name }, read(table))
      },
    })
  for (const [name, help, read] of MODEL_GAUGES)
    new Gauge({
      name,
      help,
      labelNames: ['model', 'version', 'role', 'sha256'],
      registers: [registry],
      collect() {
        this.reset()
        for (const model of pipeline.models)
          this.set(
            { model: model.name, version: model.version, role: model.role, sha256: model.sha256 },
            read(model),
          )
      },
    })
}

/** Of each table beside the transactions. */
const TABLE_GAUGES: readonly (readonly [string, string, (table: TableStatus) => number])[] = [
  ['vigia_table_rows', 'Rows of a table that transactions can find.', ({ rows }) => rows],
  [
    'vigia_table_unusable_rows',
    'Rows of its files that no transaction can find.',
    ({ unusableRows }) => unusableRows,
  ],
  [
    'vigia_table_changed_timestamp_seconds',
    'When the newest file of the table in use was written.',
    ({ changedAtMs }) => changedAtMs / 1000,
  ],
  [
    'vigia_table_loaded_timestamp_seconds',
    'When the table in use was read.',
    ({ loadedAtMs }) => loadedAtMs / 1000,
  ],
  [
    'vigia_table_stale',
    '1 when a newer version of the table could not be read, so an older one is in use.',
    ({ failure }) => (failure === '' ? 0 : 1),
  ],
]

/** Name, help, and what it reads when it is asked. */
const GAUGES: readonly (readonly [string, string, (pipeline: Watched, load: Load) => number])[] = [
  ['vigia_ready', '1 when decisions can be made.', (pipeline) => (pipeline.status().isReady ? 1 : 0)],
  ['vigia_http_requests_in_flight', 'Requests that are worked on.', (_, load) => load.inFlight],
  [
    'vigia_event_loop_delay_seconds',
    'Mean delay of the event loop in the last quarter of a second.',
    (_, load) => load.eventLoopDelayMs / 1000,
  ],
  [
    'vigia_store_cached_states',
    'States of entities in memory.',
    (pipeline) => pipeline.status().store.cachedStates,
  ],
  ['vigia_store_cached_bytes', 'Their size.', (pipeline) => pipeline.status().store.cachedBytes],
  [
    'vigia_store_unsaved_states',
    'States that are in the log and not yet in the store.',
    (pipeline) => pipeline.status().store.unsavedStates,
  ],
  [
    'vigia_store_expired_states',
    'States of entities that have expired since the start: nothing in them could be read any more.',
    (pipeline) => pipeline.status().store.expiredStates,
  ],
  [
    'vigia_log_last_sequence',
    'Place of the last decision in the log.',
    (pipeline) => pipeline.status().log.lastSequence,
  ],
  [
    'vigia_store_history_lost',
    '1 when a shared state store has lost decisions: nothing is decided until it is put right.',
    (pipeline) => (pipeline.status().store.isHistoryLost ? 1 : 0),
  ],
  [
    'vigia_labels_waiting',
    'Labels that wait for their transaction.',
    (pipeline) => pipeline.status().log.waitingLabels,
  ],
  ['vigia_log_bytes', 'Size of the log.', (pipeline) => pipeline.status().log.bytes],
  [
    'vigia_log_waiting_records',
    'Records whose receipts are not yet in the store.',
    (pipeline) => pipeline.status().log.waiting,
  ],
  [
    'vigia_log_first_sequence',
    'First place in the log: what was before was removed by prediction_log.keep.',
    (pipeline) => pipeline.status().log.firstSequence,
  ],
  [
    'vigia_log_removed_records',
    'Records that prediction_log.keep has removed since the start.',
    (pipeline) => pipeline.status().log.removedRecords,
  ],
  [
    'vigia_snapshots',
    'Snapshots of the states beside the log.',
    (pipeline) => pipeline.status().log.snapshots,
  ],
  [
    'vigia_snapshot_timestamp_seconds',
    'When the latest snapshot of the states was taken; 0: never.',
    (pipeline) => (pipeline.status().log.lastSnapshotAtMs ?? 0) / 1000,
  ],
  [
    'vigia_branches',
    'States of other layouts that follow the log.',
    (pipeline) => pipeline.status().branches.length,
  ],
  [
    'vigia_branches_failed',
    'Those of them that do not follow it.',
    (pipeline) => pipeline.status().branches.filter(({ failure }) => failure !== '').length,
  ],
  [
    'vigia_shadow_unscored',
    '1: the shadow says nothing, since no states of its layout follow the log.',
    (pipeline) => (pipeline.models.some(({ unscored }) => unscored !== undefined) ? 1 : 0),
  ],
  [
    'vigia_branch_records_behind',
    'Most records of the log that one of them lacks.',
    (pipeline) => Math.max(0, ...pipeline.status().branches.map(({ behind }) => behind)),
  ],
  [
    'vigia_branch_bytes',
    'Their size on the disk.',
    (pipeline) => pipeline.status().branches.reduce((sum, { bytes }) => sum + bytes, 0),
  ],
  [
    'vigia_layout_last_pause_seconds',
    'How long requests waited the last time that states of another layout took over.',
    (pipeline) => (pipeline.status().layoutPauses?.lastMs ?? 0) / 1000,
  ],
  [
    'vigia_searches_waiting',
    'Searches for earlier decisions that wait or are worked on.',
    (pipeline) => pipeline.status().searches.waiting,
  ],
]

/** The same for each model in service. */
const MODEL_GAUGES: readonly (readonly [
  string,
  string,
  (model: InferencePipeline['models'][number]) => number,
])[] = [
  ['vigia_model_info', 'Models in service; always 1.', () => 1],
  ['vigia_model_threshold', 'Probability from which a transaction is flagged.', ({ threshold }) => threshold],
  [
    'vigia_model_loaded_timestamp_seconds',
    'When the model was loaded.',
    ({ loadedAtMs }) => loadedAtMs / 1000,
  ],
]
