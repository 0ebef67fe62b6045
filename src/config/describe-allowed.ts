import { FORGET_PATTERN, KEEP_PATTERN, WINDOW_PATTERN } from '../foundation/duration.ts'
import { namedKeys, type SettingSchema } from './setting-schema.ts'

/** The unit by which a section says that a text is read by `parseDuration`. */
const DURATION = 'duration'

/**
 * What a setting accepts, in words computed from its schema: `a whole number from 1 to 64 (unit: threads)`.
 *
 * Used by messages, by the comments of the YAML files and by the documentation, so they cannot disagree.
 */
export const describeAllowed = (schema: SettingSchema): string => {
  const text = describeShape(schema)
  return schema.unit === undefined || schema.unit === DURATION ? text : `${text} (unit: ${schema.unit})`
}

const describeShape = (schema: SettingSchema): string => {
  if (schema.const !== undefined) return String(schema.const)
  if (schema.enum !== undefined) return oneOf(schema.enum)
  if (schema.anyOf !== undefined) return describeAlternatives(schema.anyOf)
  switch (schema.type) {
    case 'integer':
      return `a whole number${describeRange(schema)}`
    case 'number':
      return `a number${describeRange(schema)}`
    case 'boolean':
      return 'true or false'
    case 'string':
      return describeText(schema)
    case 'array':
      return describeList(schema)
    case 'object':
      return describeMapping(schema)
    case 'null':
      return 'null'
    default:
      return 'any value'
  }
}

const describeAlternatives = (alternatives: readonly SettingSchema[]): string => {
  const constants = alternatives.filter((alternative) => alternative.const !== undefined)
  const others = alternatives.filter((alternative) => alternative.const === undefined).map(describeShape)
  const named = constants.length > 0 ? [oneOf(constants.map((constant) => constant.const))] : []
  return [...named, ...others].join(', or ')
}

const oneOf = (values: readonly unknown[]): string =>
  values.length === 1 ? String(values[0]) : `one of ${values.map(String).join(', ')}`

const describeRange = (schema: SettingSchema): string => {
  const low = schema.minimum ?? schema.exclusiveMinimum
  const high = schema.maximum ?? schema.exclusiveMaximum
  const lowWord = schema.exclusiveMinimum === undefined ? 'from' : 'above'
  const highWord = schema.exclusiveMaximum === undefined ? 'to' : 'below'
  if (low !== undefined && high !== undefined) return ` ${lowWord} ${low} ${highWord} ${high}`
  if (low !== undefined) return lowWord === 'above' ? ` above ${low}` : ` of at least ${low}`
  if (high !== undefined) return highWord === 'below' ? ` below ${high}` : ` of at most ${high}`
  return ''
}

const describeText = (schema: SettingSchema): string => {
  if (schema.unit === DURATION)
    return `a duration${schema.pattern === WINDOW_PATTERN ? ' above zero and below 10000000d' : ''} such as 7d, 1h, 30m or 90s`
  if (schema.pattern === FORGET_PATTERN) return 'never, or a duration such as 400d'
  if (schema.pattern === KEEP_PATTERN) return 'forever, or a duration such as 90d'
  if (schema.pattern !== undefined) return `text that matches \`${schema.pattern}\``
  return (schema.minLength ?? 0) > 0 ? 'text that is not empty' : 'text'
}

const describeList = (schema: SettingSchema): string => {
  const items = schema.items === undefined ? '' : ` of: ${describeAllowed(schema.items)}`
  const all = schema.uniqueItems ? ', each once' : ''
  return `a list${(schema.minItems ?? 0) > 0 ? ` with at least ${schema.minItems}` : ''}${items}${all}`
}

const describeMapping = (schema: SettingSchema): string => {
  if (schema.properties !== undefined) {
    return `a mapping with the keys ${Object.keys(schema.properties).join(', ')}`
  }
  const named = namedKeys(schema)
  if (named !== undefined)
    return `a mapping from any of ${Object.keys(named).join(', ')} to a list of its values`
  const values = mappingValues(schema)
  return values === undefined ? 'a mapping' : `a mapping from any key to: ${describeAllowed(values)}`
}

const mappingValues = (schema: SettingSchema): SettingSchema | undefined =>
  typeof schema.additionalProperties === 'object'
    ? schema.additionalProperties
    : Object.values(schema.patternProperties ?? {})[0]
