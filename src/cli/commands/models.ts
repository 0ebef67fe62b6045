import { relative, resolve } from 'node:path'
import { VigiaError } from '../../errors.ts'
import { type ImportModelResult, importModel } from '../../pipelines/import-model.ts'
import type { Command, CommandContext, CommandInput } from '../command.ts'
import { CONFIG_OPTIONS, readTrainingConfig } from '../config-option.ts'
import { trainingContext } from './run.ts'

/** `vigia models`: models that were trained elsewhere. */
export const modelsCommand: Command = {
  name: 'models',
  summary: 'import a model that XGBoost trained elsewhere',
  description:
    'import reads a model that XGBoost saved as JSON (booster.save_model("model.json")) and makes a folder that `vigia predict --model` scores with: the model, and from a run what it is fed: settings and fitted parameters of features, cleaning, risk levels, states. Its features are columns of features/features.parquet in the run, by their names; a model without names has those of the run\'s model in order. Its probabilities are not calibrated.',
  arguments: [
    { name: '<action>', description: 'what to do', choices: ['import'] },
    { name: '<file>', description: 'the model: JSON of XGBoost, binary:logistic, 1.6 or newer' },
  ],
  options: [
    { flags: '-r, --run <folder>', description: 'folder of the run whose features it has', required: true },
    { flags: '-o, --out <folder>', description: 'folder to make: package/ and states/', required: true },
    {
      flags: '--threshold <probability>',
      description: "from which probability a transaction is flagged; otherwise that of the run's model",
      type: 'number',
    },
    { flags: '--force', description: 'replace an imported model in --out' },
    ...CONFIG_OPTIONS,
  ],
  examples: [
    {
      command: 'vigia models import model.json --run runs/vigia --out models/from-python --threshold 0.4',
      explanation: 'A model that Python trained on the features of the run.',
    },
    {
      command: 'vigia predict new.csv --model models/from-python --out scores.csv',
      explanation: 'Scores by it.',
    },
  ],
  run: async (context, input) => {
    const threshold = thresholdIn(input)
    const config = await readTrainingConfig(context, input)
    const at = (path: unknown): string => resolve(context.workingDirectory, String(path))
    const run = at(input.options['run'])
    const result = await importModel({
      file: at(input.arguments[1]),
      run,
      out: at(input.options['out']),
      ...(threshold === undefined ? {} : { threshold }),
      replace: input.options['force'] === true,
      database: trainingContext(context, config, run).database,
      signal: context.signal,
    })
    context.stdout.write(context.json ? `${JSON.stringify(result)}\n` : describe(context, result))
    return 0
  },
}

const thresholdIn = ({ options }: CommandInput): number | undefined => {
  const asked = options['threshold']
  if (typeof asked !== 'number') return undefined
  if (asked >= 0 && asked <= 1) return asked
  throw new VigiaError('CLI_INVALID_ARGUMENT', {
    command: 'models',
    reason: `--threshold is a probability from 0 to 1, got ${asked}`,
  })
}

const describe = (context: CommandContext, result: ImportModelResult): string => {
  const out = relative(context.workingDirectory, result.out) || '.'
  const names =
    result.namesFrom === 'file'
      ? 'named by the file'
      : "named after those of the run's model in order, because the file names none: check that it was trained on them in that order"
  return [
    `imported     ${result.file}: ${result.trees} trees`,
    `features     ${result.features}, ${names}`,
    `threshold    ${result.threshold} (${result.thresholdChoice})`,
    `states       ${result.hasStates ? 'those of the run' : 'none: history begins with what is scored'}`,
    `model        ${out}`,
    '',
    `next         npx vigia predict FILE --model ${out} --out scores.csv`,
    '',
  ].join('\n')
}
