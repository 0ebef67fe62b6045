import picocolors from 'picocolors'
import type { TrainingSettings } from '../../config/training-config.ts'
import { VigiaError } from '../../errors.ts'
import { findXgboostLibrary } from '../../fitting/xgboost/find-library.ts'
import { librarySearchHere } from '../../fitting/xgboost/library-search.ts'
import type { Command, CommandContext, CommandInput } from '../command.ts'
import { CONFIG_OPTIONS, readTrainingConfig } from '../config-option.ts'
import {
  checkCores,
  checkDisk,
  checkDuckDb,
  checkMemory,
  checkMlflowFolder,
  checkNode,
  checkWorkers,
  type Finding,
} from '../doctor-checks.ts'

/** `vigia doctor`: whether this machine can do the work, and what to do when it cannot. */
export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'check that this machine can run everything',
  description:
    "Checks Node.js, DuckDB, threads, disk, memory, the configuration, and what Python's MLflow would say of the folder of runs. Exit code 0 when nothing fails, 1 when something does.",
  options: CONFIG_OPTIONS,
  examples: [
    { command: 'vigia doctor', explanation: 'Check this machine.' },
    {
      command: 'vigia doctor --config configs/training_config.yaml --json',
      explanation: 'The same with a configuration, for a machine to read.',
    },
  ],
  run: async (context, input) => {
    const findings = await examine(context, input)
    if (context.json) context.stdout.write(`${JSON.stringify({ findings }, null, 2)}\n`)
    else context.stdout.write(asTable(findings, context.useColor))
    return findings.some(({ status }) => status === 'fail') ? 1 : 0
  },
}

const examine = async (context: CommandContext, input: CommandInput): Promise<readonly Finding[]> => {
  const configuration = await checkConfiguration(context, input)
  const { runsDirectory, tempDirectory } = configuration
  return [
    checkNode(process.version),
    checkCores(),
    checkMemory(),
    await checkWorkers(),
    await checkDuckDb(tempDirectory),
    await checkDisk(runsDirectory),
    configuration.finding,
    await checkXgboost(context, configuration.xgboostLibrary),
    await checkMlflowFolder(configuration.runStore, context.environment),
  ]
}

const checkConfiguration = async (context: CommandContext, input: CommandInput) => {
  const check = 'Configuration'
  try {
    const { settings, entries } = await readTrainingConfig(context, input)
    const name = input.options['config'] ?? 'defaults'
    return {
      finding: { check, status: 'ok', found: `${name}, ${entries.length} settings` } satisfies Finding,
      runsDirectory: settings.runs.directory,
      tempDirectory: settings.resources.temp_directory,
      xgboostLibrary: settings.models.xgboost.library,
      runStore: runStoreOf(settings, context),
    }
  } catch (error) {
    if (!(error instanceof VigiaError)) throw error
    return {
      finding: { check, status: 'fail', found: error.message, nextStep: error.fix } satisfies Finding,
      runsDirectory: context.workingDirectory,
      tempDirectory: context.workingDirectory,
      xgboostLibrary: '',
      runStore: undefined,
    }
  }
}

/** The folder that runs are recorded in; undefined: a server has them, or nobody. */
const runStoreOf = (
  { tracking }: TrainingSettings,
  { environment }: Pick<CommandContext, 'environment'>,
): string | undefined =>
  tracking.enabled && (tracking.uri || environment['MLFLOW_TRACKING_URI'] || '') === ''
    ? tracking.directory
    : undefined

/** Optional: nothing fails without it. */
const checkXgboost = async (context: CommandContext, setting: string): Promise<Finding> => {
  const check = 'XGBoost library (optional)'
  const found = await findXgboostLibrary(
    librarySearchHere({
      setting,
      environment: context.environment,
      projectDirectory: context.workingDirectory,
    }),
  )
  return 'path' in found
    ? { check, status: 'ok', found: `${found.version}, ${found.path}` }
    : { check, status: 'warn', found: 'not found', nextStep: found.advice }
}

const asTable = (findings: readonly Finding[], useColor: boolean): string => {
  const paint = picocolors.createColors(useColor)
  const mark = { ok: paint.green('ok  '), warn: paint.yellow('warn'), fail: paint.red('FAIL') }
  const width = Math.max(...findings.map(({ check }) => check.length))
  const lines = findings.map(({ check, status, found, nextStep }) => {
    const next = nextStep === undefined ? '' : `\n${' '.repeat(width + 8)}Next step: ${nextStep}`
    return `${mark[status]}  ${check.padEnd(width)}  ${found}${next}\n`
  })
  const failed = findings.filter(({ status }) => status === 'fail').length
  return `${lines.join('')}\n${failed === 0 ? 'Ready.' : `${failed} of ${findings.length} checks failed.`}\n`
}
