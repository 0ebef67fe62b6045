import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { ServedAlerts } from '../../alerts/served-alerts.ts'
import type { InferenceObserver } from '../../decisions/inference-pipeline.ts'
import type { ServedRetraining } from '../../lifecycle/served-retraining.ts'
import type { ServedLooks } from '../../monitoring/served-looks.ts'
import type { Load } from '../safety/load-shedding.ts'
import { addAlertMetrics } from './alert-metrics.ts'
import { addLookMetrics } from './look-metrics.ts'
import { described, type MetricName } from './metric-table.ts'
import { addReadMetrics, type Watched } from './read-metrics.ts'
import { addRetrainingMetrics } from './retraining-metrics.ts'
import {
  type CounterSeries,
  createCounter,
  createHistogram,
  type HistogramSeries,
  type SeriesOf,
} from './series.ts'

/** What the server counts, for Prometheus. One registry for each server. */
export interface ServingMetrics {
  /** Given to the pipeline when it is opened. */
  readonly observer: InferenceObserver
  readonly registry: Registry
  /** Counts the finished requests of one method to one route; a request may have a trace. */
  readonly requestsOf: (
    method: string,
    route: string,
  ) => (status: number, seconds: number, traceId?: string) => void
  /** A request that was turned away because of the load. */
  readonly countShed: (reason: string) => void
  /** An error that was answered, of a request or of a row of it. */
  readonly countError: (code: string) => void
  /** Attributes of a request that no model in service knows. */
  readonly countUnknownAttributes: (attributes: number) => void
  /** From now on gauges tell of these. */
  readonly watch: (
    pipeline: Watched,
    load: Load,
    also?: {
      readonly alerts?: ServedAlerts | undefined
      readonly looks?: ServedLooks | undefined
      readonly retraining?: ServedRetraining | undefined
    },
  ) => void
}

const LATENCY_BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const SCORE_BOUNDS = [
  0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1,
]

export const createServingMetrics = (version: string): ServingMetrics => {
  const registry = new Registry()
  addProcessMetrics(registry)
  new Gauge({ ...described('vigia_build_info'), registers: [registry] }).set(
    { version, node: process.version },
    1,
  )
  const requests = histogramOf(registry, 'vigia_http_request_duration_seconds', LATENCY_BOUNDS)
  const shed = counterOf(registry, 'vigia_http_requests_shed_total')
  const errors = counterOf(registry, 'vigia_errors_total')
  const unknownAttributes = counterOf(registry, 'vigia_request_unknown_attributes_total')()
  return {
    observer: createObserver(registry),
    registry,
    requestsOf: (method, route) => {
      const byStatus: (HistogramSeries | undefined)[] = []
      return (status, seconds, traceId) => {
        const series = byStatus[status] ?? requests(method, route, String(status))
        byStatus[status] = series
        series.observe(seconds, traceId)
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
    watch: (pipeline, load, { alerts, looks, retraining } = {}) => {
      addReadMetrics(registry, pipeline, load)
      addAlertMetrics(registry, alerts)
      addLookMetrics(registry, looks)
      addRetrainingMetrics(registry, retraining)
    },
  }
}

/** Gauges of the client library whose names say that they count; their sums by type say the same. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
]

/** What the client library tells of the process and of Node.js, by names that Prometheus' tool accepts. */
const addProcessMetrics = (registry: Registry): void => {
  collectDefaultMetrics({ register: registry })
  for (const name of MISNAMED) registry.removeSingleMetric(name)
}

const counterOf = (registry: Registry, name: MetricName<'counter'>): SeriesOf<CounterSeries> =>
  createCounter(registry, described(name))

const histogramOf = (
  registry: Registry,
  name: MetricName<'histogram'>,
  bounds: readonly number[],
): SeriesOf<HistogramSeries> => createHistogram(registry, { ...described(name), bounds })

const createObserver = (registry: Registry): InferenceObserver => {
  const predictions = counterOf(registry, 'vigia_predictions_total')
  const sampled = counterOf(registry, 'vigia_control_sample_total')
  const repeated = counterOf(registry, 'vigia_predictions_repeated_total')()
  const scores = histogramOf(registry, 'vigia_prediction_probability', SCORE_BOUNDS)
  const latency = histogramOf(registry, 'vigia_prediction_duration_seconds', LATENCY_BOUNDS)()
  const labels = counterOf(registry, 'vigia_feedback_total')
  const times = createTimeObserver(registry)
  const lookups = counterOf(registry, 'vigia_table_lookups_total')
  const warnings = counterOf(registry, 'vigia_warnings_total')
  return {
    predicted: (
      {
        isRepeated,
        isFlagged,
        riskLevel,
        model: { name, version },
        role,
        probability,
        timing,
        controlSample,
      },
      latencyMs,
    ) => {
      if (isRepeated) repeated.value++
      else {
        latency.observe(latencyMs / 1000)
        predictions(isFlagged ? 'flag' : 'allow', riskLevel, name, version, role).value++
        scores(name, version).observe(probability)
        if (timing === 'too_old') times.countTooOld()
        if (controlSample !== undefined && controlSample.drawn !== 'not_drawn')
          sampled(controlSample.drawn).value++
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
  const updates = counterOf(registry, 'vigia_state_updates_total')
  const mistimed = counterOf(registry, 'vigia_event_time_refused_total')
  const tooOld = counterOf(registry, 'vigia_event_time_too_old_total')()
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
  const shadow = counterOf(registry, 'vigia_shadow_predictions_total')
  const shadowScores = histogramOf(registry, 'vigia_shadow_probability', SCORE_BOUNDS)
  return ({ name, version }, probability, isFlagged, championFlagged) => {
    shadow(name, version, isFlagged ? 'flag' : 'allow', championFlagged ? 'flag' : 'allow').value++
    shadowScores(name, version).observe(probability)
  }
}
