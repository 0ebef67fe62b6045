import { Ajv, type ErrorObject } from 'ajv'

/** Whether a value has a schema; `errors` tell why the last one had not. */
export interface SchemaCheck<T> {
  (value: unknown): value is T
  readonly errors: readonly ErrorObject[] | null | undefined
}

/**
 * The check of `schema`, compiled when it is used first: most of what a process could check it never does.
 *
 * The schema itself is not checked: it is ours, and whether it is one shows in the tests of what it accepts.
 */
export const schemaCheck = <T>(schema: object): SchemaCheck<T> => {
  let compiled: ReturnType<Ajv['compile']> | undefined
  const check = (value: unknown): value is T => {
    compiled ??= ajv.compile(schema)
    return compiled(value) as boolean
  }
  Object.defineProperty(check, 'errors', { get: () => compiled?.errors })
  return check as SchemaCheck<T>
}

// Compiling is what takes time: most schemas are used once in the life of a process.
const ajv = new Ajv({ strict: false, meta: false, validateSchema: false, code: { optimize: false } })
