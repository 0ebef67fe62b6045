import { dirname } from 'node:path'
import { writeArtifact } from '../../artifacts/artifact-folder.ts'
import type { TrainingSettings } from '../../config/training-config.ts'
import type { FittedCleaning } from '../../dataset/cleaning.ts'
import type { ReadResult } from '../../dataset/read-source.ts'
import type { SplitReport } from '../../dataset/split/split-report.ts'
import { withDatabase } from '../../disk/database.ts'
import { readJson } from '../../disk/json-file.ts'
import { withoutCurves } from '../../evaluation/evaluate.ts'
import type { FeatureSettings } from '../../features/feature-settings.ts'
import type { FittedFeatures } from '../../features/fitted-features.ts'
import type { FeatureRows } from '../../fitting/feature-rows.ts'
import { referenceOfRows } from '../../fitting/reference-of-rows.ts'
import type { Model } from '../../learning/model.ts'
import { decodeArtifact, encodeArtifact } from '../../model/artifact.ts'
import { onnxFilesOf } from '../../model/onnx/onnx-files.ts'
import type { ReferenceProfile } from '../../model/reference-profile.ts'
import { createModelScorer, type ModelScorer } from '../../model/scorer.ts'
import { importanceOfRows } from '../../monitoring/importance-of-rows.ts'
import { daysOfRun } from '../../monitoring/training-days.ts'
import { codeVersionOf } from '../../steps/code-version.ts'
import type { Step, StepWork } from '../../steps/step.ts'
import type { EvaluationReport } from './evaluation-report.ts'
import {
  categoricalFeatures,
  FEATURE_INPUTS,
  featureFiles,
  featuresOfRun,
  readPart,
} from './feature-files.ts'
import { type TrainingContext, usesGeneratedData } from './training-context.ts'
import {
  type ChoiceOutcome,
  isTrained,
  type SelectionOutcome,
  type TrainingOutcome,
} from './training-outcome.ts'

/**
 * The chosen model and everything fitted -> the artifact: `manifest.json`, `model.json`, `model.onnx`,
 * `model-float32.onnx`, `reference.json`, `days.bin`, `checksums.json`. It is read back before the step is
 * done, so what is here can be loaded.
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
    run: async (work) => {
      const chosen = await readChosen(work)
      const { model, candidate } = chosen
      const categorical = (await categoricalFeatures(context, work.input)).filter((name) =>
        model.featureNames.includes(name),
      )
      const rowsOf = (part: string): Promise<FeatureRows> => readPart(context, work, part, model.featureNames)
      const scorer = createModelScorer(model, candidate.calibration)
      const validation = await rowsOf('validation')
      const reference = referenceOf(model, scorer, await rowsOf('train'), validation)
      work.signal.throwIfAborted()
      const { settings } = await featuresOfRun(context, work.input)
      const days = await withDatabase(work.database, (connection) =>
        daysOfRun(connection, featureFiles(work.input), {
          scorer,
          reference,
          threshold: candidate.threshold,
          warmUpMs: longestMemory(settings),
          signal: work.signal,
        }),
      )
      const files = encodeArtifact({
        manifest: await manifestOf(chosen, declared, context, work),
        model,
        categorical,
        ...onnxFilesOf(model, candidate.calibration, candidate.threshold, validation.table),
        reference,
        days,
      })
      decodeArtifact(files, 'package')
      await writeArtifact(dirname(work.output('manifest.json')), files)
    },
  }
}

/** What the model's data was like when it was trained, and which features move its scores. */
const referenceOf = (
  model: Model,
  scorer: ModelScorer,
  train: FeatureRows,
  validation: FeatureRows,
): ReferenceProfile => {
  const profiles = referenceOfRows(scorer, train, validation)
  const judged = profiles.score.part === 'validation' ? validation : train
  return { ...profiles, importance: importanceOfRows(model, judged.table) }
}

/** What states reach back at most: the longest window, and the delay of labels before it. */
const longestMemory = ({ windowMs, limits }: FeatureSettings): number =>
  Math.max(0, ...windowMs.values()) + limits.user.labelDelayMs

/** The best of the candidates, as it was chosen, trained and read. */
const readChosen = async ({ input }: StepWork) => {
  const { models } = await readJson<TrainingOutcome>(input('train', 'training.json'))
  const { best, chosenBy, candidates } = await readJson<ChoiceOutcome>(input('choose', 'choice.json'))
  // The choice is among trained models, so both are found.
  const candidate = candidates.find(({ name }) => name === best)!
  const trained = models.filter(isTrained).find(({ name }) => name === best)!
  return { candidate, trained, chosenBy, model: await readJson<Model>(input('train', candidate.file)) }
}

/** Settings that the artifact carries. */
interface ArtifactSettings {
  readonly project: TrainingSettings['project']
  readonly features: unknown
  readonly labels: unknown
  readonly riskLevels: TrainingSettings['evaluation']['risk_levels']
}

const manifestOf = async (
  { candidate, trained, chosenBy }: Awaited<ReturnType<typeof readChosen>>,
  { project, features, labels, riskLevels }: ArtifactSettings,
  context: TrainingContext,
  { input }: StepWork,
): Promise<Parameters<typeof encodeArtifact>[0]['manifest']> => {
  const evaluation = await readJson<EvaluationReport>(input('evaluate', 'evaluation.json'))
  const selection = await readJson<SelectionOutcome>(input('select', 'selection.json'))
  const read = await readJson<ReadResult>(input('read', 'read.json'))
  return {
    project: project.name,
    model: { title: candidate.title, settings: trained.settings, library: trained.library ?? null },
    featureSettings: { features, labels, amounts: read.amounts },
    ...(read.served !== undefined && { source: read.served }),
    fitted: {
      features: await readJson<FittedFeatures>(input('features', 'fitted.json')),
      cleaning: await readJson<FittedCleaning>(input('clean', 'cleaning.json')),
    },
    selection: {
      methods: [...selection.methods],
      dropped: selection.dropped.map(({ feature, reason }) => ({ feature, reason })),
    },
    calibration: candidate.calibration,
    calibrationChoice: candidate.calibrationChoice,
    threshold: candidate.threshold,
    thresholdChoice: candidate.thresholdChoice,
    riskLevels,
    // What was tried on the way stands in the run; the model carries how the models compare.
    candidates: evaluation.candidates.map(({ search: _search, curves: _curves, ...figures }) => figures),
    chosenBy,
    data: usesGeneratedData(context) ? 'generated' : read.files,
    split: await readJson<SplitReport>(input('split', 'split.json')),
    seed: project.seed,
    codeVersion: await codeVersionOf(import.meta.url, ''),
    metrics: Object.fromEntries(
      Object.entries(evaluation.parts).map(([part, figures]) => [part, withoutCurves(figures)]),
    ),
  }
}
