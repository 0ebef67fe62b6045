import { isDeepStrictEqual } from 'node:util'
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { describeAllowed } from './describe-allowed.ts'
import { nearest } from './nearest.ts'
import { describeOrigin, type Origin } from './origin.ts'
import { type Pointer, pathOf, pointerOf } from './pointer.ts'
import { isMapping, namedKeys, type SettingSchema, settingsOf } from './setting-schema.ts'
import { HIDDEN } from './shown-setting.ts'

// Compiling is what takes time; a configuration is checked once.
const ajv = new Ajv({
  allErrors: true,
  verbose: true,
  strict: false,
  validateFormats: false,
  // Schemas of settings are ours; test/ holds them to what they mean.
  meta: false,
  validateSchema: false,
  code: { optimize: false },
})

/**
 * One sentence for each value that `schema` does not accept: place, path, what is allowed, what came.
 *
 * All problems at once, in the order of the schema, at most one for each place; empty when `value` is valid.
 * `defaults` are the value when nothing is said: they are valid, and a section that equals them is not
 * checked again.
 */
export const findProblems = (
  schema: SettingSchema,
  value: unknown,
  defaults: unknown,
  originOf: (pointer: Pointer) => Origin,
): readonly string[] => {
  const validate = validatorOf(schema, value, defaults)
  if (validate(value)) return []
  const sentences = new Map<string, string>()
  for (const error of relevant(validate.errors ?? [])) {
    const place = placeOf(error)
    if (sentences.has(place)) continue
    sentences.set(place, `${describeOrigin(originOf(place))} ${sentenceFor(error, place, schema)}`)
  }
  return [...sentences.values()]
}

/** The check of the sections that are not their defaults: rules take longer to compile than to check. */
const validatorOf = (schema: SettingSchema, value: unknown, defaults: unknown): ValidateFunction => {
  const sections = Object.entries(schema.properties ?? {})
  const isDefault = (name: string): boolean =>
    isMapping(value) && isMapping(defaults) && isDeepStrictEqual(value[name], defaults[name])
  const known = compiled.get(schema) ?? new Map<string, ValidateFunction>()
  compiled.set(schema, known)
  const rules = sections.map(([name, section]) => [name, isDefault(name) ? {} : section])
  const key = sections.map(([name]) => (isDefault(name) ? '-' : '+')).join('')
  const validate = known.get(key) ?? ajv.compile({ ...schema, properties: Object.fromEntries(rules) })
  known.set(key, validate)
  return validate
}

/** By schema, and by which of its sections are checked. */
const compiled = new WeakMap<SettingSchema, Map<string, ValidateFunction>>()

/**
 * Errors worth telling. Where no alternative of an `anyOf` fits, Ajv lists the failures of each: keep the
 * ones inside the only alternative of the right type, and otherwise the `anyOf` alone.
 */
const relevant = (errors: readonly ErrorObject[]): readonly ErrorObject[] => {
  const choices = errors.filter((error) => error.keyword === 'anyOf')
  return errors.filter((error) =>
    choices.every((choice) => {
      const branch = onlyBranchOfType(choice)
      if (error === choice) return branch === undefined
      if (!error.schemaPath.startsWith(`${choice.schemaPath}/`)) return true
      return branch !== undefined && error.schemaPath.startsWith(`${choice.schemaPath}/${branch}/`)
    }),
  )
}

const onlyBranchOfType = ({ schema, data }: ErrorObject): number | undefined => {
  const type = data === null ? 'null' : Array.isArray(data) ? 'array' : typeof data
  const isStructure = type === 'object' || type === 'array'
  const fitting = (schema as readonly SettingSchema[]).flatMap((branch, index) =>
    branch.type === type ? [index] : [],
  )
  return isStructure && fitting.length === 1 ? fitting[0] : undefined
}

const placeOf = (error: ErrorObject): Pointer => {
  const key: unknown = error.params['additionalProperty'] ?? error.params['missingProperty']
  return typeof key === 'string' ? pointerOf([...pathOf(error.instancePath), key]) : error.instancePath
}

const sentenceFor = (error: ErrorObject, place: Pointer, root: SettingSchema): string => {
  const path = pathOf(place)
  const name = path.length === 0 ? 'the file' : path.join('.')
  const group = (error.parentSchema ?? {}) as SettingSchema
  if (error.keyword === 'additionalProperties') {
    const key = path.at(-1) ?? ''
    const keys = Object.keys(namedKeys(group) ?? {})
    return `${name}: unknown setting. Allowed here: ${keys.join(', ')}.${renamedTo(group, key) || suggestKey(key, keys, root)}`
  }
  if (error.keyword === 'required') {
    const missing = group.properties?.[path.at(-1) ?? ''] ?? {}
    return `${name}: missing. Allowed: ${describeAllowed(missing)}; got nothing.`
  }
  return `${name}: allowed: ${describeAllowed(group)}; got ${describeGot(group, error.data)}.${renamedTo(group, error.data)}`
}

const describeGot = (schema: SettingSchema, value: unknown): string =>
  schema.secret === undefined ? describeValue(value) : `${typeName(value)} ${HIDDEN}`

const renamedTo = ({ renamed = {} }: SettingSchema, value: unknown): string => {
  const now = typeof value === 'string' && Object.hasOwn(renamed, value) ? renamed[value] : undefined
  return now === undefined ? '' : ` ${value} is called ${now} now.`
}

const suggestKey = (key: string, siblings: readonly string[], root: SettingSchema): string => {
  const sibling = nearest(key, siblings)
  if (sibling !== undefined) return ` Did you mean "${sibling}"?`
  const elsewhere = settingsOf(root).find(({ path }) => path.at(-1) === key)
  return elsewhere === undefined ? '' : ` Did you mean "${elsewhere.path.join('.')}"?`
}

const LONGEST_SHOWN = 80

/** A value as it came, with its type, shortened. */
export const describeValue = (value: unknown): string => {
  if (value === null || value === undefined) return 'nothing (an empty value)'
  const text = JSON.stringify(value)
  const shown = text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text
  return `${typeName(value)} ${shown}`
}

const typeName = (value: unknown): string => {
  if (Array.isArray(value)) return 'the list'
  if (typeof value === 'object') return 'the mapping'
  if (typeof value === 'string') return 'the text'
  return typeof value === 'boolean' ? 'the boolean' : 'the number'
}
