import { mkdtemp, rm, stat } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { findModel, isAddress } from '../../artifacts/model-source.ts'
import type { ConfigManager } from '../../config/config-manager.ts'
import { isDatabaseAddress } from '../../config/database-address.ts'
import type { SourceSettings } from '../../config/sections/source.ts'
import type { TrainingSettings } from '../../config/training-config.ts'
import { type DatabaseOfSource, databaseOfSource, sourceOfCopy } from '../../dataset/source-of-copy.ts'
import type { Work } from '../../disk/work.ts'
import { VigiaError } from '../../errors.ts'
import {
  type History,
  type PredictOptions,
  type PredictResult,
  predict,
  type ScoreTable,
} from '../../pipelines/predict.ts'
import { declaredEntities } from '../../pipelines/training/training-context.ts'
import type { OpenBankDatabase } from '../../ports/bank-database.ts'
import type { OpenTrackingStore, TrackingStore } from '../../ports/tracking-store.ts'
import type { Command, CommandContext, CommandInput, ExitCode } from '../command.ts'
import { threadsOf, workOf } from '../command-work.ts'
import { CONFIG_OPTIONS, readTrainingConfig } from '../config-option.ts'
import { freeOutput, withoutOut } from '../output-file.ts'
import { runFolder } from './run.ts'

/** What `vigia predict` needs of the composition root. */
export interface PredictTools {
  readonly openDatabase: OpenBankDatabase
  readonly openTrackingStore: OpenTrackingStore
}

/** `vigia predict`: a score for each row of a file. */
export const predictCommand = (tools: PredictTools): Command => ({
  name: 'predict',
  summary: 'score a file with a trained model',
  description:
    'Reads a file with the mapping of the configuration, computes its features and scores every row: source_row, transaction_id, probability, flagged, risk_level, review, reason, with --reasons also reasons. `review` marks what people should look at: flagged, or of high or critical risk. One row out for each row in, in the same order; a row that cannot be used has a reason instead of a score, a transaction repeated as it is the score of the first. A file that begins after the training data has ended continues their history.',
  arguments: [
    {
      name: '<input>',
      description:
        'what to score, in the format of the source: a file, a glob, or postgres://user@host/db?table=schema.name',
    },
  ],
  options: [
    { flags: '-o, --out <file>', description: 'where to write: .csv, .csv.gz or .parquet' },
    {
      flags: '--to <address>',
      description:
        'table of a database that gets the scores by transaction_id, beside --out or in place of it: postgres://user@host/db?table=schema.name, made when it is not there',
    },
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
  run: (context, input) => scoreInput(context, input, tools),
})

const scoreInput = async (
  context: CommandContext,
  input: CommandInput,
  tools: PredictTools,
): Promise<ExitCode> => {
  const reasons = reasonsIn(input)
  const config = await readTrainingConfig(context, input)
  const to = targetOf(input)
  const out = input.options['out'] === undefined ? undefined : await freeOutput(context, input)
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
  const work = workOf(context, resources)
  const workFolder = out === undefined ? context.workingDirectory : dirname(out)
  const asked: Asked = { context, work, workFolder, tools }
  const result = await withInput({ ...source, fields, query: '' }, input.arguments[0] ?? '', asked, (read) =>
    predict({
      ...read,
      ...found,
      ...(out !== undefined && { out }),
      ...(to !== undefined && { to: tableOf(to, asked) }),
      workFolder,
      history: input.options['history'] as History,
      ...(reasons === undefined ? {} : { reasons }),
      workers: threadsOf(resources),
      workingDirectory: context.workingDirectory,
      work,
    }),
  )
  context.stdout.write(context.json ? `${JSON.stringify(result)}\n` : describe(context, result))
  return 0
}

/** What reading and writing databases needs. */
interface Asked {
  readonly context: CommandContext
  readonly work: Work
  readonly workFolder: string
  readonly tools: PredictTools
}

/** The table of --to, read before any work is done. @throws CLI_INVALID_ARGUMENT, DATABASE_ADDRESS_INVALID */
const targetOf = ({ options }: CommandInput): DatabaseOfSource | undefined => {
  const { to, out } = options
  if (typeof to === 'string') return databaseOfSource({ path: to, query: '' }, '--to')
  if (out !== undefined) return undefined
  throw new VigiaError('CLI_INVALID_ARGUMENT', {
    command: 'predict',
    reason: 'nothing says where the scores go; allowed: --out <file>, --to <address of a table>, or both',
  })
}

/** Runs `score` on the source: a file as it is, a table as it was copied, which is removed afterwards. */
const withInput = async (
  source: SourceSettings,
  input: string,
  { context, work, workFolder, tools }: Asked,
  score: (input: Pick<PredictOptions, 'source' | 'rowsOfInput'>) => Promise<PredictResult>,
): Promise<PredictResult> => {
  if (!isDatabaseAddress(input))
    return score({ source: { ...source, path: resolve(context.workingDirectory, input) } })
  const { address, request } = databaseOfSource({ path: input, query: '' }, 'The input')
  const folder = await mkdtemp(join(workFolder, '.database-'))
  try {
    const file = join(folder, 'rows.csv')
    const database = await tools.openDatabase(address, context.environment)
    const { rows } = await database.copyRows(request, file, work.signal).finally(() => database.close())
    return await score({ source: sourceOfCopy(source, file), rowsOfInput: rows })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const tableOf = ({ address, name }: DatabaseOfSource, { context, work, tools }: Asked): ScoreTable => ({
  name,
  put: async (columns, file) => {
    const database = await tools.openDatabase(address, context.environment)
    return database.putRows(address.table, columns, file, work.signal).finally(() => database.close())
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
    `${result.rows} rows: ${result.scored} scored, ${result.flagged} flagged, ${result.review} for review, ${result.rows - result.scored} with a reason instead`,
    `${result.history}${result.labelled ? '' : '; no labels are used of it'}`,
    ...(result.table === undefined ? [] : [tableText(result.table)]),
    ...(result.out === undefined ? [] : [relative(context.workingDirectory, result.out)]),
    '',
  ].join('\n')

const tableText = ({ name, rows, isNew, withoutId }: NonNullable<PredictResult['table']>): string =>
  `${rows} transactions written to ${name}${isNew ? ', which was made' : ''}${withoutId === 0 ? '' : `; ${withoutId} rows have no id and are not there`}`
