import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import {
  type ConfigInput,
  type ConfigManager,
  loadServingConfig,
  loadTrainingConfig,
} from '../config/config-manager.ts'
import type { ServingSettings } from '../config/serving-config.ts'
import type { TrainingSettings } from '../config/training-config.ts'
import { VigiaError } from '../errors.ts'
import type { CommandContext, CommandInput, CommandOption } from './command.ts'

/** Where configurations are read from, and whose variables count. */
export type ConfigPlace = Pick<CommandContext, 'workingDirectory' | 'environment'>

/**
 * The options of every command that reads a configuration; `readTrainingConfig` and `readServingConfig` read
 * them.
 */
export const CONFIG_OPTIONS: readonly CommandOption[] = [
  {
    flags: '-c, --config <file>',
    description: 'configuration file; without it, every setting has its default',
  },
  {
    flags: '--set <path=value>',
    description: 'override one setting, for instance --set project.seed=7 (may be repeated)',
    repeatable: true,
  },
]

/**
 * The training configuration of `--config` and `--set`. @throws CONFIG_FILE_UNREADABLE, CONFIG_YAML_INVALID,
 * CONFIG_INVALID, FEATURES_EXPRESSION_INVALID, FEATURES_DERIVED_INVALID, FEATURES_AGGREGATE_INVALID
 */
export const readTrainingConfig = async (
  context: ConfigPlace,
  input: CommandInput,
): Promise<ConfigManager<TrainingSettings>> => {
  const config = loadTrainingConfig(await configInput(context, input))
  const { features, cleaning, entities, source } = config.settings
  if (features.derived !== undefined) {
    // Commands that need no expressions start without what reads them.
    const { checkDerived } = await import('../features/derived/check-derived.ts')
    checkDerived(features.derived, cleaning.fold_categories)
  }
  if (features.aggregates !== undefined) {
    const { checkAggregates } = await import('../features/aggregates/check-aggregates.ts')
    const { kindsOfDeclared } = await import('../dataset/source-entities.ts')
    checkAggregates(features, kindsOfDeclared(entities), source.fields.user_id === '')
  }
  return config
}

/**
 * The serving configuration of `--config` and `--set`. @throws CONFIG_FILE_UNREADABLE, CONFIG_YAML_INVALID,
 * CONFIG_INVALID
 */
export const readServingConfig = async (
  context: ConfigPlace,
  input: CommandInput,
): Promise<ConfigManager<ServingSettings>> => loadServingConfig(await configInput(context, input))

const configInput = async (context: ConfigPlace, input: CommandInput): Promise<ConfigInput> => {
  const name = input.options['config']
  const assignments = input.options['set']
  return {
    ...(typeof name === 'string' && { file: await readConfigFile(name, context.workingDirectory) }),
    environment: context.environment,
    assignments: Array.isArray(assignments) ? assignments : [],
    workingDirectory: context.workingDirectory,
  }
}

const readConfigFile = async (name: string, workingDirectory: string) => {
  const path = resolve(workingDirectory, name)
  try {
    // A byte that is no UTF-8 is an error: a silently replaced character would change a value.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path))
    return { name, directory: dirname(path), text }
  } catch (cause) {
    throw new VigiaError('CONFIG_FILE_UNREADABLE', { file: name, reason: reasonOf(cause) }, { cause })
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a directory, expected a YAML file',
  ENOTDIR: 'a part of its path is no directory',
  EACCES: 'permission denied',
  ERR_ENCODING_INVALID_ENCODED_DATA: 'it is not UTF-8 text',
}

const reasonOf = (cause: unknown): string => {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  return REASONS[code] ?? String(cause)
}
