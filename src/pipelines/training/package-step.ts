import { dirname } from 'node:path'
import { writeArtifact } from '../../artifacts/artifact-folder.ts'
import type { FittedCleaning } from '../../dataset/cleaning.ts'
import type { SplitReport } from '../../dataset/split/split-report.ts'
import { withDatabase } from '../../disk/database.ts'
import { readJson } from '../../disk/json-file.ts'
import type { FittedFeatures } from '../../features/fitted-features.ts'
import type { Model } from '../../learning/model.ts'
import { decodeArtifact, encodeArtifact } from '../../model/artifact.ts'
import { encodeOnnx } from '../../model/onnx/encode-onnx.ts'
import { createModelScorer } from '../../model/scorer.ts'
import { codeVersionOf } from '../../steps/code-version.ts'
import type { Step } from '../../steps/step.ts'
import type { EvaluationReport } from './evaluation-report.ts'
import { categoricalFeatures, FEATURE_INPUTS, featureFiles, readFeatureRows } from './feature-rows.ts'
import { referenceOfRows } from './reference-of-rows.ts'
import { type TrainingContext, usesGeneratedData } from './training-context.ts'
import {
  type ChoiceOutcome,
  isTrained,
  type SelectionOutcome,
  type TrainingOutcome,
} from './training-outcome.ts'

/**
 * The chosen model and everything fitted -> the artifact: `manifest.json`, `model.json`, `model.onnx`,
 * `reference.json`, `checksums.json`. It is read back before the step is done, so what is here can be loaded.
 */
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
    inputs: [...FEATURE_INPUTS, 'clean', 'select', 'train', 'choose', 'evaluate'],
    settings: { artifact: declared },
    module: import.meta.url,
    run: async ({ input, output, signal, database }) => {
      const evaluation = await readJson<EvaluationReport>(input('evaluate', 'evaluation.json'))
      const selection = await readJson<SelectionOutcome>(input('select', 'selection.json'))
      const { models } = await readJson<TrainingOutcome>(input('train', 'training.json'))
      const { best, chosenBy, candidates } = await readJson<ChoiceOutcome>(input('choose', 'choice.json'))
      // The choice is among trained models, so both are found.
      const chosen = candidates.find(({ name }) => name === best)!
      const trained = models.filter(isTrained).find(({ name }) => name === best)!
      const model = await readJson<Model>(input('train', chosen.file))
      const read = await readJson<{ files: readonly unknown[] }>(input('read', 'read.json'))
      const categorical = categoricalFeatures(context).filter((name) => model.featureNames.includes(name))
      const rowsOf = (part: string) =>
        withDatabase(database, (connection) =>
          readFeatureRows(connection, featureFiles(input), part, model.featureNames, categorical),
        )
      const reference = referenceOfRows(
        createModelScorer(model, chosen.calibration),
        await rowsOf('train'),
        await rowsOf('validation'),
      )
      signal.throwIfAborted()
      const files = encodeArtifact({
        manifest: {
          project: declared.project.name,
          model: { title: chosen.title, settings: trained.settings, library: trained.library ?? null },
          featureSettings: { features: declared.features, labels: declared.labels },
          fitted: {
            features: await readJson<FittedFeatures>(input('features', 'fitted.json')),
            cleaning: await readJson<FittedCleaning>(input('clean', 'cleaning.json')),
          },
          selection: {
            methods: [...selection.methods],
            dropped: selection.dropped.map(({ feature, reason }) => ({ feature, reason })),
          },
          calibration: chosen.calibration,
          calibrationChoice: chosen.calibrationChoice,
          threshold: chosen.threshold,
          thresholdChoice: chosen.thresholdChoice,
          riskLevels: declared.riskLevels,
          // What was tried on the way stands in the run; the model carries how the models compare.
          candidates: evaluation.candidates.map(({ search: _, curves: __, ...candidate }) => candidate),
          chosenBy,
          data: usesGeneratedData(context) ? 'generated' : read.files,
          split: await readJson<SplitReport>(input('split', 'split.json')),
          seed: declared.project.seed,
          codeVersion: await codeVersionOf(import.meta.url, ''),
          metrics: Object.fromEntries(
            Object.entries(evaluation.parts).map(([part, figures]) => [part, withoutCurves(figures)]),
          ),
        },
        model,
        categorical,
        onnx: encodeOnnx(model, chosen.calibration),
        reference,
      })
      const folder = dirname(output('manifest.json'))
      decodeArtifact(files, 'package')
      await writeArtifact(folder, files)
    },
  }
}

const CURVES = new Set(['roc', 'precisionRecall', 'histogram', 'calibration', 'gain', 'cost'])

/** Curves are for the report; the model carries the figures. */
const withoutCurves = (figures: object): object =>
  Object.fromEntries(Object.entries(figures).filter(([name]) => !CURVES.has(name)))
