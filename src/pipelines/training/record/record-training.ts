import { access, mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readJson } from '../../../disk/json-file.ts'
import { sha256OfFile } from '../../../disk/sha256-of-file.ts'
import { VigiaError } from '../../../errors.ts'
import { figuresIn, keyOf } from '../../../evaluation/figures.ts'
import { canonicalJson } from '../../../foundation/canonical-json.ts'
import { parseDuration } from '../../../foundation/duration.ts'
import { sha256 } from '../../../foundation/hash.ts'
import type { RunStatus, Texts } from '../../../ports/experiment-tracker.ts'
import { checkExperimentName, checkModelName, TRACKING_LIMITS } from '../../../ports/tracking-limits.ts'
import type { PipelineOptions } from '../../../steps/run-pipeline.ts'
import type { StepOutcome } from '../../../steps/step.ts'
import { MANIFEST_FILE, readManifest } from '../../../steps/step-manifest.ts'
import {
  type BackgroundDelivery,
  createBackgroundDelivery,
  isDeliveredElsewhere,
} from '../../../tracking/background-delivery.ts'
import { countUndelivered, type DeliveryOutcome } from '../../../tracking/deliver.ts'
import { readDeliveryState } from '../../../tracking/delivery-state.ts'
import { findContinuable, listJournals } from '../../../tracking/find-journals.ts'
import { TRACKING_FOLDER } from '../../../tracking/journal.ts'
import { ROOT_RUN } from '../../../tracking/journal-entry.ts'
import { createResourceLog } from '../../../tracking/resource-log.ts'
import { beginRun, continueRun, type RunWriter } from '../../../tracking/run-writer.ts'
import type { TrackedTraining, TrackingOptions } from '../../../tracking/tracking-options.ts'
import type { EvaluationReport } from '../evaluation-report.ts'
import type { TrainingContext } from '../training-context.ts'
import { MODEL_ARTIFACT } from './record-model.ts'
import { STEP_RECORDERS, trainingDataHash } from './record-steps.ts'
import { settingParams } from './setting-params.ts'

/** Follows a training run and records it; nothing it meets fails the run. */
export interface TrainingRecorder {
  /** The folder is locked: a run that was broken off here is found, to be gone on with. */
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
 * 3. A run that was killed, or stopped with Ctrl-C, is gone on with by the same configuration; should a step
 *    now make something else than what was recorded, it is another run after all.
 *
 * @throws TRACKING_NAME_INVALID for names of the configuration that no tracker takes, before anything runs
 */
export const createTrainingRecorder = (
  context: TrainingContext,
  tracking: TrackingOptions,
  { now, owner, signal }: Pick<PipelineOptions, 'now' | 'owner' | 'signal'>,
): TrainingRecorder => {
  const { config, folder } = context
  const names = trackingNames(context)
  const settings = sha256(canonicalJson(settingParams(config.entries)))
  const delivery = createBackgroundDelivery(tracking.store, parseDuration(config.settings.tracking.timeout), {
    owner,
    now,
  })
  const resources = createResourceLog(tracking.sampleResources, now)
  /** What was recorded, to be recorded again should it become another run. */
  const history: ((writer: RunWriter) => Promise<void>)[] = []
  let writer: RunWriter | undefined
  let problem: string | undefined
  let queue: Promise<void> = Promise.resolve()

  /** One after the other; what fails stops the recording, not the run. */
  const enqueue = (work: () => Promise<void>): void => {
    queue = queue
      .then(() => (problem === undefined ? work() : undefined))
      .catch((error: unknown) => {
        problem = error instanceof Error ? error.message : String(error)
      })
  }
  const begin = async (): Promise<RunWriter> => {
    const runKey = tracking.newRunKey()
    const startTimeMs = now()
    writer = await beginRun(join(folder, TRACKING_FOLDER, runKey), {
      runKey,
      experiment: names.experiment,
      settings,
      startTimeMs,
      name: `${config.settings.project.name} ${new Date(startTimeMs).toISOString().slice(0, 19)}Z`,
      tags: { 'vigia.kind': 'training', 'vigia.project': config.settings.project.name, ...tracking.tags },
    })
    await recordBeginning(writer, context, tracking)
    for (const record of history) await record(writer)
    resources.start(writer)
    return writer
  }
  const record = (work: (writer: RunWriter) => Promise<void>): void => {
    history.push(work)
    enqueue(async () => {
      if (writer === undefined) return
      await work(writer)
      await resources.write()
      delivery.wake(writer.folder)
    })
  }
  const recordStep = async (current: RunWriter, { step, state, durationMs }: StepOutcome): Promise<void> => {
    const manifest = await readManifest(join(folder, step))
    if (manifest === undefined) return
    const recorded = current.recordedSteps.get(step)
    if (recorded === manifest.content) return
    if (recorded !== undefined) throw new AnotherRun()
    const atMs = Math.floor((await stat(join(folder, step, MANIFEST_FILE))).mtimeMs)
    await STEP_RECORDERS[step]?.({ folder, writer: current, atMs })
    if (state === 'ran')
      await current.log(ROOT_RUN, {
        metrics: [{ key: `duration.${step}.seconds`, value: durationMs / 1000, timestampMs: atMs, step: 0 }],
      })
    await current.noteStep(step, manifest.content)
  }
  const close = (current: RunWriter, status: RunStatus): Promise<void> =>
    current.endRun(ROOT_RUN, status, now())

  return {
    open: async () => {
      enqueue(async () => {
        const journals = await listJournals(folder)
        const unfinished = findContinuable(journals, settings)
        for (const { folder: place, status } of journals)
          if (status === 'RUNNING' && place !== unfinished?.folder) {
            const killed = await continueRun(place)
            if (killed !== undefined) await close(killed, 'KILLED')
            delivery.wake(place)
          }
        if (unfinished === undefined) return
        writer = await continueRun(unfinished.folder)
        if (writer !== undefined) {
          // Written again, since the process may have been killed in the middle of it.
          await recordBeginning(writer, context, tracking)
          resources.start(writer)
          delivery.wake(writer.folder)
        }
      })
      await queue
    },
    started: () => {
      enqueue(async () => {
        writer ??= await begin()
        delivery.wake(writer.folder)
      })
    },
    finished: (outcome) => {
      record(async (current) => {
        try {
          await recordStep(current, outcome)
        } catch (error) {
          if (!(error instanceof AnotherRun)) throw error
          await close(current, 'KILLED')
          resources.stop()
          delivery.wake(current.folder)
          // All of the history, with this step as its last.
          await begin()
        }
      })
    },
    reported: (file) => {
      record(async (current) => {
        await current.logArtifact(ROOT_RUN, join(folder, 'reports', file), `reports/${file}`)
        // The plots are those of the evaluation; before it, there may be some of an earlier run.
        if (file === 'evaluation.html') await logIfThere(current, join(folder, 'reports', 'plots'), 'plots')
      })
    },
    end: async (error) => {
      const status = statusOf(error, signal)
      enqueue(async () => {
        if (writer === undefined) return
        resources.stop()
        await resources.write()
        if (error !== undefined) await writer.log(ROOT_RUN, { tags: { 'vigia.error': errorText(error) } })
        else {
          await logIfThere(writer, join(folder, 'run.json'), 'run.json')
          await register(writer, context)
        }
        await close(writer, status)
      })
      await queue
      resources.stop()
      if (writer === undefined && problem === undefined) return undefined
      const tracked = {
        status,
        location: tracking.store.tracker.location,
        experiment: names.experiment,
        ...(await finishDelivery(writer, delivery)),
        ...(problem !== undefined && { problem }),
      }
      tracking.onRecorded?.(tracked)
      return tracked
    },
  }
}

/** A step made something else than what was recorded of it. */
class AnotherRun extends Error {}

/**
 * Experiment and model of the configuration. A project may be called what an experiment may not; its name is
 * then fitted, and the tag `vigia.project` has it as it is.
 */
const trackingNames = ({ config }: TrainingContext): { readonly experiment: string } => {
  const { project, tracking } = config.settings
  checkModelName('tracking.model', tracking.model)
  if (tracking.experiment !== '') {
    checkExperimentName('tracking.experiment', tracking.experiment)
    return { experiment: tracking.experiment }
  }
  const fitted = project.name
    .replace(/\p{Cc}/gu, '-')
    .trim()
    .slice(0, TRACKING_LIMITS.name)
  return { experiment: fitted.trim() || 'vigia' }
}

/** What is known before the first step. */
const recordBeginning = async (
  writer: RunWriter,
  { config, folder }: TrainingContext,
  { environment }: TrackingOptions,
): Promise<void> => {
  await writer.log(ROOT_RUN, { params: settingParams(config.entries) })
  await logIfThere(writer, join(folder, 'configuration.json'), 'configuration.json')
  const file = join(writer.folder, 'environment.json')
  await mkdir(writer.folder, { recursive: true })
  await writeFile(file, `${JSON.stringify(environment, null, 2)}\n`)
  await writer.logArtifact(ROOT_RUN, file, 'environment.json')
}

const logIfThere = async (writer: RunWriter, path: string, artifactPath: string): Promise<void> => {
  const isThere = await access(path).then(
    () => true,
    () => false,
  )
  if (isThere) await writer.logArtifact(ROOT_RUN, path, artifactPath)
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

/** How far the journal of `writer` is delivered after the last try. */
const finishDelivery = async (
  writer: RunWriter | undefined,
  delivery: BackgroundDelivery,
): Promise<Omit<TrackedTraining, 'status' | 'location' | 'experiment' | 'problem'>> => {
  if (writer === undefined) return { runKey: '', waiting: 0, refused: [] }
  const { folder, runKey } = writer
  let outcome: DeliveryOutcome | undefined
  let stoppedBy: VigiaError | undefined
  try {
    outcome = await delivery.finish(folder)
    stoppedBy = outcome?.stoppedBy
  } catch (error) {
    if (error instanceof VigiaError) stoppedBy = error
    else if (!isDeliveredElsewhere(error)) {
      const reason = error instanceof Error ? error.message : String(error)
      stoppedBy = new VigiaError('INTERNAL', { reason }, { cause: error })
    }
  }
  const state = outcome?.state ?? (await readDeliveryState(folder))
  const runId = state?.runs[ROOT_RUN]
  return {
    runKey,
    waiting: outcome?.waiting ?? (await countUndelivered(folder, state)),
    refused: state?.refused ?? [],
    ...(runId !== undefined && { runId }),
    ...(state?.version !== undefined && { version: state.version }),
    ...(stoppedBy !== undefined && { stoppedBy }),
  }
}
