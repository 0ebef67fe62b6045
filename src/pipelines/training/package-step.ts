import { dirname } from 'node:path'
import type { FittedCleaning } from '../../dataset/cleaning.ts'
import type { SplitReport } from '../../dataset/split/split-report.ts'
import type { FittedFeatures } from '../../features/fitted-features.ts'
import type { LogisticRegressionModel } from '../../learning/logistic-regression.ts'
import { encodeArtifact } from '../../model/artifact.ts'
import { codeVersionOf } from '../steps/code-version.ts'
import type { Step } from '../steps/step.ts'
import { writeArtifact } from './artifact-folder.ts'
import type { EvaluationReport } from './evaluation-report.ts'
import { readJson } from './json-file.ts'
import type { Threshold } from './train-step.ts'
import { type TrainingContext, usesGeneratedData } from './training-context.ts'

/** Model, threshold and everything fitted -> the artifact: `manifest.json`, `model.json`, `checksums.json`. */
export const packageStep = (context: TrainingContext): Step => {
  const { config } = context
  const declared = {
    project: config.declared.project,
    features: config.declared.features,
    labels: config.declared.labels,
    riskLevels: config.declared.evaluation.risk_levels,
  }
  return {
    name: 'package',
    activity: 'packaging the model',
    inputs: ['read', 'split', 'clean', 'features', 'train', 'evaluate'],
    settings: { artifact: declared },
    module: import.meta.url,
    run: async ({ input, output }) => {
      const evaluation = await readJson<EvaluationReport>(input('evaluate', 'evaluation.json'))
      const { threshold } = await readJson<Threshold>(input('train', 'threshold.json'))
      const read = await readJson<{ files: readonly unknown[] }>(input('read', 'read.json'))
      const files = encodeArtifact({
        project: declared.project.name,
        featureSettings: { features: declared.features, labels: declared.labels },
        fitted: {
          features: await readJson<FittedFeatures>(input('features', 'fitted.json')),
          cleaning: await readJson<FittedCleaning>(input('clean', 'cleaning.json')),
        },
        threshold,
        riskLevels: declared.riskLevels,
        data: usesGeneratedData(context) ? 'generated' : read.files,
        split: await readJson<SplitReport>(input('split', 'split.json')),
        seed: declared.project.seed,
        codeVersion: await codeVersionOf(import.meta.url, ''),
        metrics: Object.fromEntries(
          Object.entries(evaluation.parts).map(
            ([part, { roc: _, precisionRecall: __, histogram: ___, ...figures }]) => [part, figures],
          ),
        ),
        model: await readJson<LogisticRegressionModel>(input('train', 'model.json')),
      })
      await writeArtifact(dirname(output('manifest.json')), files)
    },
  }
}
