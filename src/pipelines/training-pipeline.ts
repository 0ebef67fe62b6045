import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describeOrigin } from '../config/origin.ts'
import type { ValidationReport } from '../dataset/validation-report.ts'
import { readJson } from '../disk/json-file.ts'
import { type PipelineOptions, runPipeline } from '../steps/run-pipeline.ts'
import type { Step, StepOutcome } from '../steps/step.ts'
import { readManifest } from '../steps/step-manifest.ts'
import type { TrackedTraining, TrackingOptions } from '../tracking/tracking-options.ts'
import { checkChoices } from './training/check-choices.ts'
import { chooseStep } from './training/choose-step.ts'
import { cleanStep } from './training/clean-step.ts'
import { databaseStep, usesDatabase } from './training/database-step.ts'
import { type EvaluationReport, evaluateStep } from './training/evaluate-step.ts'
import { featuresStep } from './training/features-step.ts'
import { generateStep } from './training/generate-step.ts'
import { logStep } from './training/log-step.ts'
import { packageStep } from './training/package-step.ts'
import { readStep } from './training/read-step.ts'
import { createTrainingRecorder, type TrainingRecorder } from './training/record/record-training.ts'
import { scoreStep } from './training/score-step.ts'
import { searchStep } from './training/search-step.ts'
import { selectStep } from './training/select-step.ts'
import { splitStep } from './training/split-step.ts'
import { statesStep } from './training/states-step.ts'
import { trainStep } from './training/train-step.ts'
import { logFolders, type TrainingContext, usesGeneratedData } from './training/training-context.ts'
import { validateStep } from './training/validate-step.ts'

/** Renders reports as whole HTML pages; handed in, because pages are a layer above. */
export interface ReportRenderers {
  readonly validation: (report: ValidationReport) => string | Promise<string>
  readonly evaluation: (report: EvaluationReport) => string | Promise<string>
  /** The charts of the evaluation as files of their own, by name; absent: none are written. */
  readonly plots?: (report: EvaluationReport) => Promise<Readonly<Record<string, string>>>
}

export interface TrainingOptions extends Omit<PipelineOptions, 'folder'> {
  readonly renderers: ReportRenderers
  /** Where the run is recorded, unless `tracking.enabled` is false; absent: nowhere. */
  readonly tracking?: TrackingOptions
}

/** What a finished training run amounts to. */
export interface TrainingResult {
  readonly folder: string
  readonly outcomes: readonly StepOutcome[]
  /** Absent after a dry run. */
  readonly evaluation?: EvaluationReport
  /** Absent where it is not recorded, and when no step ran. */
  readonly tracked?: TrackedTraining
}

/** The main job: from raw transactions to a model, what it is worth, and scores. */
export const trainingSteps = (context: TrainingContext): readonly Step[] => [
  // files of any bank, or an invented one
  ...(usesGeneratedData(context) ? [generateStep(context)] : []),
  // what a service has decided on, and what became known of it
  ...(logFolders(context).length > 0 ? [logStep(context)] : []),
  // what a database has at one instant
  ...(usesDatabase(context) ? [databaseStep(context)] : []),
  readStep(context), //      -> prepared.parquet: one row a transaction, arrival order; quarantine.jsonl: all other rows
  validateStep(context), //  -> validation.json; stops the run when the data is not fit for use
  splitStep(context), //     -> split.parquet: arrival -> train | validation | test | none
  cleanStep(context), //     -> cleaned.parquet: the same rows, cleaned as fitted on training rows
  featuresStep(context), //  -> features.parquet: one row a transaction, one column a feature; states/: all entities' state
  selectStep(context), //    -> selection.json: the features that models get
  searchStep(context), //    -> search.json: the best settings of the models that have a grid
  trainStep(context), //     -> a file for each model + training.json: what became of them
  chooseStep(context), //    -> choice.json: calibration and threshold of each, and the best
  evaluateStep(context), //  -> evaluation.json: metrics and curves on training, validation and test
  packageStep(context), //   -> the model artifact: all that scoring needs, and a hash of each part
  statesStep(context), //    -> the state of every entity after the last transaction: what scoring goes on from
  scoreStep, //              -> predictions.parquet: the test rows with their probability and decision
]

/** The step that finishes a run. */
export const LAST_STEP = scoreStep.name

/**
 * Runs the main job in `context.folder` (docs/runs.md describes what it leaves there).
 *
 * @throws what `runPipeline` throws; PIPELINE_VALIDATION_FAILED when the data must not be used;
 * CONFIG_COSTS_MISSING, PIPELINE_NO_MODEL; PIPELINE_GATES_FAILED when the chosen model must not be packaged
 */
export const runTrainingPipeline = async (
  context: TrainingContext,
  options: TrainingOptions,
): Promise<TrainingResult> => {
  const { folder } = context
  checkChoices(context.config.settings)
  const steps = trainingSteps(context)
  if (options.dryRun) return { folder, outcomes: await runPipeline(steps, { ...options, folder }) }
  return await recorded(context, options, async (recorder) => {
    const withReports = steps.map((step) => renderAfter(step, folder, options.renderers, recorder))
    const outcomes = await runPipeline(withReports, {
      ...options,
      folder,
      onLocked: async () => {
        await writeConfiguration(context)
        await recorder?.open()
      },
      onStart: async (step, reason) => {
        recorder?.started()
        await options.onStart?.(step, reason)
      },
      onOutcome: (outcome) => {
        recorder?.finished(outcome)
        options.onOutcome?.(outcome)
      },
    })
    const evaluation = await readJson<EvaluationReport>(join(folder, 'evaluate', 'evaluation.json'))
    await writeSummary(context, steps, outcomes, evaluation)
    return { folder, outcomes, evaluation }
  })
}

/** Records what `run` does, also when it fails; a tracker that is away changes nothing about the run. */
const recorded = async (
  context: TrainingContext,
  options: TrainingOptions,
  run: (recorder: TrainingRecorder | undefined) => Promise<TrainingResult>,
): Promise<TrainingResult> => {
  const { tracking } = options
  if (tracking === undefined || !context.config.settings.tracking.enabled) return run(undefined)
  const recorder = createTrainingRecorder(context, tracking, options)
  let result: TrainingResult
  try {
    result = await run(recorder)
  } catch (error) {
    await recorder.end(error)
    throw error
  }
  const tracked = await recorder.end()
  return { ...result, ...(tracked !== undefined && { tracked }) }
}

/**
 * A page is rendered again whenever its step is reached, so that it never lags behind a change of the page.
 */
const renderAfter = (
  step: Step,
  folder: string,
  renderers: ReportRenderers,
  recorder: TrainingRecorder | undefined,
): Step => {
  const write = async (name: string, html: string): Promise<void> => {
    await writeReport(folder, name, html)
    recorder?.reported(name)
  }
  const render: Readonly<Record<string, ((output: (file: string) => string) => Promise<void>) | undefined>> =
    {
      validate: async (output) =>
        write('validation.html', await renderers.validation(await readJson(output('validation.json')))),
      evaluate: async (output) => {
        const report = await readJson<EvaluationReport>(output('evaluation.json'))
        await writePlots(folder, (await renderers.plots?.(report)) ?? {})
        await write('evaluation.html', await renderers.evaluation(report))
      },
    }
  const renderReport = render[step.name]
  if (renderReport === undefined) return step
  return {
    ...step,
    check: async (output) => {
      await renderReport(output)
      await step.check?.(output)
    },
  }
}

const writeReport = async (folder: string, name: string, html: string): Promise<void> => {
  await mkdir(join(folder, 'reports'), { recursive: true })
  await replaceFile(join(folder, 'reports', name), html)
}

/** Plots of an earlier run that are not drawn any more are removed. */
const writePlots = async (folder: string, plots: Readonly<Record<string, string>>): Promise<void> => {
  const place = join(folder, 'reports', 'plots')
  await rm(place, { recursive: true, force: true })
  if (Object.keys(plots).length === 0) return
  await mkdir(place, { recursive: true })
  for (const [name, svg] of Object.entries(plots)) await replaceFile(join(place, name), svg)
}

/** Every setting with its value and where it came from. */
const writeConfiguration = async ({ config, folder }: TrainingContext): Promise<void> => {
  const entries = config.entries.map(({ path, value, origin }) => [
    path.join('.'),
    { value, origin: describeOrigin(origin) },
  ])
  await replaceFile(
    join(folder, 'configuration.json'),
    `${JSON.stringify({ declared: config.declared, effective: Object.fromEntries(entries) }, null, 2)}\n`,
  )
}

/** The run in one file: what went in, what ran, what came out. */
const writeSummary = async (
  { config, folder }: TrainingContext,
  steps: readonly Step[],
  outcomes: readonly StepOutcome[],
  evaluation: EvaluationReport,
): Promise<void> => {
  const manifests = await Promise.all(steps.map((step) => readManifest(join(folder, step.name))))
  const summary = {
    schema: 1,
    project: config.settings.project,
    steps: outcomes.map((outcome, index) => ({ ...outcome, content: manifests[index]?.content ?? null })),
    data: manifests.find((manifest) => manifest?.step === 'read')?.sources ?? [],
    metrics: evaluation.parts,
    threshold: evaluation.threshold,
  }
  await replaceFile(join(folder, 'run.json'), `${JSON.stringify(summary, null, 2)}\n`)
}

const replaceFile = async (path: string, text: string): Promise<void> => {
  await writeFile(`${path}.tmp`, text)
  await rename(`${path}.tmp`, path)
}
