import { stat } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { findModel, isAddress } from '../../artifacts/model-source.ts'
import type { ConfigManager } from '../../config/config-manager.ts'
import type { TrainingSettings } from '../../config/training-config.ts'
import { VigiaError } from '../../errors.ts'
import { type History, type PredictOptions, type PredictResult, predict } from '../../pipelines/predict.ts'
import { declaredEntities } from '../../pipelines/training/training-context.ts'
import type { OpenTrackingStore, TrackingStore } from '../../ports/tracking-store.ts'
import type { Command, CommandContext, CommandInput } from '../command.ts'
import { threadsOf, workOf } from '../command-work.ts'
import { CONFIG_OPTIONS, readTrainingConfig } from '../config-option.ts'
import { freeOutput, withoutOut } from '../output-file.ts'
import { runFolder } from './run.ts'

/** What `vigia predict` needs of the composition root. */
export interface PredictTools {
  readonly openTrackingStore: OpenTrackingStore
}

/** `vigia predict`: a score for each row of a file. */
export const predictCommand = (tools: PredictTools): Command => ({
  name: 'predict',
  summary: 'score a file with a trained model',
  description:
    'Reads a file with the mapping of the configuration, computes its features and scores every row: source_row, transaction_id, probability, flagged, risk_level, reason, with --reasons also reasons. One row out for each row in, in the same order; a row that cannot be used has a reason instead of a score, a transaction repeated as it is the score of the first. A file that begins after the training data has ended continues their history.',
  arguments: [{ name: '<input>', description: 'the file or glob to score, in the format of the source' }],
  options: [
    { flags: '-o, --out <file>', description: 'where to write: .csv, .csv.gz or .parquet', required: true },
    {
      flags: '-m, --model <source>',
      description:
        'run folder, MLflow folder, models:/name@alias, models:/m-… or runs:/…/model; otherwise the run folder of the configuration. States to continue are those of a run folder',
    },
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
    const found =
      typeof model === 'string'
        ? await modelIn(model, context, config, tools)
        : { run: runFolder(context, config, withoutOut(input)) }
    const { resources } = config.settings
    const { source } = declaredEntities({ config })
    const fields =
      input.options['ignoreLabels'] === true
        ? { ...source.fields, is_fraud: '', labelled_at: '' }
        : source.fields
    const result = await predict({
      source: { ...source, fields, path: resolve(context.workingDirectory, input.arguments[0] ?? '') },
      ...found,
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
})

/** The folder that --model names, with the model where that is not in its `package/`. */
const modelIn = async (
  source: string,
  context: CommandContext,
  { settings }: ConfigManager<TrainingSettings>,
  { openTrackingStore }: PredictTools,
): Promise<Pick<PredictOptions, 'run' | 'artifact'>> => {
  const { workingDirectory, environment } = context
  const run = resolve(workingDirectory, source)
  const has = async (name: string): Promise<boolean> =>
    (await stat(join(run, name)).catch(() => undefined)) !== undefined
  // What is neither an address nor one of these folders is a run folder, or none at all.
  if (!isAddress(source) && !(await has('MLmodel')) && !(await has('manifest.json'))) return { run }
  let store: TrackingStore | undefined
  try {
    const { artifact } = await findModel(source, {
      workingDirectory,
      openRegistry: async () => (store = openTrackingStore(settings.tracking, environment)),
    })
    return { run, artifact }
  } finally {
    await store?.tracker.close()
  }
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
