import type { Override } from './overrides.ts'
import { readYamlValue } from './read-yaml.ts'
import type { SettingPath } from './setting-schema.ts'

/** A variable with which a platform tells what it runs what to do, by a name of its own. */
export interface PlatformVariable {
  readonly variable: string
  readonly setting: SettingPath
}

/**
 * The settings that a platform asks for. They win over the file, since the platform works in no other way,
 * and yield to the setting's own variable and to `--set`. Of two for one setting the later of `variables`
 * wins.
 *
 * What a cluster sets in every pod for its services, such as `SERVER_PORT=tcp://10.0.0.1:80` for one called
 * server, is passed over, and what is empty.
 */
export const readPlatform = (
  environment: Readonly<Record<string, string | undefined>>,
  variables: readonly PlatformVariable[],
): readonly Override[] =>
  variables.flatMap(({ variable, setting }) => {
    const text = environment[variable]?.trim() ?? ''
    if (text === '' || /^\w+:\/\//.test(text)) return []
    const value = readYamlValue(text)
    return [{ path: setting, value, origin: { kind: 'environment', variable } as const }]
  })
