import { Ajv, type ErrorObject } from 'ajv'
import type { FastifySchemaCompiler } from 'fastify'
import { describeAllowed } from '../config/describe-allowed.ts'
import type { SettingSchema } from '../config/setting-schema.ts'
import { type FieldProblem, RequestProblemsError, shown } from '../transaction/request-problem.ts'

const options = {
  allErrors: false,
  verbose: true,
  strict: false,
  validateFormats: false,
  useDefaults: true,
  meta: false,
  validateSchema: false,
} as const
/** Query strings and paths are text: numbers and booleans are read from it. */
const textAjv = new Ajv({ ...options, coerceTypes: true })
const bodyAjv = new Ajv(options)

/**
 * How Fastify checks requests. A validator is compiled when its route is asked for the first time, so that
 * starting stays fast. A body whose schema says `x-read-by-route` is read by its route, which tells of more
 * than a schema can.
 */
export const validatorCompiler: FastifySchemaCompiler<unknown> = ({ schema, httpPart }) => {
  if (httpPart === 'body' && isReadByRoute(schema)) return () => true
  let validate: ReturnType<Ajv['compile']> | undefined
  return (value: unknown) => {
    validate ??= (httpPart === 'body' ? bodyAjv : textAjv).compile(schema as object)
    if (validate(value)) return { value }
    return { error: new RequestProblemsError('REQUEST_INVALID', (validate.errors ?? []).map(problemOf)) }
  }
}

/** A body that its route reads itself. */
export const READ_BY_ROUTE = { 'x-read-by-route': true } as const

const isReadByRoute = (schema: unknown): boolean =>
  typeof schema === 'object' && schema !== null && ('x-read-by-route' in schema || '$ref' in schema)

const problemOf = ({ instancePath, keyword, params, parentSchema, data }: ErrorObject): FieldProblem => {
  const place = instancePath.split('/').slice(1)
  const group = (parentSchema ?? {}) as SettingSchema
  if (keyword === 'required') {
    const name = String(params['missingProperty'])
    const allowed = describeAllowed(group.properties?.[name] ?? {})
    return { field: [...place, name].join('.'), what: 'is missing', allowed, got: 'nothing' }
  }
  if (keyword === 'additionalProperties') {
    const name = String(params['additionalProperty']).slice(0, 60)
    const allowed = Object.keys(group.properties ?? {}).join(', ') || 'nothing'
    return { field: [...place, name].join('.'), what: 'is not known here', allowed, got: shown(name) }
  }
  return { field: place.join('.'), what: 'is not allowed', allowed: describeAllowed(group), got: shown(data) }
}
