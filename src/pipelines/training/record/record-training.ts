import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { readJson } from '../../../disk/json-file.ts'
import { sha256OfFile } from '../../../disk/sha256-of-file.ts'
import { VigiaError } from '../../../errors.ts'
import { figuresIn, keyOf } from '../../../evaluation/figures.ts'
import type { RunStatus, Texts } from '../../../ports/experiment-tracker.ts'
import type { PipelineOptions } from '../../../steps/run-pipeline.ts'
import type { StepOutcome } from '../../../steps/step.ts'
import { MANIFEST_FILE, readManifest } from '../../../steps/step-manifest.ts'
import { ROOT_RUN } from '../../../tracking/journal-entry.ts'
import type { RunWriter } from '../../../tracking/run-writer.ts'
import type { TrackedTraining, TrackingOptions } from '../../../tracking/tracking-options.ts'
import type { EvaluationReport } from '../evaluation-report.ts'
import type { TrainingContext } from '../training-context.ts'
import { MODEL_ARTIFACT } from './record-model.ts'
import { STEP_RECORDERS, trainingDataHash } from './record-steps.ts'
import { AnotherRun, createRecordedRun, logIfThere, type RunPart } from './recorded-run.ts'
import { createRecordingQueue } from './recording-queue.ts'

/** Follows a training run and records it; nothing it meets fails the run. */
export interface TrainingRecorder {
  /** The folder is locked: an interrupted run in this folder is found and resumed. */
  open(): Promise<void>
  /** A step begins: now there is something to record. */
  started(): void
  finished(outcome: StepOutcome): void
  /** A page of `reports/` was written. */
  reported(file: string): void
  /**
   * Ends the tracked run and waits, not long, for its delivery. Undefined when there was nothing to record.
   */
  end(error?: unknown): Promise<TrackedTraining | undefined>
}

/**
 * Records a training run in `tracking/` of its folder and delivers that in the background.
 *
 * 1. Nothing is recorded until a step runs: a run in which all is up to date is no run.
 * 2. Then all steps are, the skipped ones as well: what they made belongs to this run too.
 * 3. A run that was killed, or stopped with Ctrl-C, is resumed by the same configuration; should a step
 *    now make something else than what was recorded, it is another run after all.
 *
 * @throws TRACKING_NAME_INVALID for names of the configuration that no tracker takes, before anything runs
 */
export const createTrainingRecorder = (
  context: TrainingContext,
  tracking: TrackingOptions,
  options: Pick<PipelineOptions, 'world' | 'owner' | 'work'>,
): TrainingRecorder => {
  const { folder } = context
  const run = createRecordedRun(context, tracking, options)
  const queue = createRecordingQueue()
  const record = (part: RunPart): void => {
    run.remember(part)
    queue.add(() => run.tell(part))
  }
  return {
    open: () => {
      queue.add(run.goOn)
      return queue.done()
    },
    started: () => queue.add(run.begin),
    finished: (outcome) => record((writer) => recordStep(folder, writer, outcome)),
    reported: (file) => record((writer) => recordReport(folder, writer, file)),
    end: async (error) => {
      const status = statusOf(error, options.work.signal)
      queue.add(() => run.end(status, (writer) => recordEnd(context, writer, error)))
      await queue.done()
      const delivered = await run.deliver()
      const problem = queue.problem()
      if (!run.hasBegun() && problem === undefined) return undefined
      const tracked = {
        status,
        location: tracking.store.tracker.location,
        experiment: run.experiment,
        ...delivered,
        ...(problem !== undefined && { problem }),
      }
      tracking.onRecorded?.(tracked)
      return tracked
    },
  }
}

/** Adds what a finished step made, once. @throws AnotherRun when something else was recorded of it */
const recordStep = async (
  folder: string,
  writer: RunWriter,
  { step, state, durationMs }: StepOutcome,
): Promise<void> => {
  const manifest = await readManifest(join(folder, step))
  if (manifest === undefined) return
  const recorded = writer.recordedSteps.get(step)
  if (recorded === manifest.content) return
  if (recorded !== undefined) throw new AnotherRun()
  const atMs = Math.floor((await stat(join(folder, step, MANIFEST_FILE))).mtimeMs)
  await STEP_RECORDERS[step]?.({ folder, writer, atMs })
  if (state === 'ran') {
    await writer.log(ROOT_RUN, {
      metrics: [{ key: `duration.${step}.seconds`, value: durationMs / 1000, timestampMs: atMs, step: 0 }],
    })
  }
  await writer.noteStep(step, manifest.content)
}

const recordReport = async (folder: string, writer: RunWriter, file: string): Promise<void> => {
  await writer.logArtifact(ROOT_RUN, join(folder, 'reports', file), `reports/${file}`)
  // The plots are those of the evaluation; before it, there may be some of an earlier run.
  if (file === 'evaluation.html') await logIfThere(writer, join(folder, 'reports', 'plots'), 'plots')
}

/** What a run ends with: its summary and a version of the model, or why it failed. */
const recordEnd = async (context: TrainingContext, writer: RunWriter, error: unknown): Promise<void> => {
  if (error !== undefined) {
    await writer.log(ROOT_RUN, { tags: { 'vigia.error': errorText(error) } })
    return
  }
  await logIfThere(writer, join(context.folder, 'run.json'), 'run.json')
  await register(writer, context)
}

/** The best model of a run that passed becomes the next version. */
const register = async (writer: RunWriter, { config, folder }: TrainingContext): Promise<void> => {
  const { project, tracking } = config.settings
  const report = await readJson<EvaluationReport>(join(folder, 'evaluate', 'evaluation.json'))
  await writer.registerVersion({
    model: tracking.model,
    description: `Fraud detection of ${project.name}`,
    artifactPath: MODEL_ARTIFACT,
    tags: {
      'vigia.model': report.model.name,
      'vigia.artifact_sha256': await sha256OfFile(join(folder, 'package', 'checksums.json')),
      'vigia.training_data_sha256': await trainingDataHash(folder),
      'vigia.threshold': String(report.threshold),
      ...figureTags(report),
    },
  })
}

const figureTags = ({ parts }: EvaluationReport): Texts =>
  Object.fromEntries(
    (['validation', 'test'] as const).flatMap((part) =>
      figuresIn('lists').map((figure) => [
        `vigia.${part}.${figure.name}`,
        String(parts[part][keyOf(figure)]),
      ]),
    ),
  )

const statusOf = (error: unknown, signal: AbortSignal): RunStatus => {
  if (error === undefined) return 'FINISHED'
  const isInterrupted = signal.aborted || (error instanceof VigiaError && error.code === 'INTERRUPTED')
  return isInterrupted ? 'KILLED' : 'FAILED'
}

const errorText = (error: unknown): string =>
  error instanceof VigiaError ? `${error.code}: ${error.message}` : String(error)
