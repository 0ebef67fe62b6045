import { join, resolve } from 'node:path'
import picocolors from 'picocolors'
import type { ConfigManager } from '../../config/config-manager.ts'
import type { TrainingSettings } from '../../config/training-config.ts'
import { readJson } from '../../disk/json-file.ts'
import type { ArtifactManifest } from '../../model/artifact.ts'
import type { FloatComparison } from '../../model/onnx/onnx-contents.ts'
import type { ServingStorage } from '../../pipelines/service/serving-storage.ts'
import type { TrainingContext } from '../../pipelines/training/training-context.ts'
import {
  LAST_STEP,
  type ReportRenderers,
  runTrainingPipeline,
  type TrainingResult,
} from '../../pipelines/training-pipeline.ts'
import type { OpenBankDatabase } from '../../ports/bank-database.ts'
import type { OpenTrackingStore, TrackingStore } from '../../ports/tracking-store.ts'
import type { PipelineOptions } from '../../steps/run-pipeline.ts'
import type { StepOutcome } from '../../steps/step.ts'
import type { TrackingOptions } from '../../tracking/tracking-options.ts'
import type { Command, CommandContext, CommandInput } from '../command.ts'
import { threadsOf, workOf } from '../command-work.ts'
import { CONFIG_OPTIONS, readTrainingConfig } from '../config-option.ts'
import { runConclusion, runJson } from './run-conclusion.ts'
import { estimateRun, holdToEstimate } from './run-estimate.ts'
import { trackedLines } from './tracked-outcome.ts'

/** What the composition root hands to commands that run pipelines. */
export interface PipelineTools extends Pick<PipelineOptions, 'world' | 'owner' | 'runtime'> {
  readonly storage: Pick<ServingStorage, 'readLog'>
  readonly openDatabase: OpenBankDatabase
  readonly renderers: ReportRenderers
  readonly openTrackingStore: OpenTrackingStore
  /** Who runs what, for what is recorded in `store`. */
  readonly trackThisProcess: (
    store: TrackingStore,
    command: string,
    workingDirectory: string,
  ) => TrackingOptions
}

/** `vigia run`: the main job, from raw transactions to a model, its evaluation and scores. */
export const runCommand = (tools: PipelineTools): Command => ({
  name: 'run',
  summary: 'run the main job: read, validate, engineer features, train, choose, evaluate, score',
  description:
    'Runs the training pipeline in a run folder. A step whose inputs, settings and code have not changed is skipped; each step says why it runs. Stopped anywhere, the same command goes on from there. A finished run of another configuration is kept: --out names another folder, --replace runs over it. What the folder holds: docs/runs.md. Exit code 1: the data did not pass validation, or the model a quality gate.',
  options: [
    { flags: '-o, --out <folder>', description: 'run folder; otherwise runs.directory/project.name' },
    {
      flags: '--force [step]',
      description: 'run a step, or all of them, although the outputs are up to date',
    },
    { flags: '--from <step>', description: 'run this step and all after it' },
    { flags: '--replace', description: 'run over a finished run of another configuration' },
    { flags: '--dry-run', description: 'only tell what would run, and why' },
    ...CONFIG_OPTIONS,
  ],
  examples: [
    {
      command: 'vigia run --config examples/second-bank/training_config.yaml',
      explanation: "Another bank's export, mapped by configuration.",
    },
    {
      command: 'vigia run --set source.path=generated',
      explanation: 'On generated data, with every default.',
    },
    { command: 'vigia run --from train --dry-run', explanation: 'What would run again from training on.' },
  ],
  run: async (context, input) => {
    const config = await readTrainingConfig(context, input)
    const folder = runFolder(context, config, input)
    const store = config.settings.tracking.enabled
      ? tools.openTrackingStore(config.settings.tracking, context.environment)
      : undefined
    const estimate = () => estimateRun(context, config, folder)
    let tracked: readonly string[] = []
    try {
      const result = await runTrainingPipeline(trainingContext(context, config, folder, tools), {
        ...forcing(input),
        ...(input.options['replace'] !== true && { keepFinished: LAST_STEP }),
        ...(input.options['dryRun'] === true && { dryRun: true }),
        ...tools,
        ...(store !== undefined && {
          tracking: {
            ...tools.trackThisProcess(store, 'vigia run', context.workingDirectory),
            onRecorded: (outcome) => {
              tracked = trackedLines(outcome, context.useColor)
            },
          },
        }),
        work: workOf(context, config.settings.resources),
        onStart: holdToEstimate(estimate, (line) => {
          if (!context.json) context.stdout.write(line)
        }),
        onOutcome: (outcome) => {
          if (!context.json) context.stdout.write(stepLine(outcome, context.useColor))
        },
      })
      await tellResult(result, context, input)
    } finally {
      if (!context.json && tracked.length > 0) context.stdout.write(`${tracked.join('\n')}\n`)
      await store?.tracker.close()
    }
    return 0
  },
})

const tellResult = async (
  result: TrainingResult,
  context: CommandContext,
  input: CommandInput,
): Promise<void> => {
  const { folder, evaluation } = result
  const inFloats = evaluation && (await inFloatsOf(folder))
  if (context.json) context.stdout.write(`${JSON.stringify(runJson(result, inFloats), null, 2)}\n`)
  else if (evaluation !== undefined)
    context.stdout.write(runConclusion({ folder, inFloats }, evaluation, context, input))
}

/** How far the packaged `model-float32.onnx` is from its model; undefined where there is none. */
const inFloatsOf = async (folder: string): Promise<FloatComparison | undefined> => {
  const { onnx } = await readJson<Pick<ArtifactManifest, 'onnx'>>(join(folder, 'package', 'manifest.json'))
  return onnx.float32
}

/** `--out`, or the folder of the project under `runs.directory`. Absolute. */
export const runFolder = (
  context: CommandContext,
  { settings }: ConfigManager<TrainingSettings>,
  input: CommandInput,
): string => {
  const out = input.options['out']
  return typeof out === 'string'
    ? resolve(context.workingDirectory, out)
    : join(settings.runs.directory, settings.project.name)
}

/** What the steps are made from, by the configuration and the machine. */
export const trainingContext = (
  context: CommandContext,
  config: ConfigManager<TrainingSettings>,
  folder: string,
  { storage, openDatabase }: Pick<PipelineTools, 'storage' | 'openDatabase'>,
): TrainingContext => ({
  config,
  folder,
  workingDirectory: context.workingDirectory,
  environment: context.environment,
  workers: threadsOf(config.settings.resources),
  readLog: storage.readLog,
  openDatabase,
})

const forcing = ({ options }: CommandInput): Pick<PipelineOptions, 'force' | 'from'> => ({
  ...(options['force'] !== undefined && {
    force: typeof options['force'] === 'string' ? options['force'] : 'all',
  }),
  ...(typeof options['from'] === 'string' && { from: options['from'] }),
})

const VERBS = {
  ran: 'ran',
  skipped: 'skipped',
  'would-run': 'would run',
  'would-skip': 'would skip',
} as const

/** `ran      features   setting features.time_zone changed from "UTC" to "Europe/Madrid"   4.2 s`. */
const stepLine = ({ step, state, reason, durationMs }: StepOutcome, useColor: boolean): string => {
  const paint = picocolors.createColors(useColor)
  const works = state === 'ran' || state === 'would-run'
  const verb = VERBS[state].padEnd(10)
  const time = state === 'ran' ? paint.dim(`  ${(durationMs / 1000).toFixed(1)} s`) : ''
  return `${works ? paint.green(verb) : paint.dim(verb)} ${paint.bold(step.padEnd(10))} ${reason}${time}\n`
}
