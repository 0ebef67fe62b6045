import type { FastifyReply, FastifyRequest } from 'fastify'
import { decideRows } from '../decide-rows.ts'
import type { App } from '../dependencies.ts'
import { answerTextErrors } from '../error-answers.ts'
import { type Asked, mostTensors, readAsked } from '../inference/asked.ts'
import { addInferBodies, JSON_LENGTH, OCTET_STREAM, splitBody } from '../inference/infer-bodies.ts'
import { readInferRequest } from '../inference/infer-request.ts'
import { createInferenceStatistics, type InferenceStatistics } from '../inference/inference-statistics.ts'
import { metadataOf } from '../inference/model-metadata.ts'
import { inferAnswer, type Outcome, outputsOf, scoreFeatures } from '../inference/outputs.ts'
import {
  BinaryInference,
  InferAnswer,
  InferBody,
  ModelMetadata,
  ModelReady,
  ServerLive,
  ServerMetadata,
  ServerReady,
} from '../schemas/kserve-v2.ts'
import { refTo } from '../schemas/named.ts'
import { MODEL_PATHS, namedModel, OPEN, type Params, readinessOf, schemaOf } from './kserve-models.ts'
import { addRepository } from './kserve-repository.ts'
import { DECISION_ERRORS } from './predict.ts'
import { rowsOf } from './predict-batch.ts'
import type { RouteContext } from './route-context.ts'

/** What of Triton's extensions is here, by Triton's names. */
const EXTENSIONS = ['binary_tensor_data', 'model_configuration', 'statistics']

/**
 * The Open Inference Protocol, version 2: /v2 and below. The model that is named must be the champion; a
 * canary may decide all the same, but says nothing of ready features.
 */
export const addKServeV2 = (app: App, context: RouteContext): void => {
  app.setErrorHandler(answerTextErrors)
  addInferBodies(app)
  addServer(app, context)
  const statistics = createInferenceStatistics(context.world.now)
  addRepository(app, context, statistics)
  for (const [path, suffix] of MODEL_PATHS) {
    addModel(app, context, path, suffix)
    addInfer(app, context, statistics, path, suffix)
  }
}

/** /v2 and its health. */
const addServer = (app: App, { version, reasonsNotReady }: RouteContext): void => {
  const isReady = () => reasonsNotReady().length === 0
  app.get(
    '/v2',
    { config: OPEN, schema: schemaOf('serverMetadata', 'What this server is', ServerMetadata) },
    async () => ({
      name: 'vigia',
      version,
      extensions: EXTENSIONS,
    }),
  )
  app.get(
    '/v2/health/live',
    { config: OPEN, schema: schemaOf('serverLive', 'Whether the process answers', ServerLive) },
    async () => ({
      live: true,
    }),
  )
  app.get(
    '/v2/health/ready',
    {
      config: OPEN,
      schema: readinessOf('serverReady', 'Whether the server can decide', ServerReady),
    },
    async (_request, reply) => reply.code(isReady() ? 200 : 503).send({ ready: isReady(), live: true }),
  )
}

/** What goes in and out of a model, and whether it can decide. */
const addModel = (app: App, context: RouteContext, path: string, suffix: string): void => {
  const { pipeline, reasonsNotReady } = context
  const isReady = () => reasonsNotReady().length === 0
  app.get<{ Params: Params }>(
    path,
    {
      config: { scope: 'read', errors: ['SERVING_MODEL_UNKNOWN'] },
      schema: schemaOf(`modelMetadata${suffix}`, 'What goes in and comes out', ModelMetadata),
    },
    async (request) => metadataOf(namedModel(pipeline.models, request.params), pipeline.shape),
  )
  app.get<{ Params: Params }>(
    `${path}/ready`,
    {
      config: { ...OPEN, errors: ['SERVING_MODEL_UNKNOWN'] },
      schema: readinessOf(`modelReady${suffix}`, 'Whether the model can decide', ModelReady),
    },
    async (request, reply) => {
      const { name } = namedModel(pipeline.models, request.params)
      return reply.code(isReady() ? 200 : 503).send({ name, ready: isReady() })
    },
  )
}

const addInfer = (
  app: App,
  context: RouteContext,
  statistics: InferenceStatistics,
  path: string,
  suffix: string,
): void => {
  app.post<{ Params: Params }>(
    `${path}/infer`,
    {
      config: {
        scope: 'predict',
        errors: ['SERVING_MODEL_UNKNOWN', ...DECISION_ERRORS],
      },
      schema: {
        ...schemaOf(`infer${suffix}`, 'Decide on transactions, or score ready features', InferAnswer),
        body: {
          content: {
            'application/json': { schema: refTo(InferBody) },
            [OCTET_STREAM]: { schema: refTo(BinaryInference) },
          },
        },
        response: {
          200: {
            description: 'One value for each row in each output.',
            content: {
              'application/json': { schema: refTo(InferAnswer) },
              [OCTET_STREAM]: { schema: refTo(BinaryInference) },
            },
          },
        },
      },
    },
    async (request, reply) => infer(request, reply, context, statistics),
  )
}

const infer = async (
  request: FastifyRequest<{ Params: Params }>,
  reply: FastifyReply,
  context: RouteContext,
  statistics: InferenceStatistics,
) => {
  const { pipeline, parseJson, world } = context
  const model = namedModel(pipeline.models, request.params)
  const { scorer } = pipeline
  const began = world.monotonicMs()
  try {
    const { json, binary } = splitBody(request.body, request.headers[JSON_LENGTH], parseJson)
    const asking = readInferRequest(json, binary, { tensors: mostTensors(pipeline.shape.attributes.length) })
    const asked = readAsked(asking.tensors, { scorer, parseJson })
    const wanted = outputsOf(asking, asked.kind)
    const read = world.monotonicMs()
    const outcomes = await outcomesOf(asked, scorer, context)
    const decided = world.monotonicMs()
    const answer = inferAnswer(model, asking.id, wanted, outcomes)
    statistics.succeeded(model, outcomes.length, {
      readMs: read - began,
      decideMs: decided - read,
      writeMs: world.monotonicMs() - decided,
    })
    if (!wanted.some(({ isBinary }) => isBinary)) return answer.json
    const head = Buffer.from(JSON.stringify(answer.json))
    reply.header(JSON_LENGTH, head.length).type(OCTET_STREAM)
    return reply.send(Buffer.concat([head, ...answer.binary]))
  } catch (error) {
    statistics.failed(model, world.monotonicMs() - began)
    throw error
  }
}

const outcomesOf = (
  asked: Asked,
  scorer: RouteContext['pipeline']['scorer'],
  { pipeline, readTransaction, readFrame, settings }: RouteContext,
): Promise<readonly Outcome[]> | readonly Outcome[] => {
  const { batch_rows, stream_rows } = settings.limits
  if (asked.kind === 'transactions') {
    const rows = rowsOf({ inputs: asked.rows }, 'inputs', batch_rows)
    return decideRows(pipeline, readFrame(rows), readTransaction, { most: stream_rows, reasons: 0 })
  }
  rowsOf({ inputs: Array.from({ length: asked.rows }) }, 'inputs', batch_rows)
  return scoreFeatures(scorer, asked)
}
