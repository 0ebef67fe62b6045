import { Type } from 'typebox'
import { predictionAnswer } from '../answers.ts'
import { decideRows } from '../decide-rows.ts'
import type { App } from '../dependencies.ts'
import { answerTextErrors } from '../error-answers.ts'
import { Alive, Instances, ModelNames } from '../schemas/kserve-v1.ts'
import { ModelReady } from '../schemas/kserve-v2.ts'
import { InvocationsAnswer } from '../schemas/mlflow.ts'
import { refTo } from '../schemas/named.ts'
import { askedReasons } from './asked-reasons.ts'
import { namedModel, OPEN, type Params, readinessOf, schemaOf } from './kserve-models.ts'
import { DECISION_ERRORS } from './predict.ts'
import { rowsOf } from './predict-batch.ts'
import type { RouteContext } from './route-context.ts'

const TAG = 'kserve'

/** KServe's protocol before the Open Inference Protocol: /v1/models and below, and / for its liveness. */
export const addKServeV1 = (app: App, context: RouteContext): void => {
  app.setErrorHandler(answerTextErrors)
  const { pipeline, reasonsNotReady } = context
  app.get(
    '/',
    { config: OPEN, schema: schemaOf('alive', 'Whether the process answers', Alive, TAG) },
    async () => ({
      status: 'alive',
    }),
  )
  app.get(
    '/v1/models',
    { config: { scope: 'read' }, schema: schemaOf('modelNames', 'The model in service', ModelNames, TAG) },
    async () => ({ models: pipeline.models.slice(0, 1).map(({ name }) => name) }),
  )
  app.get<{ Params: Params }>(
    '/v1/models/:model',
    {
      config: { ...OPEN, errors: ['SERVING_MODEL_UNKNOWN'] },
      schema: readinessOf('modelReadyV1', 'Whether the model can decide', ModelReady, TAG),
    },
    async ({ params }, reply) => {
      const { name } = namedModel(pipeline.models, params)
      const isReady = reasonsNotReady().length === 0
      return reply.code(isReady ? 200 : 503).send({ name, ready: isReady })
    },
  )
  addPredict(app, context)
}

const addPredict = (app: App, { pipeline, settings, readTransaction }: RouteContext): void => {
  const { batch_rows, stream_rows } = settings.limits
  app.post<{ Params: Params }>(
    // Two colons are one that names no parameter.
    '/v1/models/:model(.+)::predict',
    {
      config: {
        scope: 'predict',
        errors: ['SERVING_MODEL_UNKNOWN', ...DECISION_ERRORS],
      },
      schema: {
        ...schemaOf('predictV1', 'Decide on transactions', InvocationsAnswer, TAG),
        params: Type.Object({ model: Type.String() }),
        body: refTo(Instances),
      },
    },
    async ({ body, params }, reply) => {
      namedModel(pipeline.models, params)
      const reasons = askedReasons(body, 'parameters')
      const rows = rowsOf(body, 'instances', batch_rows, ['parameters'])
      const predictions = await decideRows(pipeline, rows, readTransaction, { most: stream_rows, reasons })
      return { predictions: predictions.map((prediction) => predictionAnswer(prediction, reply.elapsedTime)) }
    },
  )
}
