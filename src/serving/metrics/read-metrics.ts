import { Counter, Gauge, type Registry } from 'prom-client'
import type { InferencePipeline, InferenceStatus } from '../../decisions/inference-pipeline.ts'
import type { TableStatus } from '../../decisions/tables/table-status.ts'
import type { Load } from '../safety/load-shedding.ts'
import { described, type MetricName } from './metric-table.ts'

/** What is looked at whenever somebody asks for the metrics. */
export type Watched = Pick<InferencePipeline, 'models' | 'status'>

type Reads<T extends 'counter' | 'gauge', Subject extends readonly unknown[]> = {
  readonly [Name in MetricName<T>]?: (...subject: Subject) => number
}

/** Adds the metrics that are read from a pipeline and the load whenever somebody asks. */
export const addReadMetrics = (registry: Registry, pipeline: Watched, load: Load): void => {
  for (const [name, read] of entriesOf(GAUGES))
    new Gauge({
      ...described(name),
      registers: [registry],
      collect() {
        this.set(read(pipeline, load))
      },
    })
  for (const [name, read] of entriesOf(COUNTERS))
    new Counter({
      ...described(name),
      registers: [registry],
      collect() {
        this.reset()
        this.inc(read(pipeline.status()))
      },
    })
  for (const [name, read] of entriesOf(TABLE_GAUGES))
    new Gauge({
      ...described(name),
      registers: [registry],
      collect() {
        this.reset()
        for (const table of pipeline.status().tables) this.set({ table: table.name }, read(table))
      },
    })
  for (const [name, read] of entriesOf(MODEL_GAUGES))
    new Gauge({
      ...described(name),
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

const entriesOf = <Name extends MetricName, Read>(
  reads: Readonly<Partial<Record<Name, Read>>>,
): readonly (readonly [Name, Read])[] =>
  Object.entries(reads) as unknown as readonly (readonly [Name, Read])[]

/** Of each table beside the transactions. */
const TABLE_GAUGES: Reads<'gauge', [table: TableStatus]> = {
  vigia_table_rows: ({ rows }) => rows,
  vigia_table_unusable_rows: ({ unusableRows }) => unusableRows,
  vigia_table_changed_timestamp_seconds: ({ changedAtMs }) => changedAtMs / 1000,
  vigia_table_loaded_timestamp_seconds: ({ loadedAtMs }) => loadedAtMs / 1000,
  vigia_table_stale: ({ failure }) => (failure === '' ? 0 : 1),
}

/** Of the whole server. */
const GAUGES: Reads<'gauge', [pipeline: Watched, load: Load]> = {
  vigia_ready: (pipeline) => (pipeline.status().isReady ? 1 : 0),
  vigia_http_requests_in_flight: (_, load) => load.inFlight,
  vigia_event_loop_delay_seconds: (_, load) => load.eventLoopDelayMs / 1000,
  vigia_store_cached_states: (pipeline) => pipeline.status().store.cachedStates,
  vigia_store_cached_bytes: (pipeline) => pipeline.status().store.cachedBytes,
  vigia_store_unsaved_states: (pipeline) => pipeline.status().store.unsavedStates,
  vigia_store_expired_states: (pipeline) => pipeline.status().store.expiredStates,
  vigia_log_last_sequence: (pipeline) => pipeline.status().log.lastSequence,
  vigia_store_history_lost: (pipeline) => (pipeline.status().store.isHistoryLost ? 1 : 0),
  vigia_labels_waiting: (pipeline) => pipeline.status().log.waitingLabels,
  vigia_log_bytes: (pipeline) => pipeline.status().log.bytes,
  vigia_log_waiting_records: (pipeline) => pipeline.status().log.waiting,
  vigia_log_first_sequence: (pipeline) => pipeline.status().log.firstSequence,
  vigia_log_removed_records: (pipeline) => pipeline.status().log.removedRecords,
  vigia_snapshots: (pipeline) => pipeline.status().log.snapshots,
  vigia_snapshot_timestamp_seconds: (pipeline) => (pipeline.status().log.lastSnapshotAtMs ?? 0) / 1000,
  vigia_branches: (pipeline) => pipeline.status().branches.length,
  vigia_branches_failed: (pipeline) =>
    pipeline.status().branches.filter(({ failure }) => failure !== '').length,
  vigia_shadow_unscored: (pipeline) =>
    pipeline.models.some(({ unscored }) => unscored !== undefined) ? 1 : 0,
  vigia_branch_records_behind: (pipeline) =>
    Math.max(0, ...pipeline.status().branches.map(({ behind }) => behind)),
  vigia_branch_bytes: (pipeline) => pipeline.status().branches.reduce((sum, { bytes }) => sum + bytes, 0),
  vigia_layout_last_pause_seconds: (pipeline) => (pipeline.status().layoutPauses?.lastMs ?? 0) / 1000,
  vigia_searches_waiting: (pipeline) => pipeline.status().searches.waiting,
}

/** Counts that a pipeline keeps itself, since its start. */
const COUNTERS: Reads<'counter', [status: InferenceStatus]> = {
  vigia_searches_total: ({ searches }) => searches.done,
  vigia_searches_refused_total: ({ searches }) => searches.refused,
  vigia_layout_pauses_total: ({ layoutPauses }) => layoutPauses?.count ?? 0,
  vigia_layout_pause_seconds_total: ({ layoutPauses }) => (layoutPauses?.totalMs ?? 0) / 1000,
}

/** Of each model in service. */
const MODEL_GAUGES: Reads<'gauge', [model: InferencePipeline['models'][number]]> = {
  vigia_model_info: () => 1,
  vigia_model_threshold: ({ threshold }) => threshold,
  vigia_model_loaded_timestamp_seconds: ({ loadedAtMs }) => loadedAtMs / 1000,
}
