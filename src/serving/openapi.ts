import swagger from '@fastify/swagger'
import type { TSchema } from 'typebox'
import type { InferencePipeline, ServedMapping } from '../decisions/inference-pipeline.ts'
import { ERRORS, type ErrorCode } from '../errors.ts'
import type { SourceMapping } from '../transaction/source-mapping.ts'
import { addApiPage } from './api-page.ts'
import type { App } from './dependencies.ts'
import { SourceRow, sourceRowSchema } from './schemas/source-row.ts'
import {
  attributesSchema,
  LoggedTransaction,
  TransactionAnswer,
  TransactionBody,
} from './schemas/transaction.ts'
import { READ_BY_ROUTE } from './validation.ts'

/** Errors that any route may answer with. */
const COMMON: readonly ErrorCode[] = [
  'REQUEST_MALFORMED',
  'REQUEST_RATE_LIMITED',
  'SERVING_UNEXPECTED',
  'SERVING_OVERLOADED',
  'SERVING_CLOSING',
]
/** Errors of routes with a scope. */
const GUARDED: readonly ErrorCode[] = ['REQUEST_KEY_MISSING', 'REQUEST_KEY_UNKNOWN', 'REQUEST_SCOPE_MISSING']
/** Errors of routes with a body. */
const WITH_BODY: readonly ErrorCode[] = [
  'REQUEST_NOT_JSON',
  'REQUEST_TOO_SLOW',
  'REQUEST_TOO_LARGE',
  'REQUEST_MEDIA_TYPE',
  'REQUEST_INVALID',
]

/**
 * Describes the API as OpenAPI 3.1 at /openapi.json, with a page for people at /docs. Comes before the
 * routes.
 */
export const addOpenApi = async (
  app: App,
  version: string,
  pipeline: Pick<InferencePipeline, 'shape' | 'mapping' | 'status'>,
): Promise<void> => {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Vigía',
        version,
        description:
          'Fraud decisions on card transactions. `GET /sample-transaction` answers with a transaction that `POST /predict` accepts. Errors carry a `code` for programs and a `fix` for people.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'An API key.' },
          apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'An API key.' },
        },
      },
      tags: [
        { name: 'decisions', description: 'Decide, and look decisions up.' },
        { name: 'feedback', description: 'Tell what became known.' },
        { name: 'service', description: 'Models, health, metrics.' },
        { name: 'administration', description: 'Change which models are in service.' },
        { name: 'alerts', description: 'What fires, and what people do about it.' },
        { name: 'mlflow', description: "The protocol of MLflow's scoring server." },
        { name: 'open inference', description: 'The Open Inference Protocol, version 2.' },
        { name: 'kserve', description: 'The protocol of KServe before it.' },
      ],
    },
    refResolver: {
      buildLocalReference: (json, _base, _fragment, index) => String(json['$id'] ?? `schema-${index}`),
    },
    transform: ({ schema, url, route }) => {
      const documented = { ...(schema as object) } as Record<string, unknown>
      const { scope, errors = [] } = route.config ?? {}
      if (scope !== undefined) documented['security'] = [{ bearer: [] }, { apiKey: [] }]
      const hasBody = route.method === 'POST'
      const codes = [
        ...COMMON,
        ...(scope === undefined ? [] : GUARDED),
        ...(hasBody ? WITH_BODY : []),
        ...errors,
      ]
      const response = (documented['response'] ?? {}) as Record<string, unknown>
      documented['response'] = { ...response, ...errorResponses(new Set(codes), documented['x-errors']) }
      documented['body'] = withoutMark(documented['body'])
      if (documented['body'] === undefined) delete documented['body']
      delete documented['x-errors']
      return { schema: documented as never, url }
    },
  })
  const withMapping = createWithMapping()
  app.get('/openapi.json', { schema: { hide: true }, config: {} }, () =>
    withMapping(withShape(app.swagger(), pipeline), pipeline.mapping),
  )
  addApiPage(app)
}

/** Schemas that say what a transaction has. */
const WITH_ATTRIBUTES: readonly string[] = [TransactionBody.$id, TransactionAnswer.$id, LoggedTransaction.$id]

/**
 * The document with the attributes that the models now in service read, and without users where they know
 * none.
 */
const withShape = (
  document: object,
  { shape, status }: Pick<InferencePipeline, 'shape' | 'status'>,
): object => {
  if (shape.attributes.length === 0 && shape.hasUsers) return document
  const { components } = document as {
    readonly components: { readonly schemas: Readonly<Record<string, object>> }
  }
  const tables = status().tables
  const attributes = attributesSchema(
    shape,
    (name) => tables.find((table) => table.attributes.includes(name))?.name,
  )
  const typed = Object.entries(components.schemas).map(([name, schema]) => {
    if (!WITH_ATTRIBUTES.includes(name)) return [name, schema]
    const { properties, required = [] } = schema as {
      readonly properties: object
      readonly required?: readonly string[]
    }
    const own = {
      properties: { ...properties, attributes },
      required: shape.hasUsers ? required : required.filter((field) => field !== 'user_id'),
    }
    return [name, { ...schema, ...own }]
  })
  return { ...document, components: { ...components, schemas: Object.fromEntries(typed) } }
}

/**
 * The document with the columns of the source that the models now in service read. They are described once
 * for each mapping: with hundreds of columns that takes a tenth of a second.
 */
const createWithMapping = () => {
  let described: { readonly of: SourceMapping; readonly row: TSchema } | undefined
  return (document: object, served: ServedMapping): object => {
    if ('refusal' in served) return document
    const { mapping } = served
    if (described?.of !== mapping) described = { of: mapping, row: sourceRowSchema(mapping) }
    const { components } = document as { readonly components: { readonly schemas: object } }
    const schemas = { ...components.schemas, [SourceRow.$id]: described.row }
    return { ...document, components: { ...components, schemas } }
  }
}

const errorResponses = (codes: ReadonlySet<ErrorCode>, shape: unknown): Record<string, unknown> => {
  const byStatus = new Map<number, ErrorCode[]>()
  for (const code of codes)
    byStatus.set(ERRORS[code].status, [...(byStatus.get(ERRORS[code].status) ?? []), code])
  return Object.fromEntries(
    [...byStatus]
      .sort(([a], [b]) => a - b)
      .map(([status, names]) => [
        String(status),
        {
          description: names.map((code) => `${code}: ${ERRORS[code].message}`).join('. '),
          content: { 'application/json': { schema: shape ?? { $ref: 'Error#' } } },
        },
      ]),
  )
}

const withoutMark = (body: unknown): unknown => {
  if (typeof body !== 'object' || body === null) return body
  const [mark] = Object.keys(READ_BY_ROUTE)
  return Object.fromEntries(Object.entries(body).filter(([key]) => key !== mark))
}
