import { VigiaError } from '../../errors.ts'
import { SKIPPABLE_GATES } from '../../pipelines/promotion/gates.ts'
import type { Command, CommandInput, ExitCode } from '../command.ts'
import { CONFIG_OPTIONS, readTrainingConfig } from '../config-option.ts'
import { compareVersions } from './models/compare.ts'
import { exportModel } from './models/export.ts'
import { importForeign } from './models/import.ts'
import { listVersions } from './models/list.ts'
import type { ModelsRequest, ModelsTools } from './models/models-request.ts'
import { promoteVersion } from './models/promote.ts'
import { rollBackVersion } from './models/rollback.ts'
import { showVersion } from './models/show.ts'

export type { ModelsTools } from './models/models-request.ts'

interface Action {
  /** What it is called with after its name, for people. */
  readonly takes: readonly string[]
  readonly run: (request: ModelsRequest) => Promise<ExitCode>
}

const ACTIONS: Readonly<Record<string, Action>> = {
  list: { takes: [], run: listVersions },
  show: { takes: ['version'], run: showVersion },
  compare: { takes: ['version', 'version'], run: compareVersions },
  promote: { takes: ['version'], run: promoteVersion },
  rollback: { takes: [], run: rollBackVersion },
  import: { takes: ['file'], run: importForeign },
  export: { takes: ['version'], run: exportModel },
}

const ARGUMENTS: NonNullable<Command['arguments']> = [
  { name: '<action>', description: 'what to do', choices: Object.keys(ACTIONS) },
  {
    name: '[versions...]',
    description:
      'for show, promote, export: a version; for compare: two; for import: the file: JSON or UBJSON of XGBoost 1.6 and newer, text or JSON of LightGBM 2.3 and newer, JSON of CatBoost, trees in ONNX',
  },
]

const OPTIONS: NonNullable<Command['options']> = [
  {
    flags: '-r, --run <folder>',
    description:
      'for promote: run folder with the rows, otherwise the one of the configuration; for import: folder of the run whose features it has',
  },
  {
    flags: '-o, --out <folder>',
    description: 'for import, export: folder to make: package/, on import states/',
  },
  {
    flags: '--to <alias>',
    description: 'for promote: what the version becomes',
    choices: ['production', 'staging'],
    defaultValue: 'production',
  },
  { flags: '--reason <text>', description: 'for promote, rollback: why; recorded' },
  { flags: '--by <name>', description: 'for promote, rollback: who decides; otherwise USER or LOGNAME' },
  {
    flags: '--skip <gate>',
    description: `for promote: a gate that need not be passed: ${SKIPPABLE_GATES.join(', ')} (may be repeated; recorded with --reason)`,
    repeatable: true,
  },
  {
    flags: '--parity <file>',
    description: 'for promote: parity report of live traffic, instead of serving the end of the run',
  },
  {
    flags: '--threshold <probability>',
    description:
      "for import: from which probability a transaction is flagged; otherwise that of the run's model",
    type: 'number',
  },
  {
    flags: '--trees <which>',
    description:
      'for import: which trees count: all, best (up to the best round of early stopping), or the first so many; otherwise those that Python scores the same file with',
  },
  {
    flags: '--missing <value>',
    description:
      'for import: the number that counted as missing in training beside NaN (missing= in Python), such as -1; most files do not tell it',
  },
  {
    flags: '--filled <value>',
    description:
      'for import: the number that stood in the place of missing values in training (fillna); they go where it went',
  },
  {
    flags: '--filled-categories <value>',
    description: 'for import: the same of categories, a number or a text, such as ?',
  },
  {
    flags: '--categories <file>',
    description:
      "for import: JSON with the values of each categorical feature's categories in the order of the training frame, by the feature's name, where the file does not tell them; or values, when it was trained on the values themselves",
  },
  {
    flags: '--positive-class <label>',
    description:
      'for import: the label of fraud among those that it was trained on, otherwise 1 or true; where the file does not tell labels, 0 for the first of them and 1 for the second',
  },
  {
    flags: '--features <file>',
    description:
      "for import: JSON with the run's names of features that the model calls otherwise, by the model's names; or a list of the run's names in the order of the model",
  },
  {
    flags: '--check <file>',
    description:
      'for import: CSV or Parquet of rows with what the model was given and the probability of fraud that it gave (column score); nothing is imported where they differ',
  },
  { flags: '--score-column <name>', description: 'for import: column of --check with the probabilities' },
  {
    flags: '--tolerance <difference>',
    description: 'for import: by how much probabilities of --check may differ; otherwise 0.00001',
    type: 'number',
  },
  { flags: '--register', description: 'for import: make it the next version as well' },
  { flags: '--force', description: 'for import: replace an imported model in --out' },
  ...CONFIG_OPTIONS,
]

const EXAMPLES: NonNullable<Command['examples']> = [
  { command: 'vigia models list', explanation: 'All versions with their aliases and figures.' },
  {
    command: 'vigia models promote latest --reason "better on test"',
    explanation: 'The latest version becomes production, if it passes the gates.',
  },
  { command: 'vigia models rollback --reason "too many alarms"', explanation: 'Back to the one before.' },
  { command: 'vigia models compare @production latest', explanation: 'What differs between two versions.' },
  {
    command: 'vigia models export @production --out models/production',
    explanation: 'The model in production as a folder for `vigia predict --model`.',
  },
  {
    command: 'vigia models import model.json --run runs/vigia --out models/from-python --threshold 0.4',
    explanation: 'A model that Python trained on the features of the run.',
  },
  {
    command: 'vigia models import model.txt --run runs/vigia --out models/from-python --check rows.csv',
    explanation: 'The same, if it scores the rows as it did in Python.',
  },
]

/**
 * `vigia models`: the versions of the model, which of them is in production, and models that were trained
 * elsewhere.
 */
export const modelsCommand = (tools: ModelsTools): Command => ({
  name: 'models',
  summary: 'list, show, compare, promote, roll back, import and export model versions',
  description:
    "A finished run registers its model as the next version of tracking.model. A version is named by its number, as @production (any alias) or latest. promote gives it the alias production (or staging) if it passes the gates of the configuration (promotion): its artifact is whole, its figures on test are good enough and no step back from the present version on the same rows, serving gives the features of training value by value, decisions are fast enough. The rows are those of --run, the folder of the run that trained it. The decision is recorded with its evidence; of several at once one wins (REGISTRY_DECISION_LOST). rollback gives production back to the version before, at once. import reads a model that XGBoost, LightGBM or CatBoost saved and makes a folder that `vigia predict --model` scores with: the model, and from a run what it is fed: settings and fitted parameters of features, cleaning, risk levels, states. Its features are columns of features/features.parquet in the run, by their names; a model without names has those of the run's model in order. Its probabilities are not calibrated. export writes a version as such a folder. Exit code 1: a gate was not passed.",
  arguments: ARGUMENTS,
  options: OPTIONS,
  examples: EXAMPLES,
  run: async (context, input) => {
    const action = actionIn(input)
    const config = await readTrainingConfig(context, input)
    const { tracking } = config.settings
    const store = tools.openTrackingStore(tracking, context.environment)
    try {
      return await action.run({ context, input, config, store, model: tracking.model, tools })
    } finally {
      await store.tracker.close()
    }
  },
})

const actionIn = ({ arguments: [name = '', ...rest] }: CommandInput): Action => {
  const action = ACTIONS[name]!
  if (rest.length === action.takes.length) return action
  const takes = action.takes.length === 0 ? 'nothing more' : action.takes.map((what) => `<${what}>`).join(' ')
  throw new VigiaError('CLI_INVALID_ARGUMENT', {
    command: 'models',
    reason: `${name} takes ${takes}, got ${rest.length === 0 ? 'nothing' : rest.join(' ')}`,
  })
}
