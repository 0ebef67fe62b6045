import { isAbsolute, resolve } from 'node:path'
import type { Static } from 'typebox'
import { VigiaError } from '../errors.ts'
import { type ConfigFile, schemaOf } from './config-file.ts'
import { findProblems } from './find-problems.ts'
import { describeOrigin, type Origin } from './origin.ts'
import { type Override, readArguments, readEnvironment } from './overrides.ts'
import { type PlatformVariable, readPlatform } from './platform-variables.ts'
import { type Pointer, pointerOf, selfAndAncestors } from './pointer.ts'
import { readYaml } from './read-yaml.ts'
import { SERVING_FILE } from './serving-config.ts'
import { isGroup, isMapping, type SettingPath, type SettingSchema, settingsOf } from './setting-schema.ts'
import { TRAINING_FILE } from './training-config.ts'

/** All that a configuration is made from. Nothing is read from disk or process here. */
export interface ConfigInput {
  /** The file as named to people, its folder (absolute) and its text; absent for defaults only. */
  readonly file?: { readonly name: string; readonly directory: string; readonly text: string }
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Arguments of `--set`, `path=value` each; a later one wins. */
  readonly assignments: readonly string[]
  /** Absolute. */
  readonly workingDirectory: string
}

/** One effective value and where it came from. */
export interface EffectiveSetting {
  readonly path: SettingPath
  readonly value: unknown
  readonly origin: Origin
  readonly schema: SettingSchema
}

/**
 * The configuration of one file: defaults, overlaid by the file, the environment and `--set`, validated once
 * as a whole.
 *
 * Immutable. Made by `loadTrainingConfig` or `loadServingConfig`.
 */
export class ConfigManager<Settings = unknown> {
  /** Every setting, paths absolute. */
  readonly settings: Settings
  /**
   * Every setting as written, paths as they stand in the file: the same on every machine, so fit to hash and
   * to store.
   */
  readonly declared: Settings
  /** Every setting that has a value, in the order of the schema. */
  readonly entries: readonly EffectiveSetting[]

  /** @throws CONFIG_INVALID naming every problem at once, CONFIG_YAML_INVALID */
  constructor(file: ConfigFile, input: ConfigInput, otherFiles: readonly ConfigFile[]) {
    const schema = schemaOf(file)
    const layers = readLayers(schema, input, otherFiles.map(schemaOf), file.platform ?? [])
    const declared = layers.overrides.reduce(
      (value, override) => assign(value, override.path, override.value),
      withDefaults(schema, layers.content),
    )
    refuse(input, [
      ...layers.problems,
      ...findProblems(schema, declared, withDefaults(schema, undefined), layers.originOf),
    ])
    const settings = resolvePaths(file, declared, layers.originOf, input)
    const originOf = (name: string): string => describeOrigin(layers.originOf(pointerOf(name.split('.'))))
    refuse(input, file.contradictions?.(settings, originOf) ?? [])
    this.declared = declared as Settings
    this.settings = settings as Settings
    this.entries = settingsOf(schema).flatMap((setting) => {
      const value = valueAt(settings, setting.path)
      const origin = layers.originOf(pointerOf(setting.path))
      return value === undefined ? [] : [{ path: setting.path, schema: setting.schema, value, origin }]
    })
  }

  /** Where the value at `path` (`split.train_share`) came from; `default` for what is no setting. */
  originOf(path: string): Origin {
    return this.entries.find((entry) => entry.path.join('.') === path)?.origin ?? { kind: 'default' }
  }
}

/** The configuration of training and of batch work. @throws CONFIG_INVALID, CONFIG_YAML_INVALID */
export const loadTrainingConfig = (input: ConfigInput): ConfigManager<Static<typeof TRAINING_FILE.schema>> =>
  new ConfigManager(TRAINING_FILE, input, [SERVING_FILE])

/** The configuration of the server. @throws CONFIG_INVALID, CONFIG_YAML_INVALID */
export const loadServingConfig = (input: ConfigInput): ConfigManager<Static<typeof SERVING_FILE.schema>> =>
  new ConfigManager(SERVING_FILE, input, [TRAINING_FILE])

/** @throws CONFIG_INVALID when there are problems */
const refuse = ({ file }: ConfigInput, problems: readonly string[]): void => {
  if (problems.length === 0) return
  throw new VigiaError('CONFIG_INVALID', {
    file: file?.name ?? 'The configuration',
    count: problems.length === 1 ? '1 problem' : `${problems.length} problems`,
    problems: problems.map((problem) => `\n  ${problem}`).join(''),
  })
}

interface Layers {
  readonly content: unknown
  readonly overrides: readonly Override[]
  readonly problems: readonly string[]
  readonly originOf: (pointer: Pointer) => Origin
}

const readLayers = (
  schema: SettingSchema,
  input: ConfigInput,
  otherSchemas: readonly SettingSchema[],
  platform: readonly PlatformVariable[],
): Layers => {
  const name = input.file?.name ?? ''
  const content = readYaml(input.file?.text ?? '', name)
  const environment = readEnvironment(input.environment, schema, otherSchemas)
  const assignments = readArguments(input.assignments, schema)
  const asked = readPlatform(input.environment, platform)
  const overrides = [...asked, ...environment.overrides, ...assignments.overrides]
  const overridden = new Map(overrides.map(({ path, origin }) => [pointerOf(path), origin]))
  const originOf = (pointer: Pointer): Origin => {
    const around = selfAndAncestors(pointer)
    const override = around.map((place) => overridden.get(place)).find((origin) => origin !== undefined)
    const position = content.positions.get(pointer)
    return (
      override ?? (position === undefined ? { kind: 'default' } : { kind: 'file', file: name, ...position })
    )
  }
  return {
    content: content.value,
    overrides,
    problems: [...environment.problems, ...assignments.problems],
    originOf,
  }
}

/**
 * `value` with the default of every setting it leaves out. What is of the wrong type stays, for validation to
 * name.
 */
const withDefaults = (schema: SettingSchema, value: unknown): unknown => {
  if (!isGroup(schema)) return value === undefined ? structuredClone(schema.default) : value
  // A group with nothing under it (`fields:`) says nothing, so all of it is default.
  if (value !== undefined && value !== null && !isMapping(value)) return value
  const filled: Record<string, unknown> = { ...(value ?? {}) }
  for (const [key, child] of Object.entries(schema.properties)) {
    const childValue = withDefaults(child, filled[key])
    if (childValue !== undefined) filled[key] = childValue
  }
  return filled
}

const assign = (target: unknown, [key, ...rest]: SettingPath, value: unknown): unknown => {
  if (key === undefined) return value
  const record = isMapping(target) ? target : {}
  return { ...record, [key]: assign(record[key], rest, value) }
}

const valueAt = (value: unknown, path: SettingPath): unknown =>
  path.reduce<unknown>((place, key) => (isMapping(place) ? place[key] : undefined), value)

const resolvePaths = (
  file: ConfigFile,
  declared: unknown,
  originOf: (pointer: Pointer) => Origin,
  input: ConfigInput,
): unknown =>
  file.paths
    .flatMap((name) => placesOf(name.split('.'), declared))
    .reduce((settings, path) => {
      const value = valueAt(settings, path)
      if (value === undefined) return settings
      const isWrittenInFile = originOf(pointerOf(path)).kind === 'file'
      const start = isWrittenInFile ? input.file?.directory : input.workingDirectory
      return assign(settings, path, absolute(value, start ?? input.workingDirectory))
    }, declared)

/** The places that a path of settings names: one for each entry where it has `*`. */
const placesOf = ([key, ...rest]: SettingPath, within: unknown): readonly SettingPath[] => {
  if (key === undefined) return [[]]
  if (key !== '*') return placesOf(rest, valueAt(within, [key])).map((place) => [key, ...place])
  return Object.entries(isMapping(within) ? within : {}).flatMap(([name, entry]) =>
    placesOf(rest, entry).map((place) => [name, ...place]),
  )
}

const absolute = (value: unknown, start: string): unknown => {
  if (Array.isArray(value)) return value.map((item) => absolute(item, start))
  const [, scheme = '', path] = /^(vigia-log:\/\/)?(.*)$/s.exec(String(value)) ?? []
  return isRelativePath(value) && isRelativePath(path) ? `${scheme}${resolve(start, path)}` : value
}

/**
 * Text that is empty, absolute, a model of the registry or a database stays as it is; of a log, the folder is
 * a path.
 */
const isRelativePath = (value: unknown): value is string =>
  typeof value === 'string' &&
  value !== '' &&
  !isAbsolute(value) &&
  !/^(?:models|runs|postgres|postgresql):\//i.test(value)
