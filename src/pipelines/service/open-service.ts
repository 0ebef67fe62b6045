import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { runFolderOf } from '../../artifacts/run-folder.ts'
import type { BranchControl } from '../../branches/branch-control.ts'
import { openServedStates } from '../../branches/served-states.ts'
import { eventTimeBounds, type ServingSettings } from '../../config/serving-config.ts'
import { controlSampleSettings, createControlSampler } from '../../decisions/control-sample.ts'
import { createDecider, type ServingModels } from '../../decisions/decider.ts'
import type { DecisionWatch, WatchOptions } from '../../decisions/decision-watch.ts'
import type { DecisionSettings, OpenStates } from '../../decisions/decisions.ts'
import type { InferenceObserver } from '../../decisions/inference-pipeline.ts'
import {
  chooseModels,
  type ServedSources,
  type StartChoice,
  sourcesOf,
  writeChoice,
} from '../../decisions/log/served-choice.ts'
import { createModelControl, type ModelControl } from '../../decisions/model-control.ts'
import { type OpenPipeline, openInferencePipeline } from '../../decisions/open-pipeline.ts'
import {
  cacheSizeIn,
  ENOUGH_MEMORY,
  followingSizeIn,
  mostStatesIn,
  type ProcessMemory,
} from '../../decisions/owned/cache-size.ts'
import { assertNeverUsed } from '../../decisions/shared/known-history.ts'
import { tellPersistence } from '../../decisions/shared/tell-persistence.ts'
import type { StoreIdentity } from '../../decisions/states/store-identity.ts'
import type { LoadServedTable } from '../../decisions/tables/load-served-table.ts'
import { ServedTables } from '../../decisions/tables/served-tables.ts'
import type { DatabaseSettings } from '../../disk/database.ts'
import type { Work } from '../../disk/work.ts'
import { VigiaError } from '../../errors.ts'
import { parseDuration } from '../../foundation/duration.ts'
import type { World } from '../../foundation/world.ts'
import { keepingSettingsOf } from '../../keeping/keeping-settings.ts'
import { assertKeepable, keepingOpener } from '../../keeping/open-keeping.ts'
import type { PredictionLog } from '../../ports/prediction-log.ts'
import { firstStates, type StoreAtStart, storeAtStart } from '../../states/first-states.ts'
import type { LoadedStates } from '../../states/load-states.ts'
import type { EventTimeBounds } from '../../transaction/event-time.ts'
import type { LoadModel } from './model-source.ts'
import type { ServingStorage } from './serving-storage.ts'

export interface ServiceOptions {
  readonly settings: Pick<
    ServingSettings,
    'model' | 'state_store' | 'prediction_log' | 'tables' | 'event_time' | 'feedback'
  > &
    Partial<Pick<ServingSettings, 'control_sample'>>
  readonly storage: ServingStorage
  readonly load: LoadModel
  /** Relative sources of models start here. */
  readonly workingDirectory: string
  readonly observer: InferenceObserver
  readonly world: World
  readonly work: Pick<Work, 'signal' | 'reportProgress'>
  /** Reads the tables that transactions are looked up in; from their own files when left out. */
  readonly loadTable?: LoadServedTable
  /** What this process may use; as if there were enough when left out. */
  readonly memory?: ProcessMemory
  /** Bytes of states in memory, any number; as the settings say when left out. */
  readonly cacheBytes?: number
  /** What time transactions may have; as the settings say when left out. */
  readonly eventTime?: EventTimeBounds
  /** Called once it is known where the states came from. */
  readonly onStates?: (outcome: StatesOutcome) => void
  /** Called when an act of administration had chosen other models than the configuration names. */
  readonly onModels?: (choice: StartChoice) => void
  /** Opens what keeps account of decisions; left out: nobody does. */
  readonly openWatch?: (options: WatchOptions) => DecisionWatch
  /** Told what is good to know of the store and no reason to worry. */
  readonly onNotice?: (text: string) => void
}

/**
 * `kept`: the store had states. `loaded`: it was empty, and the model's run had some. `empty`: nobody has a
 * history.
 */
export type StatesOutcome =
  | { readonly kind: 'kept'; readonly identity: StoreIdentity }
  | ({ readonly kind: 'loaded'; readonly from: string } & LoadedStates)
  | { readonly kind: 'empty' }

export interface Service {
  readonly pipeline: OpenPipeline
  readonly control: ModelControl
  readonly branches: BranchControl
}

const MEBIBYTE = 1 << 20

/**
 * Opens everything that decides, as the settings say: models, states, log. An empty store is filled with the
 * states of the run that the model came from.
 *
 * What settings alone rule out is refused before anything is opened.
 *
 * @throws MODEL_ARTIFACT_REFUSED, SERVING_CACHE_TOO_SMALL, SERVING_KEEP_SHORT, SERVING_STATES_FOREIGN,
 * SERVING_FOLDER_IN_USE, SERVING_STORE_FAILED and others
 */
export const openService = async (options: ServiceOptions): Promise<Service> => {
  const { settings, storage, load } = options
  storage.watchLog(settings.prediction_log)
  const configured = sourcesOf(settings.model)
  const { sources, models } = await chooseModels(
    storage.readLog(settings.prediction_log.path),
    configured,
    (named) => loadModels(named, load),
    options,
  )
  // A start that these settings refuse leaves no store behind that it has filled.
  const decisionSettings = decisionSettingsOf(options)
  const keeping = keepingSettingsOf(settings)
  assertKeepable({ keeping, settings: decisionSettings, decider: () => createDecider(models) })
  const { openStates } = storage
  const served = await openServedStates(settings, openStates, models, options.observer)
  const { states, close } = served
  try {
    tellPersistence(states, options.observer, options.onNotice)
    const log = await storage.openLog(settings.prediction_log)
    try {
      // Not as the argument of `onStates?.()`, which is not evaluated where nobody wants to be told.
      const outcome = await fillNew(options, models, states, log)
      options.onStates?.(outcome)
      const { observer, world } = options
      const own = {
        states,
        log,
        archive: settings.prediction_log.path,
        database: databaseOf(settings.prediction_log.path, '128MB'),
        settings: decisionSettings,
        observer,
        world,
      }
      const pipeline = await openInferencePipeline({
        ...own,
        models,
        seen: outcome.kind === 'empty' ? undefined : outcome.identity,
        tables: tablesOf(options),
        ...served.pipelineOptions,
        openKeeping: keepingOpener({ ...own, keeping }),
        watch: options.openWatch?.({
          log,
          folder: own.archive,
          isShared: states.kind === 'shared',
          observer,
        }),
      })
      // The models are in service by then, whether the disk takes this or not.
      const keep = (chosen: ServedSources): Promise<void> =>
        writeChoice(log, { configured, served: chosen, chosenAtMs: world.now() }).catch((error: unknown) =>
          observer.warned('SERVING_CHOICE_LOST', { ...chosen, reason: String(error) }),
        )
      return {
        pipeline,
        control: createModelControl(pipeline, load, { sources, keep }),
        branches: served.control(load),
      }
    } catch (error) {
      await log.close()
      throw error
    }
  } catch (error) {
    await close()
    throw error
  }
}

const tablesOf = ({ settings, loadTable, observer, world, workingDirectory }: ServiceOptions): ServedTables =>
  new ServedTables({
    settings: settings.tables,
    workingDirectory,
    database: databaseOf(settings.prediction_log.path, '512MB'),
    observer,
    world,
    ...(loadTable !== undefined && { load: loadTable }),
  })

/** What settings say of deciding. */
export const decisionSettingsOf = ({
  settings: { state_store, prediction_log, event_time, feedback, control_sample },
  eventTime,
  memory = ENOUGH_MEMORY,
  cacheBytes,
}: Pick<ServiceOptions, 'settings' | 'eventTime' | 'memory' | 'cacheBytes'>): DecisionSettings => ({
  cacheBytes: cacheBytes ?? cacheSizeIn(state_store, memory) * MEBIBYTE,
  ...(cacheBytes === undefined && { followingBytes: followingSizeIn(state_store, memory) * MEBIBYTE }),
  mostStates: mostStatesIn(memory),
  saveAfterMs: parseDuration(state_store.save_interval),
  receiptLifeMs: parseDuration(state_store.repetition_window),
  waitingLabels: feedback.waiting_labels,
  waitingLifeMs: parseDuration(feedback.waiting_time),
  archiveAfterBytes: prediction_log.segment_size * MEBIBYTE,
  expiresStates: state_store.expire === 'auto',
  eventTime: eventTime ?? eventTimeBounds({ event_time }),
  controlSample: control_sample && createControlSampler(controlSampleSettings(control_sample)),
})

const loadModels = async (
  { source, shadow, canary, canary_share }: ServedSources,
  load: LoadModel,
): Promise<ServingModels> => ({
  champion: await load(source),
  ...(shadow !== '' && { shadow: await load(shadow) }),
  ...(canary !== '' && { canary: { model: await load(canary), share: canary_share } }),
})

/** Gives states that were never used a history. @throws SERVING_LOG_NOT_EMPTY */
const fillNew = async (
  options: ServiceOptions,
  models: ServingModels,
  states: OpenStates,
  log: PredictionLog,
): Promise<StatesOutcome> => {
  const assertUnused = async (): Promise<void> => {
    if (states.kind === 'shared') return assertNeverUsed(states, log)
    if (log.lastSequence === 0) return
    const { path: folder } = options.settings.prediction_log
    throw new VigiaError('SERVING_LOG_NOT_EMPTY', { folder, records: log.lastSequence })
  }
  const { identity, instead } = await storeAtStart({ ...options, states })
  if (identity !== undefined) return { kind: 'kept', identity }
  await assertUnused()
  return fill(options, models, states, { instead, assertNeverUsed: assertUnused })
}

const fill = async (
  options: ServiceOptions,
  { champion }: ServingModels,
  states: OpenStates,
  found: Pick<StoreAtStart, 'instead'> & { readonly assertNeverUsed: () => Promise<void> },
): Promise<StatesOutcome> => {
  const run = await runFolderOf(champion.description.source, options.workingDirectory)
  const from = run === undefined ? undefined : join(run, 'states')
  if (from === undefined || (await stat(join(from, 'states.json')).catch(() => undefined)) === undefined)
    return { kind: 'empty' }
  const { world, work, onNotice } = options
  const first = await firstStates({ ...found, states, model: champion, from, world, work, onNotice })
  return first.kind === 'kept' ? first : { kind: 'loaded', from, ...first.loaded }
}

/**
 * What the server's own database may use. It writes the archive in parts, and reads one record of it, in some
 * 70 MB; a table is larger.
 */
const databaseOf = (folder: string, memoryLimit: string): DatabaseSettings => ({
  threads: 1,
  memoryLimit,
  tempDirectory: join(folder, '.spill'),
})
