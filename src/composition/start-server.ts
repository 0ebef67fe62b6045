import { appendFileSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { FastifyBaseLogger } from 'fastify'
import type { ServeTools } from '../cli/commands/serve.ts'
import type { ServingSettings } from '../config/serving-config.ts'
import {
  cacheSizeIn,
  DEFAULT_CACHE_MIB,
  followingSizeIn,
  type ProcessMemory,
} from '../decisions/owned/cache-size.ts'
import { VigiaError } from '../errors.ts'
import type { World } from '../foundation/world.ts'
import type { RetrainedServer } from '../lifecycle/served-retraining.ts'
import { slowExpressions } from '../mapping/row-mapper.ts'
import { createDayKeeper } from '../monitoring/day-keeper.ts'
import { openService } from '../pipelines/service/open-service.ts'
import type { ServingStorage } from '../pipelines/service/serving-storage.ts'
import type { OpenTrackingStore } from '../ports/tracking-store.ts'
import type { App } from '../serving/dependencies.ts'
import { createServingMetrics } from '../serving/metrics/serving-metrics.ts'
import { assertGuarded } from '../serving/safety/api-keys.ts'
import type { AuditEntry } from '../serving/safety/audit.ts'
import { createServer } from '../serving/server.ts'
import { createWarningLog } from '../serving/warning-log.ts'
import { boundGarbage, processMemory } from './process-memory.ts'
import { readSecrets, reloadOnChange } from './reload-on-change.ts'
import { servingModelLoader } from './serving-model-loader.ts'

const MEBIBYTE = 1 << 20

/** What a server is made from. */
export interface ServerParts {
  readonly version: string
  readonly storage: ServingStorage
  readonly openTrackingStore: OpenTrackingStore
  /** Its `monotonicMs` counts from the start of the process. */
  readonly world: World
}

/** Opens the service, puts the HTTP server over it, and listens. */
export const serverStarter =
  (parts: ServerParts): ServeTools['startServer'] =>
  async (request) => {
    const { settings, environment, workingDirectory, work, onNotice, looks, retraining } = request
    boundGarbage()
    const memory = processMemory()
    const cacheMiB = tellCacheSize(settings, memory, onNotice)
    const mostCacheMiB = cacheMiB + followingSizeIn(settings.state_store, memory)
    const { version, storage, world } = parts
    const { api, security, prediction_log } = settings
    // What must be right before anything is opened.
    const { keys, tls } = await readSecrets(security)
    assertGuarded(keys, api.host, security.guarded_by)
    const metrics = createServingMetrics(version)
    const warnings = createWarningLog(metrics.observer)
    const { pipeline, control, branches } = await openService({
      settings,
      storage,
      workingDirectory,
      memory,
      work,
      onStates: request.onStates,
      onModels: request.onModels,
      onNotice,
      load: servingModelLoader(parts)(settings.model, environment, workingDirectory),
      observer: warnings.observer,
      world,
      openWatch: createDayKeeper,
    })
    try {
      const app = await createServer({
        pipeline,
        control,
        branches,
        settings,
        metrics,
        keys,
        version,
        world,
        ...(tls !== undefined && { tls }),
        ...(looks !== undefined && { looks }),
        ...(retraining !== undefined && { retraining }),
        ...(request.alerts !== undefined && { alerts: request.alerts }),
        ...(settings.state_store.kind === 'lmdb' && { cacheBytes: mostCacheMiB * MEBIBYTE }),
        audit: auditFile(join(prediction_log.path, 'audit.jsonl')),
      })
      tellGuard(app.log, settings)
      warnings.writeTo((code, details) => app.log.warn({ code, ...details }, 'warning'))
      const address = await listen(app, api, 'port', () => app.listen({ host: api.host, port: api.port }))
      const { grpc } = app
      if (grpc !== undefined) await listen(app, api, 'grpc_port', () => grpc.listen(api.host, api.grpc_port))
      const warn = warnings.observer.warned
      const ignore = reloadOnChange({ app, security, triggers: request.triggers, warn })
      const endBeside = startBeside(request, { models: () => pipeline.models, control, warn })
      const { mapping, shape, models } = pipeline
      return {
        address,
        models,
        mapping: 'refusal' in mapping ? undefined : slowExpressions(mapping.mapping, shape),
        tables: pipeline.status().tables,
        startedInMs: world.monotonicMs(),
        lost: storage.lost,
        close: async () => {
          await Promise.all([ignore(), app.close(), endBeside()])
        },
      }
    } catch (error) {
      await pipeline.close().catch(() => undefined)
      throw error
    }
  }

/** Begins what a server does beside its decisions. @returns ends it */
const startBeside = (
  { looks, retraining }: Pick<Parameters<ServeTools['startServer']>[0], 'looks' | 'retraining'>,
  server: RetrainedServer,
): (() => Promise<void>) => {
  const ends = [looks?.start(server), retraining?.start(server)]
  return async () => {
    await Promise.all(ends.map((end) => end?.()))
  }
}

/** Closes the server when it cannot listen. @throws SERVING_CANNOT_LISTEN */
const listen = <T>(
  app: App,
  api: ServingSettings['api'],
  setting: 'port' | 'grpc_port',
  open: () => Promise<T>,
): Promise<T> =>
  open().catch(async (error: unknown) => {
    await app.close()
    const { code, message } = error as NodeJS.ErrnoException
    throw new VigiaError('SERVING_CANNOT_LISTEN', {
      host: api.host,
      port: api[setting],
      setting: `api.${setting}`,
      reason: code === 'EADDRINUSE' ? 'the port is in use' : message,
    })
  })

/** A warning at each start that nobody asks for keys, which a command that answers in JSON does not say. */
const tellGuard = (log: FastifyBaseLogger, { api: { host }, security }: ServingSettings): void => {
  if (security.guarded_by === 'platform')
    log.warn({ host }, 'no key is asked for: the platform keeps strangers out')
}

/**
 * Before anything is opened: what does not fit, and what is taken where nobody said.
 *
 * @returns what states in memory take at most, in MiB
 * @throws SERVING_CACHE_TOO_LARGE
 */
const tellCacheSize = (
  { state_store }: Pick<ServingSettings, 'state_store'>,
  memory: ProcessMemory,
  onNotice: (text: string) => void,
): number => {
  const taken = cacheSizeIn(state_store, memory)
  const total = Math.floor(memory.totalBytes / MEBIBYTE)
  if (state_store.cache_size === 0 && taken < DEFAULT_CACHE_MIB)
    onNotice(`cache_size ${taken} MiB, as ${memory.of} has ${total} MiB`)
  return taken
}

/** One line for each act of administration, there before the act is answered. */
const auditFile = (path: string) => {
  mkdirSync(dirname(path), { recursive: true })
  return (entry: AuditEntry): void => appendFileSync(path, `${JSON.stringify(entry)}\n`)
}
