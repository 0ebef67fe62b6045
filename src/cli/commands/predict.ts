import { relative, resolve } from 'node:path'
import { VigiaError } from '../../errors.ts'
import { type History, type PredictResult, predict } from '../../pipelines/predict.ts'
import { declaredEntities } from '../../pipelines/training/training-context.ts'
import type { Command, CommandContext, CommandInput } from '../command.ts'
import { threadsOf, workOf } from '../command-work.ts'
import { CONFIG_OPTIONS, readTrainingConfig } from '../config-option.ts'
import { freeOutput, withoutOut } from '../output-file.ts'
import { runFolder } from './run.ts'

/** `vigia predict`: a score for each row of a file. */
export const predictCommand: Command = {
  name: 'predict',
  summary: 'score a file with a trained model',
  description:
    'Reads a file with the mapping of the configuration, computes its features and scores every row: source_row, transaction_id, probability, flagged, risk_level, reason, with --reasons also reasons. One row out for each row in, in the same order; a row that cannot be used has a reason instead of a score, a transaction repeated as it is the score of the first. A file that begins after the training data has ended continues their history.',
  arguments: [{ name: '<input>', description: 'the file or glob to score, in the format of the source' }],
  options: [
    { flags: '-o, --out <file>', description: 'where to write: .csv, .csv.gz or .parquet', required: true },
    { flags: '-m, --model <folder>', description: 'run folder; otherwise the one of the configuration' },
    {
      flags: '--history <kind>',
      description: 'continue the states of the training (run), begin with none, or decide by time (auto)',
      choices: ['auto', 'run', 'none'],
      defaultValue: 'auto',
    },
    { flags: '--ignore-labels', description: 'do not use the labels of the input, where it has any' },
    {
      flags: '--reasons <number>',
      description: 'add a column with so many reasons for each score: what raised it most, in words',
      type: 'integer',
    },
    { flags: '--force', description: 'replace the output if it exists' },
    ...CONFIG_OPTIONS,
  ],
  examples: [
    {
      command:
        'vigia predict examples/second-bank/second-bank.csv.gz --config examples/second-bank/training_config.yaml --out scores.csv',
      explanation: 'With the model of `vigia run` on the same configuration.',
    },
  ],
  run: async (context, input) => {
    const reasons = reasonsIn(input)
    const config = await readTrainingConfig(context, input)
    const out = await freeOutput(context, input)
    const model = input.options['model']
    const folder =
      typeof model === 'string'
        ? resolve(context.workingDirectory, model)
        : runFolder(context, config, withoutOut(input))
    const { resources } = config.settings
    const { source } = declaredEntities({ config })
    const fields =
      input.options['ignoreLabels'] === true
        ? { ...source.fields, is_fraud: '', labelled_at: '' }
        : source.fields
    const result = await predict({
      source: { ...source, fields, path: resolve(context.workingDirectory, input.arguments[0] ?? '') },
      run: folder,
      out,
      history: input.options['history'] as History,
      ...(reasons === undefined ? {} : { reasons }),
      workers: threadsOf(resources),
      workingDirectory: context.workingDirectory,
      work: workOf(context, resources),
    })
    context.stdout.write(context.json ? `${JSON.stringify(result)}\n` : describe(context, result))
    return 0
  },
}

const reasonsIn = ({ options }: CommandInput): number | undefined => {
  const asked = options['reasons']
  if (typeof asked !== 'number') return undefined
  if (asked >= 1) return asked
  throw new VigiaError('CLI_INVALID_ARGUMENT', {
    command: 'predict',
    reason: `--reasons is a whole number from 1 on, got ${asked}`,
  })
}

const describe = (context: CommandContext, result: PredictResult): string =>
  [
    `${result.rows} rows: ${result.scored} scored, ${result.flagged} flagged, ${result.rows - result.scored} with a reason instead`,
    `${result.history}${result.labelled ? '' : '; no labels are used of it'}`,
    relative(context.workingDirectory, result.out),
    '',
  ].join('\n')
