import { access, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { VigiaError } from '../../../errors.ts'
import { canonicalJson } from '../../../foundation/canonical-json.ts'
import { parseDuration } from '../../../foundation/duration.ts'
import { sha256 } from '../../../foundation/hash.ts'
import type { RunStatus } from '../../../ports/experiment-tracker.ts'
import { checkExperimentName, checkModelName, TRACKING_LIMITS } from '../../../ports/tracking-limits.ts'
import type { PipelineOptions } from '../../../steps/run-pipeline.ts'
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
import type { TrainingContext } from '../training-context.ts'
import { settingParams } from './setting-params.ts'

/** Something that a run is told. @throws AnotherRun when what the run was told before does not go with it */
export type RunPart = (writer: RunWriter) => Promise<void>

/** A step made something else than what was recorded of it. */
export class AnotherRun extends Error {}

/** The tracked run of a training: found or begun, told its parts, ended, and delivered all the while. */
export interface RecordedRun {
  readonly experiment: string
  /** Whether there is a run to be told anything. */
  hasBegun(): boolean
  /** Resumes the run that was interrupted here, if it was of the same configuration; others are over. */
  goOn(): Promise<void>
  /** Begins a run where none is resumed, with all that is remembered. */
  begin(): Promise<void>
  /** From now on `part` belongs to the run, whichever it will be. */
  remember(part: RunPart): void
  /** Tells the run a part; where that does not go with it, another one begins with all that is remembered. */
  tell(part: RunPart): Promise<void>
  /** Tells the run its last part and ends it. */
  end(status: RunStatus, last: RunPart): Promise<void>
  /** Takes no samples of resources any more, and waits, not long, for the delivery: how far it is. */
  deliver(): Promise<Omit<TrackedTraining, 'status' | 'location' | 'experiment' | 'problem'>>
}

/** @throws TRACKING_NAME_INVALID for names of the configuration that no tracker takes */
export const createRecordedRun = (
  context: TrainingContext,
  tracking: TrackingOptions,
  { world, owner }: Pick<PipelineOptions, 'world' | 'owner'>,
): RecordedRun => {
  const { config, folder } = context
  const experiment = experimentName(context)
  const settings = sha256(canonicalJson(settingParams(config.entries)))
  const patienceMs = parseDuration(config.settings.tracking.timeout)
  const delivery = createBackgroundDelivery(tracking.store, patienceMs, { owner, world })
  const resources = createResourceLog(tracking.sampleResources, world.now)
  const remembered: RunPart[] = []
  let writer: RunWriter | undefined

  const close = (of: RunWriter, status: RunStatus): Promise<void> => of.endRun(ROOT_RUN, status, world.now())
  /** A resumed run gets its beginning again: its process may have been killed in the middle. */
  const follow = async (run: RunWriter): Promise<RunWriter> => {
    writer = run
    await recordBeginning(run, context, tracking)
    for (const part of remembered) await part(run)
    resources.start(run)
    return run
  }
  const begin = async (): Promise<RunWriter> =>
    follow(await beginTraining(context, tracking, { experiment, settings, startTimeMs: world.now() }))
  const replace = async (current: RunWriter): Promise<void> => {
    await close(current, 'KILLED')
    resources.stop()
    delivery.wake(current.folder)
    await begin()
  }
  return {
    experiment,
    hasBegun: () => writer !== undefined,
    goOn: async () => {
      const found = await findBrokenOff(folder, settings, async (place) => {
        const killed = await continueRun(place)
        if (killed !== undefined) await close(killed, 'KILLED')
        delivery.wake(place)
      })
      if (found !== undefined) delivery.wake((await follow(found)).folder)
    },
    begin: async () => {
      writer ??= await begin()
      delivery.wake(writer.folder)
    },
    remember: (part) => remembered.push(part),
    tell: async (part) => {
      const current = writer
      if (current === undefined) return
      await part(current).catch((error: unknown) => {
        if (error instanceof AnotherRun) return replace(current)
        throw error
      })
      await resources.write()
      if (writer !== undefined) delivery.wake(writer.folder)
    },
    end: async (status, last) => {
      if (writer === undefined) return
      resources.stop()
      await resources.write()
      await last(writer)
      await close(writer, status)
    },
    deliver: () => {
      resources.stop()
      return finishDelivery(writer, delivery)
    },
  }
}

/**
 * The run that was interrupted in this folder under the same settings, if there is one. The journals of
 * others that never ended are handed to `endKilled` first.
 */
const findBrokenOff = async (
  folder: string,
  settings: string,
  endKilled: (journal: string) => Promise<void>,
): Promise<RunWriter | undefined> => {
  const journals = await listJournals(folder)
  const unfinished = findContinuable(journals, settings)
  for (const { folder: journal, status } of journals)
    if (status === 'RUNNING' && journal !== unfinished?.folder) await endKilled(journal)
  return unfinished && continueRun(unfinished.folder)
}

/**
 * Experiment of the configuration. A project may be called what an experiment may not; its name is then
 * fitted, and the tag `vigia.project` has it as it is. The name of the model is looked at as well.
 */
const experimentName = ({ config }: TrainingContext): string => {
  const { project, tracking } = config.settings
  checkModelName('tracking.model', tracking.model)
  if (tracking.experiment !== '') {
    checkExperimentName('tracking.experiment', tracking.experiment)
    return tracking.experiment
  }
  const fitted = project.name
    .replace(/\p{Cc}/gu, '-')
    .trim()
    .slice(0, TRACKING_LIMITS.name)
  return fitted.trim() || 'vigia'
}

const beginTraining = (
  { config, folder }: TrainingContext,
  tracking: TrackingOptions,
  of: { readonly experiment: string; readonly settings: string; readonly startTimeMs: number },
): Promise<RunWriter> => {
  const runKey = tracking.newRunKey()
  const { name } = config.settings.project
  return beginRun(join(folder, TRACKING_FOLDER, runKey), {
    ...of,
    runKey,
    name: `${name} ${new Date(of.startTimeMs).toISOString().slice(0, 19)}Z`,
    tags: { 'vigia.kind': 'training', 'vigia.project': name, ...tracking.tags },
  })
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

/** Records a file or folder as an artifact; nothing where it is missing. */
export const logIfThere = async (writer: RunWriter, path: string, artifactPath: string): Promise<void> => {
  const isThere = await access(path).then(
    () => true,
    () => false,
  )
  if (isThere) await writer.logArtifact(ROOT_RUN, path, artifactPath)
}

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
