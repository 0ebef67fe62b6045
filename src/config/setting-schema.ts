/**
 * The part of JSON Schema that settings use: what TypeBox writes, read as plain data.
 *
 * `unit` and `renamed` are ours: the unit of a value, for messages and documentation; names that values, or
 * settings of a group, had in earlier versions, and what each is called now. `secret`: what of a value nobody
 * reads, `whole` or the `password` of an address.
 */
export interface SettingSchema {
  readonly type?: string | readonly string[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly SettingSchema[]
  readonly items?: SettingSchema
  readonly properties?: Readonly<Record<string, SettingSchema>>
  readonly additionalProperties?: boolean | SettingSchema
  readonly patternProperties?: Readonly<Record<string, SettingSchema>>
  readonly required?: readonly string[]
  readonly default?: unknown
  readonly description?: string
  readonly unit?: string
  readonly secret?: 'whole' | 'password'
  readonly renamed?: Readonly<Record<string, string>>
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
  readonly pattern?: string
  readonly minLength?: number
  readonly minItems?: number
  readonly uniqueItems?: boolean
  readonly maxItems?: number
}

/** Keys from the root to a setting: `['split', 'train_share']`. */
export type SettingPath = readonly string[]

/** A setting of a file: a place that holds a value, not a group of other settings. */
export interface Setting {
  readonly path: SettingPath
  readonly schema: SettingSchema
  /** False where the setting may be left out and then has no value. */
  readonly required: boolean
}

/** True for a group of named settings; a free mapping (any key) is one setting. */
export const isGroup = (
  schema: SettingSchema,
): schema is SettingSchema & { properties: NonNullable<SettingSchema['properties']> } =>
  schema.properties !== undefined

/** Every setting of `schema`, in the order it is written. */
export const settingsOf = (
  schema: SettingSchema,
  path: SettingPath = [],
  required = true,
): readonly Setting[] =>
  isGroup(schema)
    ? Object.entries(schema.properties).flatMap(([key, child]) =>
        settingsOf(child, [...path, key], schema.required?.includes(key) ?? false),
      )
    : [{ path, schema, required }]

/** Settings of earlier versions that are called otherwise now. */
export const renamedSettingsOf = (
  schema: SettingSchema,
  path: SettingPath = [],
): readonly { readonly before: SettingPath; readonly now: SettingPath }[] =>
  isGroup(schema)
    ? [
        ...Object.entries(schema.renamed ?? {}).map(([before, now]) => ({
          before: [...path, before],
          now: [...path, now],
        })),
        ...Object.entries(schema.properties).flatMap(([key, child]) =>
          renamedSettingsOf(child, [...path, key]),
        ),
      ]
    : []

/**
 * What each key of a mapping holds, by key, where the schema names them; undefined where any key may stand.
 */
export const namedKeys = (schema: SettingSchema): Readonly<Record<string, SettingSchema>> | undefined => {
  if (schema.properties !== undefined) return schema.properties
  const patterns = Object.entries(schema.patternProperties ?? {})
  const named = patterns.flatMap(([pattern, value]) => {
    const name = /^\^(\w+)\$$/.exec(pattern)?.[1]
    return name === undefined ? [] : [[name, value] as const]
  })
  return named.length > 0 && named.length === patterns.length ? Object.fromEntries(named) : undefined
}

/**
 * A copy of `schema` as plain JSON in which a group accepts its named keys only, so a misspelt key is an
 * error.
 *
 * A schema that says `additionalProperties` itself keeps what it says.
 */
export const closeGroups = (schema: SettingSchema): SettingSchema =>
  closed(JSON.parse(JSON.stringify(schema)))

const closed = (schema: SettingSchema): SettingSchema => ({
  ...schema,
  ...(schema.anyOf && { anyOf: schema.anyOf.map(closed) }),
  ...(schema.items && { items: closed(schema.items) }),
  ...(typeof schema.additionalProperties === 'object' && {
    additionalProperties: closed(schema.additionalProperties),
  }),
  ...(schema.properties && {
    properties: mapValues(schema.properties, closed),
    additionalProperties: schema.additionalProperties ?? false,
  }),
})

/**
 * `schema` for editors: a setting that has a default need not be written, so it is not `required`.
 *
 * What remains required is what a person must write because no default would be right.
 */
export const withoutDefaultedRequired = (schema: SettingSchema): SettingSchema => {
  if (!isGroup(schema)) return schema
  const required = (schema.required ?? []).filter((key) => mustBeWritten(schema.properties[key] ?? {}))
  const { required: _, ...rest } = schema
  return {
    ...rest,
    // A group with nothing under it is all defaults.
    type: ['object', 'null'],
    properties: mapValues(schema.properties, withoutDefaultedRequired),
    ...(required.length > 0 && { required }),
  }
}

const mustBeWritten = (schema: SettingSchema): boolean =>
  isGroup(schema)
    ? (schema.required ?? []).some((key) => mustBeWritten(schema.properties[key] ?? {}))
    : schema.default === undefined

const mapValues = <T, U>(record: Readonly<Record<string, T>>, map: (value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]))

/** Is `value` a mapping of keys, as a group of settings is? */
export const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
