import type { FastifyInstance } from 'fastify'
import type { ServedAlerts } from '../alerts/served-alerts.ts'
import type { BranchControl } from '../branches/branch-control.ts'
import type { ServingSettings } from '../config/serving-config.ts'
import type { InferencePipeline } from '../decisions/inference-pipeline.ts'
import type { ModelControl } from '../decisions/model-control.ts'
import type { ErrorCode } from '../errors.ts'
import type { World } from '../foundation/world.ts'
import type { ServedRetraining } from '../lifecycle/served-retraining.ts'
import type { ServedLooks } from '../monitoring/served-looks.ts'
import type { GrpcServer } from './grpc/grpc-door.ts'
import type { ServingMetrics } from './metrics/serving-metrics.ts'
import type { ApiKey, Scope } from './safety/api-keys.ts'
import type { Audit } from './safety/audit.ts'
import type { KeyRing } from './safety/key-ring.ts'

/** The settings that the server itself reads. */
export type HttpSettings = Pick<ServingSettings, 'api' | 'security' | 'limits' | 'log'>

/** Everything the server needs of the world. */
export interface ServerDependencies {
  readonly pipeline: InferencePipeline
  readonly control: ModelControl
  readonly branches: BranchControl
  readonly settings: HttpSettings
  /** Its `observer` was given to the pipeline. */
  readonly metrics: ServingMetrics
  /** Contents of the file of `security.keys`; empty without one. `reloadServer` gives it others. */
  readonly keys: readonly ApiKey[]
  /** Contents of the PEM files; undefined for plain HTTP. */
  readonly tls?: { readonly key: string; readonly cert: string }
  /** Of Vigía. */
  readonly version: string
  /** Its names have letters, digits and `-`. */
  readonly world: World
  /** Where log lines go; default: standard output. */
  readonly logStream?: { write(line: string): void }
  /** Absent where no channel is configured. */
  readonly alerts?: ServedAlerts
  /** Told of every act of administration. */
  readonly audit: Audit
  /** Most bytes that states in memory take; left out: they are kept elsewhere, or without such a bound. */
  readonly cacheBytes?: number
  /** Looks at what it decides; absent: nobody takes any. */
  readonly looks?: ServedLooks
  /** Retraining of its model; absent: this server does none. */
  readonly retraining?: ServedRetraining
  /** Why the server should get no requests although its pipeline is ready; empty: it should. */
  readonly notReady?: () => string
}

/** The server while its routes are added. */
export type App = FastifyInstance

declare module 'fastify' {
  interface FastifyInstance {
    /** The keys that are known at the moment. */
    readonly keyRing: KeyRing
    /** The same API by gRPC; undefined where `api.grpc_port` is 0. */
    readonly grpc: GrpcServer | undefined
    /** Counts an error that is answered, of a request or of a row of it, by its code. */
    readonly countError: (code: string) => void
  }

  interface FastifyRequest {
    /** Whose key came with the request; null without keys. */
    caller: ApiKey | null
    /** Whom the request is about, for the log line. */
    subject: RequestSubject | null
  }

  interface FastifyContextConfig {
    /** What a key must be allowed to do; undefined: anyone may ask. */
    readonly scope?: Scope
    /** Answered even when the server is overloaded. */
    readonly isExempt?: boolean
    /** Whether JSON may have a bare NaN or NaT for what is missing. */
    readonly readsNaN?: boolean
    /** Errors that the route answers with, beside those that any route may. */
    readonly errors?: readonly ErrorCode[]
  }
}

/** What stands in the log line of a request: the user's id hashed, unless settings say otherwise. */
export interface RequestSubject {
  readonly userId: string
  readonly predictionId: string
}
