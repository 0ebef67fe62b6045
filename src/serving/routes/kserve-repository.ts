import type { App } from '../dependencies.ts'
import { splitBody } from '../inference/infer-bodies.ts'
import type { InferenceStatistics } from '../inference/inference-statistics.ts'
import { configOf } from '../inference/model-metadata.ts'
import { ModelConfig, ModelStatistics, RepositoryIndex } from '../schemas/kserve-repository.ts'
import { MODEL_PATHS, namedModel, type Params, schemaOf } from './kserve-models.ts'
import type { RouteContext } from './route-context.ts'

/**
 * What Triton adds to the Open Inference Protocol, as far as its clients ask for it by themselves: the
 * configuration of a model, statistics of its requests, and which models there are. None is loaded or
 * unloaded here: that is `/admin/models`.
 */
export const addRepository = (app: App, context: RouteContext, statistics: InferenceStatistics): void => {
  const { pipeline, reasonsNotReady, parseJson } = context
  const config = { scope: 'read', errors: ['SERVING_MODEL_UNKNOWN'] } as const
  for (const [path, suffix] of MODEL_PATHS) {
    app.get<{ Params: Params }>(
      `${path}/config`,
      { config, schema: schemaOf(`modelConfig${suffix}`, "The model in Triton's words", ModelConfig) },
      async ({ params }) => configOf(namedModel(pipeline.models, params), pipeline.shape),
    )
    app.get<{ Params: Params }>(
      `${path}/stats`,
      { config, schema: schemaOf(`modelStats${suffix}`, 'How many rows were asked about', ModelStatistics) },
      async ({ params }) => ({ model_stats: [statistics.of(namedModel(pipeline.models, params))] }),
    )
  }
  app.get(
    '/v2/models/stats',
    { config, schema: schemaOf('modelsStats', 'How many rows were asked about', ModelStatistics) },
    async () => ({ model_stats: pipeline.models.slice(0, 1).map((model) => statistics.of(model)) }),
  )
  app.post(
    '/v2/repository/index',
    {
      config: { scope: 'read' },
      schema: {
        ...schemaOf('repositoryIndex', 'The model in service', RepositoryIndex),
        description: 'A body is not needed; `{"ready": true}` leaves out a model that cannot decide.',
      },
    },
    async ({ body }) => {
      const asked = Buffer.isBuffer(body) && body.length > 0 ? splitBody(body, undefined, parseJson).json : {}
      const reason = reasonsNotReady().join('; ')
      const isLeftOut = (asked as { readonly ready?: unknown } | null)?.ready === true && reason !== ''
      return pipeline.models.slice(0, isLeftOut ? 0 : 1).map(({ name, version }) => ({
        name,
        version,
        state: reason === '' ? 'READY' : 'UNAVAILABLE',
        reason,
      }))
    },
  )
}
