import type { BranchControl } from '../branches/branch-control.ts'
import { loadServingConfig } from '../config/config-manager.ts'
import type { InferencePipeline } from '../decisions/inference-pipeline.ts'
import type { ModelControl } from '../decisions/model-control.ts'
import { VigiaError } from '../errors.ts'
import { NO_SHAPE } from '../transaction/shape.ts'
import { createServingMetrics } from './metrics/serving-metrics.ts'
import { createServer } from './server.ts'

/**
 * The OpenAPI document of a server with default settings, as GET /openapi.json answers it. No model is loaded
 * and no port is opened.
 */
export const openApiDocument = async (version: string): Promise<object> => {
  const app = await createServer({
    pipeline: PIPELINE,
    branches: BRANCHES,
    control: CONTROL,
    settings: loadServingConfig({ environment: {}, assignments: [], workingDirectory: '/' }).settings,
    metrics: createServingMetrics(version),
    keys: [],
    version,
    world: { now: () => 0, monotonicMs: () => 0, newId: () => '' },
    logStream: { write: () => undefined },
    audit: () => undefined,
  })
  try {
    await app.ready()
    return app.swagger()
  } finally {
    await app.close()
  }
}

const neverAsked = (): never => {
  throw new Error('a server that only describes itself was asked for more')
}

const PIPELINE: InferencePipeline = {
  predict: neverAsked,
  assertTimely: neverAsked,
  applyFeedback: neverAsked,
  find: neverAsked,
  explain: neverAsked,
  saveLogs: neverAsked,
  refreshTable: neverAsked,
  models: [],
  get scorer() {
    return neverAsked()
  },
  shape: NO_SHAPE,
  mapping: { refusal: new VigiaError('SERVING_MAPPING_MISSING', { model: 'in service' }) },
  status: neverAsked,
  close: async () => undefined,
}

const CONTROL: ModelControl = {
  list: neverAsked,
  reload: neverAsked,
  switchTo: neverAsked,
  rollBack: neverAsked,
  setShadow: neverAsked,
  setCanary: neverAsked,
}

const BRANCHES: BranchControl = { list: neverAsked, adopt: neverAsked, drop: neverAsked }
