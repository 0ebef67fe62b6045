import type { DatabaseSettings } from '../disk/database.ts'
import { VigiaError } from '../errors.ts'
import type { World } from '../foundation/world.ts'
import type { Reason } from '../model/explain/reasons.ts'
import type { PredictionLog } from '../ports/prediction-log.ts'
import { assertInBase } from '../transaction/base-amount.ts'
import { eventTimeProblem } from '../transaction/event-time.ts'
import { RequestProblemsError } from '../transaction/request-problem.ts'
import type { TransactionShape } from '../transaction/shape.ts'
import { Archiver } from './archiver.ts'
import { createDecider, type Decider, type ServingModels } from './decider.ts'
import type {
  DecisionSettings,
  Decisions,
  DecisionsOptions,
  DecisionsStatus,
  OpenStates,
} from './decisions.ts'
import type {
  InferenceObserver,
  InferencePipeline,
  InferenceStatus,
  LoggedPrediction,
  ServedMapping,
  ServedModel,
} from './inference-pipeline.ts'
import type { LoadedModel } from './loaded-model.ts'
import { assertNoGaps } from './log/log-gaps.ts'
import { writeLogName } from './log/log-name.ts'
import { ORIGIN_DOCUMENT, writeModelDocument } from './log/model-document.ts'
import type { LogKeeper } from './log-keeper.ts'
import { createLoggedPredictions, type LoggedPredictions } from './logged-predictions.ts'
import { createModelDocuments, type ModelDocuments } from './model-documents.ts'
import { readFrontier } from './owned/frontier.ts'
import { openOwnedDecisions } from './owned/owned-decisions.ts'
import { predictionNames } from './prediction-names.ts'
import { useRead } from './reading.ts'
import { mappingOf, shapeOf } from './served-shape.ts'
import { shareModel } from './shared/entry-models.ts'
import { joinHistory, nameHistory } from './shared/known-history.ts'
import { openSharedDecisions } from './shared/shared-decisions.ts'
import { readStoreIdentity, type StoreIdentity, writeStoreIdentity } from './states/store-identity.ts'
import type { ServedTables } from './tables/served-tables.ts'
import { warmUp } from './warm-up.ts'

export interface PipelineOptions {
  readonly models: ServingModels
  readonly states: OpenStates
  readonly log: PredictionLog
  /** Those that transactions are looked up in; the pipeline closes them. */
  readonly tables: ServedTables
  /** Folder of the dated Parquet files. */
  readonly archive: string
  /** What writes and reads the archive. */
  readonly database: DatabaseSettings
  readonly settings: DecisionSettings
  readonly observer: InferenceObserver
  /** Its names have hexadecimal digits and `-`. */
  readonly world: World
  /** Opens what ends old days of the log; left out: it keeps everything, and no snapshots are taken. */
  readonly openKeeping?: (decider: Decider, identity: StoreIdentity) => Promise<LogKeeper | undefined>
}

/** The pipeline, and what only its owner may do. */
export interface OpenPipeline extends InferencePipeline {
  readonly serving: ServingModels
  /**
   * From the next transaction on these models decide. @throws SERVING_STATES_FOREIGN when one cannot go on
   * from the states
   */
  useModels(models: ServingModels): Promise<void>
  readonly identity: StoreIdentity
}

/**
 * Opens states, log and archive for these models, and brings the states up to the log.
 *
 * @throws SERVING_STATES_FOREIGN when the states are those of models with other features or cleaning
 */
export const openInferencePipeline = async (options: PipelineOptions): Promise<OpenPipeline> => {
  const { states, log, models, settings, observer } = options
  const logBytes = await log.size()
  await assertNoGaps({
    log,
    folder: options.archive,
    database: options.database,
    states: states.kind === 'owned' ? await readFrontier(states.store) : undefined,
  })
  const identity = (await readStoreIdentity(states.store)) ?? (await identify(options))
  const shape = shapeOf(modelsOf(models))
  const tables = await options.tables.prepare(modelsOf(models))
  await accept(models, identity, options)
  if (states.kind === 'owned') await writeLogName(log, identity.logName)
  if (identity.origin !== undefined) await log.writeDocument(ORIGIN_DOCUMENT, JSON.stringify(identity.origin))
  const decider = createDecider(models)
  warmUp(decider)
  const documents = createModelDocuments(log)
  const decisions = await openDecisions(options, decider, identity, documents)
  const archive = { folder: options.archive, database: options.database }
  const keeping = await options.openKeeping?.(decider, identity)
  const firstSequence = () => keeping?.status().firstSequence ?? 1
  const names = predictionNames(identity)
  const logged = createLoggedPredictions({ decisions, log, archive, documents, names, firstSequence })
  const archiver = new Archiver({
    decisions,
    log,
    archive,
    documents,
    logBytes,
    archiveAfterBytes: settings.archiveAfterBytes,
    onArchived: logged.archiveChanged,
    keeping,
    observer,
  })
  archiver.start()
  const mapping = mappingOf(modelsOf(models))
  options.tables.use(tables)
  return createPipeline(options, identity, { decider, shape, mapping }, decisions, logged, archiver)
}

/** Gives a store that has never been used its name, and says whose states it will have. */
const identify = async ({ states, models, world }: PipelineOptions): Promise<StoreIdentity> => {
  const proposed = world.newId().slice(0, 8)
  const identity = await writeStoreIdentity(states.store, {
    statesKey: models.champion.statesKey,
    identity: models.champion.identity,
    logName: states.kind === 'owned' ? proposed : await nameHistory(states.store, proposed),
    createdAtMs: world.now(),
    origin: undefined,
  })
  // Before the first decision: a log with decisions beside a store without a name is nobody's.
  await states.store.flush()
  return identity
}

/** Makes sure that all models can go on from the states, and says beside the log what they are. */
const accept = async (
  models: ServingModels,
  identity: StoreIdentity,
  { states, log, settings: { eventTime }, observer }: PipelineOptions,
): Promise<void> => {
  for (const model of modelsOf(models)) {
    if (model.statesKey !== identity.statesKey) {
      const hasLayouts = model.identity.layouts === identity.identity.layouts
      throw new VigiaError('SERVING_STATES_FOREIGN', {
        store: states.name,
        what: hasLayouts
          ? 'other cleaning, or another labels.unlabelled'
          : 'other features, windows or bounds',
        model: `${model.description.name} ${model.description.version}`,
      })
    }
    await writeModelDocument(log, model)
    if (states.kind === 'shared') await shareModel(states.store, model)
    const { name, version } = model.description
    const { latenessMs } = model.settings.limits.user
    if (Number.isFinite(eventTime.maxFutureMs) && latenessMs < eventTime.maxFutureMs)
      observer.warned('SERVING_FUTURE_BLINDS', {
        model: `${name} ${version}`,
        max_future_ms: eventTime.maxFutureMs,
        allowed_lateness_ms: latenessMs,
      })
  }
}

const openDecisions = async (
  { states, log, observer, settings, world }: PipelineOptions,
  decider: Decider,
  identity: StoreIdentity,
  { nameOf }: ModelDocuments,
): Promise<Decisions> => {
  const names = predictionNames(identity)
  const options: DecisionsOptions = { decider, log, observer, names, settings, world }
  const { store } = states
  if (states.kind === 'owned') return openOwnedDecisions({ ...options, store, nameOf })
  await joinHistory(states, log, identity)
  return openSharedDecisions({ ...options, store: states.store, identity })
}

/** Refuses a transaction whose time is too far from the server's clock. */
const timeGuard =
  ({ world, settings, observer }: PipelineOptions): InferencePipeline['assertTimely'] =>
  ({ eventTimeMs }) => {
    const refused = eventTimeProblem(eventTimeMs, world.now(), settings.eventTime)
    if (refused === undefined) return
    observer.mistimed(refused.reason)
    throw new RequestProblemsError('REQUEST_TRANSACTION_INVALID', [refused.problem])
  }

const createPipeline = (
  options: PipelineOptions,
  identity: StoreIdentity,
  first: { readonly decider: Decider; readonly shape: TransactionShape; readonly mapping: ServedMapping },
  decisions: Decisions,
  logged: LoggedPredictions,
  archiver: Archiver,
): OpenPipeline => {
  const { states, tables } = options
  const { find } = logged
  let { decider, shape, mapping } = first

  const explain: InferencePipeline['explain'] = (prediction, reasons) =>
    reasonsOf(decider, prediction, reasons)
  const current = (): object => decider
  const assertTimely = timeGuard(options)

  return {
    identity,
    get serving() {
      return decider.models
    },
    get models() {
      return describeModels(decider.models)
    },
    get shape() {
      return shape
    },
    get mapping() {
      return mapping
    },
    assertTimely,
    predict: async (sent, reasons) => {
      const prediction = await useRead(sent, current, (transaction, isStale) => {
        assertTimely(transaction)
        return decisions.predict(assertInBase(tables.complete(transaction), shape.amounts), reasons, isStale)
      })
      // A retried request gets its reasons again, where that takes no search.
      if (!prediction.isRepeated || reasons === 0 || !decisions.isLogInOrder) return prediction
      const found = await find(prediction.transactionId)
      return found === undefined ? prediction : { ...prediction, reasons: explain(found, reasons) }
    },
    applyFeedback: (sent) =>
      useRead(sent, current, (feedback, isStale) =>
        decisions.applyFeedback(tables.completeFeedback(feedback), isStale),
      ),
    find,
    explain,
    saveLogs: () => archiver.saveLogs(),
    useModels: async (models) => {
      const nextShape = shapeOf(modelsOf(models))
      const nextTables = await tables.prepare(modelsOf(models))
      await accept(models, identity, options)
      const next = createDecider(models)
      warmUp(next)
      decider = next
      shape = nextShape
      mapping = mappingOf(modelsOf(models))
      decisions.use(next)
      tables.use(nextTables)
    },
    refreshTable: (name) => tables.refresh(name, true),
    status: () =>
      statusOf(states.name, decisions.status(), archiver, {
        tables: tables.status(),
        searches: logged.status(),
      }),
    close: () => closeAll(options, decisions, archiver, logged),
  }
}

/** Finishes what was accepted, saves all states; whatever could not be saved, others may have the folders. */
const closeAll = async (
  { tables, states, log }: PipelineOptions,
  decisions: Decisions,
  archiver: Archiver,
  logged: LoggedPredictions,
): Promise<void> => {
  archiver.stop()
  try {
    await logged.close()
    await tables.close()
    await decisions.close()
    await archiver.close()
  } finally {
    await states.store.close()
    await log.close()
  }
}

/** The reasons for a logged decision; none when its model is no longer in service. */
const reasonsOf = (decider: Decider, prediction: LoggedPrediction, reasons: number): readonly Reason[] => {
  const { name, version } = prediction.model
  const model = modelsOf(decider.models).find(
    ({ description }) => description.name === name && description.version === version,
  )
  if (model === undefined) return []
  const vector = model.computed.map((feature) => prediction.features.get(feature) ?? Number.NaN)
  return decider.explain(model.key, vector, reasons)
}

const statusOf = (
  kind: string,
  status: DecisionsStatus,
  archiver: Pick<Archiver, 'logBytes' | 'kept'>,
  beside: Pick<InferenceStatus, 'tables' | 'searches'>,
): InferenceStatus => {
  const {
    failure,
    waiting,
    waitingLabels,
    lastSequence,
    cachedStates,
    cachedBytes,
    unsavedStates,
    expiredStates = 0,
    isHistoryLost,
  } = status
  return {
    isReady: failure === '',
    reason: failure,
    store: { kind, cachedStates, cachedBytes, unsavedStates, expiredStates, isHistoryLost },
    log: { lastSequence, bytes: archiver.logBytes, waiting, waitingLabels, ...archiver.kept },
    ...beside,
  }
}

const modelsOf = ({ champion, canary, shadow }: ServingModels): LoadedModel[] => [
  champion,
  ...(canary === undefined ? [] : [canary.model]),
  ...(shadow === undefined ? [] : [shadow]),
]

const describeModels = ({ champion, canary, shadow }: ServingModels): readonly ServedModel[] => [
  { ...champion.description, role: 'champion' },
  ...(canary === undefined ? [] : [{ ...canary.model.description, role: 'canary' as const }]),
  ...(shadow === undefined ? [] : [{ ...shadow.description, role: 'shadow' as const }]),
]
