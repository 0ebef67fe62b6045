import picocolors from 'picocolors'
import type { OpenAlerts } from '../../alerts/open-alerts.ts'
import type { ConfigFile } from '../../config/config-file.ts'
import type { ConfigManager } from '../../config/config-manager.ts'
import { editorSchema } from '../../config/editor-schema.ts'
import { SERVING_FILE, type ServingSettings } from '../../config/serving-config.ts'
import { shownSetting } from '../../config/shown-setting.ts'
import { TRAINING_FILE } from '../../config/training-config.ts'
import { VigiaError } from '../../errors.ts'
import type { World } from '../../foundation/world.ts'
import type { Command, CommandContext, CommandInput, ExitCode } from '../command.ts'
import { CONFIG_OPTIONS, readServingConfig, readTrainingConfig } from '../config-option.ts'
import { showCost } from './config-cost.ts'

/** What the command needs of the composition root. */
export interface ConfigTools {
  readonly world: Pick<World, 'monotonicMs'>
  readonly openAlerts: OpenAlerts
}

/** `vigia config`: what the configuration is, whether it is right, what it may be, and what it costs. */
export const configCommand = ({ world, openAlerts }: ConfigTools): Command => ({
  name: 'config',
  summary: 'show, check or describe the configuration',
  description:
    'show prints every effective value and where it came from, secrets hidden, or what the features cost; validate checks a file, and of a serving configuration also whether the secrets of alerts are there; schema prints the JSON Schema for editors.',
  arguments: [
    { name: '<action>', description: 'what to do', choices: ['show', 'validate', 'schema'] },
    {
      name: '[section]',
      description: 'for show: only this section, for instance `features` or `source.csv`',
    },
  ],
  options: [
    ...CONFIG_OPTIONS,
    {
      flags: '--kind <kind>',
      description: 'which file',
      choices: ['training', 'serving'],
      defaultValue: 'training',
    },
    {
      flags: '--without-secrets',
      description: 'for validate: do not look for secrets of alerts, as on a machine that only builds',
    },
    { flags: '--changed', description: 'for show: only values that differ from their default in origin' },
    {
      flags: '--cost',
      description:
        'for show: instead of values, what the features of each kind of entity cost: memory of a state, time per transaction',
    },
  ],
  examples: [
    {
      command: 'vigia config show --config configs/training_config.yaml',
      explanation: 'Every value with its origin.',
    },
    { command: 'vigia config show features --changed', explanation: 'What is set in one section.' },
    { command: 'vigia config show --cost', explanation: 'Memory and time of each kind of entity.' },
    {
      command: 'vigia config validate --kind serving --config configs/serving_config.yaml',
      explanation: 'Exit code 0 when the file is right, 2 with every problem when it is not.',
    },
    { command: 'vigia config schema > training.schema.json', explanation: 'The JSON Schema, for an editor.' },
  ],
  run: async (context, input) => {
    const [action, section] = input.arguments
    const isServing = input.options['kind'] === 'serving'
    const file: ConfigFile = isServing ? SERVING_FILE : TRAINING_FILE
    if (action === 'schema') return printJson(context, editorSchema(file))
    if (action === 'show' && input.options['cost'] === true) {
      if (isServing || section !== undefined)
        throw new VigiaError('CLI_INVALID_ARGUMENT', {
          command: 'config show',
          reason: '--cost is of the whole training configuration: leave the section and --kind out',
        })
      return showCost(context, await readTrainingConfig(context, input), world)
    }
    if (isServing && action === 'validate' && input.options['withoutSecrets'] !== true)
      await assertSecrets(openAlerts, context, input)
    const config: ConfigManager = await (isServing ? readServingConfig : readTrainingConfig)(context, input)
    if (action === 'validate') return reportValid(context, input, config)
    return show(context, config, section, input.options['changed'] === true)
  },
})

/** @throws ALERT_SECRETS_MISSING, and what reading a serving configuration does */
const assertSecrets = async (
  openAlerts: OpenAlerts,
  context: CommandContext,
  input: CommandInput,
): Promise<void> => {
  const { alerts }: ServingSettings = (await readServingConfig(context, input)).settings
  const { broken, center } = await openAlerts(alerts, context.environment)
  await center.close()
  if (broken.size === 0) return
  const problems = [...broken].map(([name, reason]) => `\n  ${name}: ${reason}`).join('')
  const file = String(input.options['config'] ?? 'The configuration')
  throw new VigiaError('ALERT_SECRETS_MISSING', { file, problems })
}

const printJson = (context: CommandContext, value: unknown): ExitCode => {
  context.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
  return 0
}

const reportValid = (context: CommandContext, input: CommandInput, config: ConfigManager): ExitCode => {
  const file = input.options['config'] ?? null
  const changed = config.entries.filter((entry) => entry.origin.kind !== 'default').length
  if (context.json) return printJson(context, { valid: true, file, settings: config.entries.length, changed })
  const name = file === null ? 'The default configuration' : String(file)
  context.stdout.write(`${name} is valid: ${config.entries.length} settings, ${changed} of them set.\n`)
  return 0
}

const show = (
  context: CommandContext,
  config: ConfigManager,
  section: string | undefined,
  onlyChanged: boolean,
): ExitCode => {
  const inSection = config.entries
    .map((entry) => ({ ...entry, name: entry.path.join('.') }))
    .filter(({ name }) => section === undefined || name === section || name.startsWith(`${section}.`))
  if (inSection.length === 0) {
    const sections = [...new Set(config.entries.map(({ path }) => path[0]))].join(', ')
    throw new VigiaError('CLI_INVALID_ARGUMENT', {
      command: 'config show',
      reason: `there is no setting or section "${section}"; sections: ${sections}`,
    })
  }
  const entries = inSection
    .filter(({ origin }) => !onlyChanged || origin.kind !== 'default')
    .map((entry) => ({
      name: entry.name,
      isDefault: entry.origin.kind === 'default',
      shown: shownSetting(entry),
    }))
  if (context.json)
    return printJson(context, Object.fromEntries(entries.map(({ name, shown }) => [name, shown])))
  const paint = picocolors.createColors(context.useColor)
  const nameWidth = Math.max(0, ...entries.map(({ name }) => name.length))
  const valueWidth = Math.min(
    40,
    Math.max(0, ...entries.map(({ shown }) => JSON.stringify(shown.value).length)),
  )
  for (const { name, isDefault, shown } of entries) {
    const { value, origin } = shown
    const colored = isDefault ? paint.dim(origin) : paint.cyan(origin)
    context.stdout.write(
      `${name.padEnd(nameWidth)}  ${JSON.stringify(value).padEnd(valueWidth)}  ${colored}\n`,
    )
  }
  if (entries.length === 0)
    context.stderr.write(
      `Every value of ${section === undefined ? 'the configuration' : `"${section}"`} is its default.\n`,
    )
  return 0
}
