import { resolve } from 'node:path'
import { type Static, Type } from 'typebox'
import { parseDuration } from '../foundation/duration.ts'
import type { EventTimeBounds } from '../transaction/event-time.ts'
import { alertProblems } from './alert-channel-problems.ts'
import type { ConfigFile } from './config-file.ts'
import { monitoringProblems, retrainingProblems } from './monitoring-problems.ts'
import { AlertsSchema } from './sections/alerts.ts'
import { ControlSampleSchema, controlSampleProblems } from './sections/control-sample.ts'
import { MonitoringSchema } from './sections/monitoring.ts'
import { PredictionLogSchema } from './sections/prediction-log.ts'
import { RetrainingSchema } from './sections/retraining.ts'
import {
  ApiSchema,
  EventTimeSchema,
  FeedbackSchema,
  LimitsSchema,
  LogSchema,
  SecuritySchema,
  ServedModelSchema,
  ServedTablesSchema,
  StateStoreSchema,
} from './sections/serving.ts'

/** Everything that the server can be told: `configs/serving_config.yaml`. */
export const ServingConfigSchema = Type.Object(
  {
    api: ApiSchema,
    security: SecuritySchema,
    limits: LimitsSchema,
    event_time: EventTimeSchema,
    model: ServedModelSchema,
    state_store: StateStoreSchema,
    prediction_log: PredictionLogSchema,
    feedback: FeedbackSchema,
    control_sample: ControlSampleSchema,
    tables: ServedTablesSchema,
    log: LogSchema,
    alerts: AlertsSchema,
    monitoring: MonitoringSchema,
    retraining: RetrainingSchema,
  },
  { title: 'Vigía serving configuration' },
)

/** Effective settings of serving: every default filled in. */
export type ServingSettings = Static<typeof ServingConfigSchema>

/** What time a transaction may have, as the settings say. */
export const eventTimeBounds = ({ event_time }: Pick<ServingSettings, 'event_time'>): EventTimeBounds => ({
  maxFutureMs: parseDuration(event_time.max_future),
  maxAgeMs: parseDuration(event_time.max_age),
})

/** The log and the states of one process each have a folder that one process holds: not the same one. */
const oneFolder = (
  { state_store: { kind, path }, prediction_log }: ServingSettings,
  originOf: (name: string) => string,
): readonly string[] => {
  if (kind !== 'lmdb' || resolve(path) !== resolve(prediction_log.path)) return []
  const log = `prediction_log.path, which is "${prediction_log.path}" (${originOf('prediction_log.path')})`
  return [
    `${originOf('state_store.path')} state_store.path: allowed: another folder than ${log}; got "${path}". A server locks each of them for itself: give the states a folder of their own, beside the log or in it.`,
  ]
}

/** HTTP and gRPC are not spoken on one port. */
const twoPorts = (
  { api: { port, grpc_port } }: ServingSettings,
  originOf: (name: string) => string,
): readonly string[] =>
  grpc_port === 0 || grpc_port !== port
    ? []
    : [
        `${originOf('api.grpc_port')} api.grpc_port: allowed: another port than api.port (${originOf('api.port')}), or 0 for none; got ${grpc_port}, which is that of both. Triton has 8000 for HTTP and 8001 for gRPC.`,
      ]

export const SERVING_FILE = {
  name: 'serving_config',
  summary: 'The prediction server: where it listens, what it serves, where it keeps states.',
  schema: ServingConfigSchema,
  paths: [
    'security.keys',
    'security.tls_key',
    'security.tls_certificate',
    'model.source',
    'model.shadow',
    'model.canary',
    'model.registry',
    'state_store.path',
    'prediction_log.path',
    'tables.*.path',
    'alerts.path',
    'alerts.channels.*.secret_file',
    'alerts.heartbeat.secret_file',
    'monitoring.logs',
    'monitoring.path',
    'retraining.path',
    'retraining.training',
  ],
  platform: [
    { variable: 'PORT', setting: ['api', 'port'] },
    { variable: 'SERVER_PORT', setting: ['api', 'port'] },
    { variable: 'SAGEMAKER_BIND_TO_PORT', setting: ['api', 'port'] },
    { variable: 'AIP_HTTP_PORT', setting: ['api', 'port'] },
    { variable: 'AIP_PREDICT_ROUTE', setting: ['api', 'predict_route'] },
    { variable: 'AIP_HEALTH_ROUTE', setting: ['api', 'health_route'] },
  ],
  contradictions: (settings, originOf) => [
    ...oneFolder(settings as ServingSettings, originOf),
    ...twoPorts(settings as ServingSettings, originOf),
    ...controlSampleProblems((settings as ServingSettings).control_sample, originOf),
    ...alertProblems((settings as ServingSettings).alerts, originOf),
    ...monitoringProblems(settings as ServingSettings, originOf),
    ...retrainingProblems((settings as ServingSettings).retraining, originOf),
  ],
} satisfies ConfigFile
