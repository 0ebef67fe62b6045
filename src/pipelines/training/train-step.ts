import type { WeightsSettings } from '../../config/sections/weights.ts'
import { readJson, writeCompactJson, writeJson } from '../../disk/json-file.ts'
import { VigiaError } from '../../errors.ts'
import type { FeatureRows } from '../../fitting/feature-rows.ts'
import { learningCurves } from '../../fitting/learning-curves.ts'
import { rowWeights, weightSettings } from '../../fitting/row-weights.ts'
import type { Model, ModelKind } from '../../learning/model.ts'
import type { Step, StepWork } from '../../steps/step.ts'
import { FEATURE_INPUTS, readPart } from './feature-files.ts'
import { enabledModels, modelSettings } from './model-settings.ts'
import { librariesOf, type ModelTrainer, modelTrainers } from './model-trainers.ts'
import type { TrainingContext } from './training-context.ts'
import {
  isTrained,
  type ModelSettings,
  type SearchOutcome,
  type SelectionOutcome,
  type TrainedModel,
  type TrainingOutcome,
  type UnavailableModel,
} from './training-outcome.ts'

/**
 * Training rows -> one JSON file for each enabled model (`random_forest.json`) + `training.json`, what became
 * of them.
 *
 * Each model is set aside when it is done, so an interruption costs one model at most. A model whose library
 * is not installed is left out, and said so.
 */
export const trainStep = (context: TrainingContext): Step => ({
  name: 'train',
  activity: 'training the models',
  inputs: [...FEATURE_INPUTS, 'select', 'search'],
  settings: {
    models: learntFrom(context),
    seed: context.config.declared.project.seed,
    ...weightSettings(context.config.declared.weights),
  },
  identities: async () => ({ library: librariesOf(await modelTrainers(context)) }),
  module: import.meta.url,
  run: async (work) => {
    const { input, output } = work
    const { kept } = await readJson<SelectionOutcome>(input('select', 'selection.json'))
    const { models: searches } = await readJson<SearchOutcome>(input('search', 'search.json'))
    const read = (part: string): Promise<FeatureRows> => readPart(context, work, part, kept)
    const rows = { training: await read('train'), validation: await read('validation') }
    const trainers = await modelTrainers(context)
    const models: (TrainedModel | UnavailableModel)[] = []
    for (const name of enabledModels(context.config.settings.models)) {
      const trainer = trainers[name]
      const best = searches.find((search) => search.name === name)?.best
      const settings = { ...modelSettings(context.config.settings.models[name]), ...best }
      const { title } = trainer
      if ('unavailable' in trainer) {
        models.push({ name, title, settings, unavailable: trainer.unavailable })
        continue
      }
      const model = await trainOnce(name, trainer, settings, rows, context, work)
      const file = `${name}.json`
      await writeCompactJson(output(file), model)
      const library = trainer.library === undefined ? {} : { library: trainer.library }
      const curves = learningCurves(model, rows.training, rows.validation)
      models.push({ name, title, file, settings, warnings: warningsOf(model), ...library, curves })
    }
    if (!models.some(isTrained)) throw noModel(models)
    const outcome: TrainingOutcome = { schema: 1, featureNames: kept, models }
    await writeJson(output('training.json'), outcome)
  },
})

interface Rows {
  readonly training: FeatureRows
  readonly validation: FeatureRows
}

/** Trains a model, or finds it where an interrupted run has set it aside. */
const trainOnce = async (
  name: ModelKind,
  trainer: Extract<ModelTrainer, { train: unknown }>,
  settings: ModelSettings,
  { training, validation }: Rows,
  { config }: TrainingContext,
  work: StepWork,
): Promise<Model> => {
  const before = (await work.checkpoint.read(name)) as Model | undefined
  if (before !== undefined) return before
  const model = await trainer.train({
    data: {
      ...weighedRows(training, config.settings.weights),
      ...(validation.table.rowCount > 0 && { validation: rowsOf(validation) }),
    },
    settings,
    seed: config.settings.project.seed,
    work,
    onProgress: (done, total) =>
      work.reportProgress({
        activity: `training: ${trainer.title.toLowerCase()}`,
        done,
        total,
        unit: name === 'logistic_regression' ? 'iterations' : 'trees',
      }),
  })
  await work.checkpoint.write(name, model)
  return model
}

const rowsOf = ({ table, labels, weights }: FeatureRows) => ({ table, labels, ...(weights && { weights }) })

/** Validation is not weighed: it stands for what comes. */
const weighedRows = (rows: FeatureRows, settings: WeightsSettings) => {
  const weights = rowWeights(rows.eventTimesMs, settings)
  return { ...rowsOf(rows), ...(weights !== undefined && { weights }) }
}

/** Of enabled models only: to change a model that is not trained changes nothing. */
const learntFrom = ({ config }: TrainingContext): Record<string, ModelSettings> =>
  Object.fromEntries(
    enabledModels(config.declared.models).map((name) => [name, modelSettings(config.declared.models[name])]),
  )

const warningsOf = (model: Model): string[] =>
  model.kind === 'logistic_regression' && !model.converged
    ? ['The logistic regression did not converge: raise models.logistic_regression.max_iterations.']
    : []

const noModel = (models: readonly (TrainedModel | UnavailableModel)[]): VigiaError =>
  new VigiaError('PIPELINE_NO_MODEL', {
    reason:
      models
        .flatMap((model) => (isTrained(model) ? [] : [`${model.title}: ${model.unavailable}`]))
        .join('; ') || 'none is enabled',
  })
