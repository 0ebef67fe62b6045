import type { TrainingSettings } from '../../config/training-config.ts'
import type { SplitReport } from '../../dataset/split/split-report.ts'
import { readJson, writeJson } from '../../disk/json-file.ts'
import type { FeatureRows } from '../../fitting/feature-rows.ts'
import { scoreTable } from '../../fitting/score-table.ts'
import type { Model } from '../../learning/model.ts'
import type { Step } from '../../steps/step.ts'
import { chooseAmong, hasBothClasses, type ScoredModel } from './choose-among.ts'
import { FEATURE_INPUTS, readPart } from './feature-files.ts'
import type { TrainingContext } from './training-context.ts'
import { isTrained, type TrainingOutcome } from './training-outcome.ts'

/**
 * Trained models and validation rows -> `choice.json`: the calibration and the threshold of each model, and
 * which is the best.
 *
 * Where validation has no frauds (or nothing else), training rows stand in, and the outcome says so.
 */
export const chooseStep = (context: TrainingContext): Step => ({
  name: 'choose',
  activity: 'choosing the best model',
  inputs: [...FEATURE_INPUTS, 'train'],
  settings: { evaluation: chosenBy(context.config.declared) },
  module: import.meta.url,
  run: async ({ input, output, reportProgress, database }) => {
    const { featureNames, models } = await readJson<TrainingOutcome>(input('train', 'training.json'))
    const read = (part: string): Promise<FeatureRows> =>
      readPart(context, { input, database }, part, featureNames)
    const validation = await read('validation')
    const part = hasBothClasses(validation.labels) ? 'validation' : 'train'
    const rows = part === 'validation' ? validation : await read('train')
    const scored: ScoredModel[] = []
    for (const { name, title, file } of models.filter(isTrained)) {
      reportProgress({
        activity: 'scoring with each model',
        done: scored.length,
        total: models.length,
        unit: 'models',
      })
      const model = await readJson<Model>(input('train', file))
      scored.push({ name, title, file, raw: scoreTable(model, rows.table) })
    }
    const { windows } = await readJson<SplitReport>(input('split', 'split.json'))
    const firstDayMs = windows?.[part]?.fromMs ?? 0
    const outcome = chooseAmong(scored, { ...rows, part, firstDayMs }, context.config.settings)
    await writeJson(output('choice.json'), outcome)
  },
})

/** The settings of evaluation that choosing looks at; the others are for reports. */
const chosenBy = ({ evaluation }: TrainingSettings) => {
  const { choose_by, top_k, calibration, threshold, alert_budget, precision_floor, costs } = evaluation
  return { choose_by, top_k, calibration, threshold, alert_budget, precision_floor, costs }
}
