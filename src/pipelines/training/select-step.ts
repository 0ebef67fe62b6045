import type { SelectionSettings } from '../../config/sections/selection.ts'
import { readJson, writeJson } from '../../disk/json-file.ts'
import { VigiaError } from '../../errors.ts'
import { AVERAGE_PRECISION, ROC_AUC } from '../../evaluation/figures.ts'
import { scoreTable } from '../../fitting/score-table.ts'
import type { TrainingRows } from '../../learning/algorithm.ts'
import { gainsOf } from '../../learning/selection/gain-importance.ts'
import type { AskedModel } from '../../learning/selection/score-features.ts'
import { selectFeatures } from '../../learning/selection/select-features.ts'
import type { FeatureSelectionSettings } from '../../learning/selection/selected-features.ts'
import type { ReplayResult } from '../../replay/replay.ts'
import type { Step, StepWork } from '../../steps/step.ts'
import { FEATURE_INPUTS, readPart } from './feature-files.ts'
import { modelSettings } from './model-settings.ts'
import { modelTrainers } from './model-trainers.ts'
import type { TrainingContext } from './training-context.ts'
import type { SelectionOutcome } from './training-outcome.ts'

/** Training rows -> `selection.json`: the features that models get, and why the others do not. */
export const selectStep = (context: TrainingContext): Step => {
  const { declared, settings } = context.config
  const { model } = declared.selection
  return {
    name: 'select',
    activity: 'selecting features',
    inputs: [...FEATURE_INPUTS],
    settings: {
      selection: declared.selection,
      seed: declared.project.seed,
      ...(asksModel(declared.selection) && { models: { [model]: modelSettings(declared.models[model]) } }),
    },
    module: import.meta.url,
    run: async (work) => {
      const { input, output, signal, reportProgress } = work
      const { featureNames } = await readJson<ReplayResult>(input('features', 'replay.json'))
      const { table, labels } = await readPart(context, work, 'train', featureNames)
      const watched = WATCHED_FIGURES[settings.selection.permutation.scoring]
      const selection = await selectFeatures(table, labels, selectionSettings(settings.selection), {
        fit: (rows) => askModel(rows, context, work),
        metric: (truths, scores) => watched.of({ labels: truths, scores }),
        seed: settings.project.seed,
        signal,
        onFeature: (done, total) =>
          reportProgress({ activity: 'permuting features', done, total, unit: 'features' }),
      })
      const outcome: SelectionOutcome = { schema: 1, methods: methodsOf(settings.selection), ...selection }
      await writeJson(output('selection.json'), outcome)
    },
  }
}

/** Whose loss `selection.permutation` measures; more is better of both. */
const WATCHED_FIGURES = { [AVERAGE_PRECISION.name]: AVERAGE_PRECISION, [ROC_AUC.name]: ROC_AUC }

const asksModel = ({ score }: SelectionSettings): boolean => score === 'importance' || score === 'permutation'

/** Fits the model that is asked, with its settings of the configuration. */
const askModel = async (
  data: TrainingRows,
  context: TrainingContext,
  work: StepWork,
): Promise<AskedModel> => {
  const { settings } = context.config
  const name = settings.selection.model
  const trainer = (await modelTrainers(context))[name]
  if ('unavailable' in trainer)
    throw new VigiaError('PIPELINE_NO_MODEL', { reason: `${trainer.title}: ${trainer.unavailable}` })
  const model = await trainer.train({
    data,
    // Nothing validates a selection: its model grows all its trees.
    settings: {
      ...modelSettings(settings.models[name]),
      ...(name === 'gradient_boosting' && { early_stopping_rounds: 0 }),
    },
    seed: settings.project.seed,
    work,
    onProgress: (done, total) =>
      work.reportProgress({ activity: 'training a model to select by', done, total, unit: 'trees' }),
  })
  return { gains: gainsOf(model), score: (table) => scoreTable(model, table) }
}

const selectionSettings = (selection: SelectionSettings): FeatureSelectionSettings => ({
  minVariance: selection.min_variance,
  maxCorrelation: selection.max_correlation,
  correlation: selection.correlation,
  score: selection.score,
  keep: selection.keep,
  minScore: selection.min_score,
  bins: selection.bins,
  permutation: { repeats: selection.permutation.repeats, heldOut: selection.permutation.held_out },
})

/** What is done, for people, in its order. */
const methodsOf = ({
  min_variance,
  max_correlation,
  correlation,
  score,
  keep,
  min_score,
  model,
}: SelectionSettings): string[] => {
  const asked = score === 'importance' || score === 'permutation' ? ` of ${model.replace('_', ' ')}` : ''
  return [
    ...(min_variance === null
      ? []
      : [min_variance === 0 ? 'no constants' : `variance above ${min_variance}`]),
    ...(max_correlation < 1 ? [`${correlation} correlation of at most ${max_correlation}`] : []),
    ...(score === 'none' ? [] : [`scored by ${score.replace('_', ' ')}${asked}`]),
    ...(score !== 'none' && min_score !== null ? [`scores of at least ${min_score}`] : []),
    ...(score !== 'none' && keep > 0 ? [`the ${keep} highest scores`] : []),
  ]
}
