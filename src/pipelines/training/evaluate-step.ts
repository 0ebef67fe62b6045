import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { readJson, writeJson } from '../../disk/json-file.ts'
import type { Step } from '../../steps/step.ts'
import { evaluateRun, productionFolder } from './evaluate-run.ts'
import type { EvaluationReport } from './evaluation-report.ts'
import { FEATURE_INPUTS } from './feature-files.ts'
import { productionSources } from './production-model.ts'
import { requireGates } from './quality-gates.ts'
import type { TrainingContext } from './training-context.ts'

export type { EvaluationReport } from './evaluation-report.ts'

/**
 * Models, thresholds and the rows -> `evaluation.json`: what the chosen model is worth and how sure that is,
 * where it is good and where not, what it goes by, and how it compares with the other candidates and the
 * model in production.
 *
 * The check stops the run where a quality gate is not passed, so that nothing is packaged.
 */
export const evaluateStep = (context: TrainingContext): Step => {
  const { config, folder } = context
  const production = productionFolder(context)
  return {
    name: 'evaluate',
    activity: 'evaluating the model',
    inputs: [...FEATURE_INPUTS, 'clean', 'select', 'search', 'train', 'choose'],
    settings: {
      evaluation: config.declared.evaluation,
      project: config.declared.project,
      features: config.declared.features,
      labels: config.declared.labels,
    },
    ...(production !== undefined && { sources: () => productionSources(production) }),
    module: import.meta.url,
    run: async (work) => {
      await writeJson(work.output('evaluation.json'), await evaluateRun(context, work))
    },
    check: async (output) => {
      const report = await readJson<EvaluationReport>(output('evaluation.json'))
      const earlier = await stat(join(folder, 'package', 'manifest.json')).catch(() => undefined)
      requireGates(report, folder, earlier !== undefined)
    },
  }
}
