import { nearest } from './nearest.ts'
import type { Origin } from './origin.ts'
import { readYamlValue } from './read-yaml.ts'
import {
  renamedSettingsOf,
  type Setting,
  type SettingPath,
  type SettingSchema,
  settingsOf,
} from './setting-schema.ts'

/** A value given beside the file. */
export interface Override {
  readonly path: SettingPath
  readonly value: unknown
  readonly origin: Origin
}

export interface Overrides {
  readonly overrides: readonly Override[]
  /** One sentence for each variable or argument that names no setting. */
  readonly problems: readonly string[]
}

const PREFIX = 'VIGIA_'

/** The environment variable of a setting: `VIGIA_SPLIT__TRAIN_SHARE` for `split.train_share`. */
export const variableOf = (path: SettingPath): string =>
  PREFIX + path.map((key) => key.toUpperCase()).join('__')

/**
 * Reads the overrides of `schema` from the environment.
 *
 * A variable that starts with `VIGIA_` and holds a double underscore must name a setting of `schema` or of
 * `otherSchemas` (the other configuration file, whose variables share the environment). So must one that is a
 * setting's variable but for single underscores, unless it holds a Kubernetes service link such as
 * `VIGIA_API_PORT=tcp://10.0.0.1:80`, which the cluster sets by itself in every pod.
 */
export const readEnvironment = (
  environment: Readonly<Record<string, string | undefined>>,
  schema: SettingSchema,
  otherSchemas: readonly SettingSchema[],
): Overrides => {
  const own = new Map(settingsOf(schema).map((setting) => [variableOf(setting.path), setting]))
  const foreign = new Set(
    otherSchemas.flatMap((other) => settingsOf(other).map(({ path }) => variableOf(path))),
  )
  const known = [...own.keys(), ...foreign]
  const renamed = renamedBy(variableOf, [schema, ...otherSchemas])
  const overrides: Override[] = []
  const problems: string[] = []
  for (const [variable, text] of Object.entries(environment)) {
    if (text === undefined || !variable.startsWith(PREFIX)) continue
    const setting = own.get(variable)
    if (setting !== undefined) {
      overrides.push({
        path: setting.path,
        value: valueFor(setting, text),
        origin: { kind: 'environment', variable },
      })
    } else if (!foreign.has(variable) && isClaimed(variable, text, known)) {
      problems.push(`environment variable ${variable} names no setting.${suggest(variable, known, renamed)}`)
    }
  }
  return { overrides, problems }
}

/**
 * Reads `path=value` arguments: `split.train_share=0.8`. The value is read as it would be in the YAML file.
 */
export const readArguments = (assignments: readonly string[], schema: SettingSchema): Overrides => {
  const settings = new Map(settingsOf(schema).map((setting) => [dotted(setting.path), setting]))
  const renamed = renamedBy(dotted, [schema])
  const overrides: Override[] = []
  const problems: string[] = []
  for (const argument of assignments) {
    const equals = argument.indexOf('=')
    const name = equals < 0 ? argument : argument.slice(0, equals)
    const setting = settings.get(name)
    if (equals < 0) {
      problems.push(`--set ${argument}: expected <path>=<value>, such as project.seed=7.`)
    } else if (setting === undefined) {
      problems.push(`--set ${argument}: "${name}" is no setting.${suggestSetting(name, settings, renamed)}`)
    } else {
      const value = valueFor(setting, argument.slice(equals + 1))
      overrides.push({ path: setting.path, value, origin: { kind: 'set', argument } })
    }
  }
  return { overrides, problems }
}

const isClaimed = (variable: string, text: string, known: readonly string[]): boolean =>
  variable.slice(PREFIX.length).includes('__') ||
  (!/^\w+:\/\//.test(text) && known.some((name) => name.replaceAll('__', '_') === variable))

const dotted = (path: SettingPath): string => path.join('.')

const renamedBy = (
  write: (path: SettingPath) => string,
  schemas: readonly SettingSchema[],
): Map<string, string> =>
  new Map(
    schemas
      .flatMap((schema) => renamedSettingsOf(schema))
      .map(({ before, now }) => [write(before), write(now)]),
  )

const suggest = (name: string, known: readonly string[], renamed: ReadonlyMap<string, string>): string => {
  const now = renamed.get(name)
  if (now !== undefined) return ` It is called ${now} now.`
  const candidate = nearest(name, known)
  return candidate === undefined ? ' `vigia config show` lists every setting.' : ` Did you mean ${candidate}?`
}

/** What to do about a setting that there is not, an entry of a mapping among them. */
const suggestSetting = (
  name: string,
  settings: ReadonlyMap<string, Setting>,
  renamed: ReadonlyMap<string, string>,
): string => {
  const known = [...settings.keys()]
  const whole = known.find(
    (setting) => name.startsWith(`${setting}.`) && typesOf(settings.get(setting)!.schema).has('object'),
  )
  return whole === undefined
    ? suggest(name, known, renamed)
    : ` ${whole} is one setting: --set '${whole}={...}' replaces all of it; single entries stand in the file.`
}

/** The value of a text: text where text is what the setting takes, as in YAML otherwise. */
const valueFor = ({ schema }: Setting, text: string): unknown => {
  const types = typesOf(schema)
  const value = readYamlValue(text)
  return types.has('string') && !types.has(jsonTypeOf(value)) ? text : value
}

const typesOf = (schema: SettingSchema): ReadonlySet<string> => {
  const own = [schema.type ?? []].flat()
  const types = new Set([...own, ...(schema.anyOf ?? []).flatMap((alternative) => [...typesOf(alternative)])])
  return types.has('integer') ? types.add('number') : types
}

const jsonTypeOf = (value: unknown): string => {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}
