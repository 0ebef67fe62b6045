import type { TSchema } from 'typebox'
import type { PlatformVariable } from './platform-variables.ts'
import { closeGroups, type SettingSchema } from './setting-schema.ts'

/** One configuration file: its schema, and which of its settings are paths. */
export interface ConfigFile<Schema extends TSchema = TSchema> {
  /** `training_config` or `serving_config`: the name of the YAML file and of its JSON Schema. */
  readonly name: string
  readonly summary: string
  readonly schema: Schema
  /**
   * Settings that are paths (text or a list of texts), by dotted name; `*` stands for every entry of a
   * mapping.
   *
   * A relative path written in the file starts at the file's folder, so a configuration and its data move
   * together. Any other relative path (a default, the environment, `--set`) starts at the working directory,
   * as in every other command.
   */
  readonly paths: readonly string[]
  /** Variables of platforms that are settings of the file, the strongest last. */
  readonly platform?: readonly PlatformVariable[]
  /**
   * What settings that are each allowed may not be together: a sentence for each case, as for a single one.
   *
   * @param settings of the file's schema, paths absolute
   * @param originOf says where the value of a dotted name came from, for people
   */
  readonly contradictions?: (settings: unknown, originOf: (name: string) => string) => readonly string[]
}

/** The schema of a file as plain JSON in which a misspelt key is an error. */
export const schemaOf = (file: ConfigFile): SettingSchema => {
  const known = schemas.get(file) ?? closeGroups(file.schema as SettingSchema)
  schemas.set(file, known)
  return known
}

/** The same object each time: validators are compiled once for each. */
const schemas = new WeakMap<ConfigFile, SettingSchema>()
