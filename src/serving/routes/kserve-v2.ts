import type { Prediction, ServedModel } from '../../decisions/inference-pipeline.ts'
import { VigiaError } from '../../errors.ts'
import type { AttributeKind } from '../../transaction/attributes.ts'
import { TRANSACTION_FIELDS } from '../../transaction/fields.ts'
import { type FieldProblem, RequestProblemsError, shown } from '../../transaction/request-problem.ts'
import type { TransactionShape } from '../../transaction/shape.ts'
import { decideRows } from '../decide-rows.ts'
import type { App } from '../dependencies.ts'
import { answerErrors } from '../error-answers.ts'
import { nestAttributes } from '../read-transaction.ts'
import {
  InferAnswer,
  InferBody,
  InferenceError,
  ModelMetadata,
  ModelReady,
  ServerLive,
  ServerMetadata,
  ServerReady,
} from '../schemas/kserve-v2.ts'
import { refTo } from '../schemas/named.ts'
import { rowsOf } from './predict-batch.ts'
import type { RouteContext } from './route-context.ts'

interface Params {
  readonly model: string
  readonly version?: string
}

/** What is answered for each transaction. The newest stands last: clients may count on places. */
const OUTPUTS: Readonly<
  Record<string, { readonly datatype: string; readonly read: (prediction: Prediction) => unknown }>
> = {
  probability: { datatype: 'FP64', read: ({ probability }) => probability },
  // The name that is_flagged had in earlier versions, for one release.
  is_fraud: { datatype: 'BOOL', read: ({ isFlagged }) => isFlagged },
  risk_level: { datatype: 'BYTES', read: ({ riskLevel }) => riskLevel },
  prediction_id: { datatype: 'BYTES', read: ({ predictionId }) => predictionId },
  is_flagged: { datatype: 'BOOL', read: ({ isFlagged }) => isFlagged },
}

const NUMERIC = /^(U?INT(8|16|32|64)|FP(16|32|64))$/

/**
 * The Open Inference Protocol, version 2: /v2 and below. The model that is named must be the champion; a
 * canary may decide all the same.
 */
export const addKServeV2 = (app: App, context: RouteContext): void => {
  app.setErrorHandler(answerErrors(({ code, message, fix }) => ({ error: `${code}: ${message} ${fix}` })))
  addServer(app, context)
  for (const [path, suffix] of [
    ['/v2/models/:model', ''],
    ['/v2/models/:model/versions/:version', 'OfVersion'],
  ] as const) {
    addModel(app, context, path, suffix)
    addInfer(app, context, path, suffix)
  }
}

/** What anybody may ask, as often as they like. */
const OPEN = { isExempt: true, rateLimit: false } as const

const schemaOf = (operationId: string, summary: string, answer: Parameters<typeof refTo>[0]) => ({
  tags: ['open inference'],
  operationId,
  summary,
  response: { 200: refTo(answer) },
  'x-errors': refTo(InferenceError),
})

/** The champion, when it is what was asked for. @throws SERVING_MODEL_UNKNOWN */
const namedModel = ([champion]: readonly ServedModel[], { model, version: wanted }: Params): ServedModel => {
  if (champion?.name === model && (wanted === undefined || champion.version === wanted)) return champion
  throw new VigiaError('SERVING_MODEL_UNKNOWN', {
    got: `${model.slice(0, 100)}${wanted === undefined ? '' : ` of version ${wanted.slice(0, 100)}`}`,
    allowed: champion === undefined ? 'none' : `${champion.name} of version ${champion.version}`,
  })
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
      extensions: [],
    }),
  )
  app.get(
    '/v2/health/live',
    { config: OPEN, schema: schemaOf('serverLive', 'Whether the process answers', ServerLive) },
    async () => ({
      live: true,
    }),
  )
  const readySchema = schemaOf('serverReady', 'Whether the server can decide', ServerReady)
  app.get(
    '/v2/health/ready',
    {
      config: OPEN,
      schema: {
        ...readySchema,
        response: { ...readySchema.response, 503: { description: 'It cannot.', ...refTo(ServerReady) } },
      },
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
  const modelReady = schemaOf(`modelReady${suffix}`, 'Whether the model can decide', ModelReady)
  app.get<{ Params: Params }>(
    `${path}/ready`,
    {
      config: { ...OPEN, errors: ['SERVING_MODEL_UNKNOWN'] },
      schema: {
        ...modelReady,
        response: { ...modelReady.response, 503: { description: 'It cannot.', ...refTo(ModelReady) } },
      },
    },
    async (request, reply) => {
      const { name } = namedModel(pipeline.models, request.params)
      return reply.code(isReady() ? 200 : 503).send({ name, ready: isReady() })
    },
  )
}

const addInfer = (app: App, context: RouteContext, path: string, suffix: string): void => {
  const { pipeline, settings, readTransaction } = context
  app.post<{ Params: Params }>(
    `${path}/infer`,
    {
      config: {
        scope: 'predict',
        errors: [
          'SERVING_MODEL_UNKNOWN',
          'REQUEST_TRANSACTION_INVALID',
          'SERVING_TRANSACTION_DIFFERS',
          'SERVING_TRANSACTION_KNOWN',
          'SERVING_LOG_FAILED',
          'SERVING_STORE_FAILED',
        ],
      },
      schema: {
        ...schemaOf(`infer${suffix}`, 'Decide on transactions', InferAnswer),
        body: refTo(InferBody),
      },
    },
    async (request) => {
      const model = namedModel(pipeline.models, request.params)
      const { id, rows, outputs } = readInference(request.body, pipeline.shape)
      const checked = rowsOf({ inputs: rows }, 'inputs', settings.limits.batch_rows)
      const predictions = await decideRows(pipeline, checked, readTransaction, settings.limits.stream_rows)
      return {
        model_name: model.name,
        model_version: model.version,
        ...(id !== undefined && { id }),
        outputs: outputs.map((name) => ({
          name,
          shape: [predictions.length],
          datatype: OUTPUTS[name]!.datatype,
          data: predictions.map(OUTPUTS[name]!.read),
        })),
      }
    },
  )
}

const DATATYPES: Readonly<Record<AttributeKind, string>> = {
  number: 'FP64',
  category: 'BYTES',
  boolean: 'BOOL',
  time: 'BYTES',
  text: 'BYTES',
}

const metadataOf = (model: ServedModel, { attributes }: TransactionShape) => ({
  name: model.name,
  versions: [model.version],
  platform: 'vigia',
  inputs: [
    ...TRANSACTION_FIELDS.map(({ wire, kind }) => ({
      name: wire as string,
      datatype: kind === 'amount' || kind === 'coordinate' ? 'FP64' : 'BYTES',
    })),
    ...attributes.map(({ name, kind }) => ({ name: `attributes.${name}`, datatype: DATATYPES[kind] })),
  ].map((input) => ({ ...input, shape: [-1] })),
  outputs: Object.entries(OUTPUTS).map(([name, { datatype }]) => ({ name, datatype, shape: [-1] })),
})

/** The request's id, its rows, and the names of the outputs that are wanted. @throws REQUEST_INVALID */
const readInference = (body: unknown, { attributes }: TransactionShape) => {
  const { id, inputs, outputs } = (typeof body === 'object' && body !== null ? body : {}) as {
    readonly id?: unknown
    readonly inputs?: unknown
    readonly outputs?: unknown
  }
  const problems: FieldProblem[] = []
  const problem = (field: string, what: string, allowed: string, got: unknown) =>
    problems.push({ field, what, allowed, got: shown(got) })
  if (id !== undefined && typeof id !== 'string') problem('id', 'is no text', 'text', id)
  const columns = new Map<string, readonly unknown[]>()
  if (!Array.isArray(inputs) || inputs.length === 0)
    problem('inputs', 'is no list of tensors', 'a list of one tensor for each field', inputs)
  else {
    const most = 2 * (TRANSACTION_FIELDS.length + attributes.length)
    for (const [index, input] of inputs.slice(0, most).entries()) {
      const tensor = readTensor(input)
      if (typeof tensor === 'string')
        problem(`inputs[${index}]`, tensor, '{name, shape: [n] or [n, 1], datatype, data of n values}', input)
      else if (columns.has(tensor.name))
        problem(`inputs[${index}]`, 'comes a second time', 'one tensor for each field', tensor.name)
      else columns.set(tensor.name, tensor.data)
    }
  }
  const lengths = new Set([...columns.values()].map(({ length }) => length))
  if (lengths.size > 1)
    problem('inputs', 'have tensors of different lengths', 'one value for each transaction in each', [
      ...lengths,
    ])
  const wanted =
    outputs === undefined || (Array.isArray(outputs) && outputs.length === 0)
      ? Object.keys(OUTPUTS)
      : outputNames(outputs)
  for (const name of wanted)
    if (!Object.hasOwn(OUTPUTS, name))
      problem('outputs', 'has an output that there is not', Object.keys(OUTPUTS).join(', '), name)
  if (problems.length > 0) throw new RequestProblemsError('REQUEST_INVALID', problems)
  const [length = 0] = lengths
  const rows = Array.from({ length }, (_, row) =>
    nestAttributes(
      [...columns].map(([name, data]) => [name, data[row]] as const).filter(([, value]) => value !== null),
    ),
  )
  return { id: id as string | undefined, rows, outputs: wanted }
}

/** A tensor, or what is wrong with it. */
const readTensor = (
  input: unknown,
): { readonly name: string; readonly data: readonly unknown[] } | string => {
  const { name, shape, datatype, data } = (
    typeof input === 'object' && input !== null ? input : {}
  ) as Readonly<Record<string, unknown>>
  if (typeof name !== 'string') return 'has no name'
  if (!Array.isArray(shape) || !Array.isArray(data)) return 'has no shape or no data'
  const [rows, width = 1, ...more] = shape as readonly unknown[]
  if (width !== 1 || more.length > 0) return 'has a shape that is not [n] or [n, 1]'
  const values = data.flat(1) as readonly unknown[]
  if (values.length !== rows) return 'has not as much data as its shape says'
  if (
    datatype !== 'BYTES' &&
    datatype !== 'BOOL' &&
    !(typeof datatype === 'string' && NUMERIC.test(datatype))
  )
    return 'has a datatype that no field has'
  const type = datatype === 'BYTES' ? 'string' : datatype === 'BOOL' ? 'boolean' : 'number'
  return values.every((value) => value === null || typeof value === type)
    ? { name, data: values }
    : `has data that is not ${datatype}`
}

const outputNames = (outputs: unknown): readonly string[] =>
  Array.isArray(outputs)
    ? outputs.map((output) => String((output as { readonly name?: unknown } | null)?.name))
    : ['']
