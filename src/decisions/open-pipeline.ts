import type { DatabaseSettings } from '../disk/database.ts'
import { VigiaError } from '../errors.ts'
import type { World } from '../foundation/world.ts'
import type { Reason } from '../model/explain/reasons.ts'
import type { PredictionLog } from '../ports/prediction-log.ts'
import type { OwnedStateStore } from '../ports/state-store.ts'
import { assertInBase } from '../transaction/base-amount.ts'
import type { TransactionShape } from '../transaction/shape.ts'
import { Archiver } from './archiver.ts'
import type { BranchedDecisions } from './branched-decisions.ts'
import { createDecider, type Decider, modelsOf, type ServingModels } from './decider.ts'
import type { DecisionWatch } from './decision-watch.ts'
import type { DecisionSettings, Decisions, DecisionsOptions, OpenStates } from './decisions.ts'
import { foreignShadow, unscoredShadow } from './foreign-shadow.ts'
import type {
  InferenceObserver,
  InferencePipeline,
  LoggedPrediction,
  ServedMapping,
} from './inference-pipeline.ts'
import { modelName } from './loaded-model.ts'
import { assertNoGaps } from './log/log-gaps.ts'
import { writeLogName } from './log/log-name.ts'
import { ORIGIN_DOCUMENT, writeModelDocument } from './log/model-document.ts'
import type { LogKeeper } from './log-keeper.ts'
import { createLoggedPredictions, type LoggedPredictions } from './logged-predictions.ts'
import { createModelDocuments, type ModelDocuments } from './model-documents.ts'
import { readFrontier } from './owned/frontier.ts'
import { openOwnedDecisions } from './owned/owned-decisions.ts'
import type { OwnedDecisionsOptions } from './owned/owned-states.ts'
import { describeModels, statusOf } from './pipeline-status.ts'
import { predictionNames } from './prediction-names.ts'
import { useRead } from './reading.ts'
import { mappingOf, shapeOf } from './served-shape.ts'
import { shareModel } from './shared/entry-models.ts'
import { joinHistory, nameHistory, refuseEmptied } from './shared/known-history.ts'
import { openSharedDecisions } from './shared/shared-decisions.ts'
import { type LayoutOfStates, layoutOfStates } from './states/layout-of-states.ts'
import {
  goesOnFrom,
  readStoreIdentity,
  type StoreIdentity,
  writeStoreIdentity,
} from './states/store-identity.ts'
import type { ServedTables } from './tables/served-tables.ts'
import { timeGuard } from './time-guard.ts'
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
  /** What the store was when somebody looked at it before: it is not begun anew. */
  readonly seen?: StoreIdentity | undefined
  /** Opens what ends old days of the log; left out: it keeps everything, and no snapshots are taken. */
  readonly openKeeping?: (current: () => DecidingStates) => Promise<LogKeeper | undefined>
  /** Keeps account of what is decided; the pipeline closes it. Left out: nobody does. */
  readonly watch?: DecisionWatch | undefined
  /** Opens decisions on owned states, of several layouts where there are; left out: those of one. */
  readonly openBranches?: (
    options: OwnedDecisionsOptions,
    identity: StoreIdentity,
  ) => Promise<BranchedDecisions>
}

/** What decides at the moment, and the states that it decides with. */
export interface DecidingStates {
  readonly decider: Decider
  readonly identity: StoreIdentity
  readonly layout: LayoutOfStates
  /** Undefined where many share it. */
  readonly store: OwnedStateStore | undefined
  /** Undefined where states of one layout decide, and no others follow. */
  readonly branched: BranchedDecisions | undefined
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
  const found = (await readStoreIdentity(states.store)) ?? (await identify(options))
  const shape = shapeOf(modelsOf(models))
  const tables = await options.tables.prepare(modelsOf(models))
  await accept(models, found, options)
  const identity = await nameLayout(options, found)
  if (states.kind === 'owned') await writeLogName(log, identity.logName)
  if (identity.origin !== undefined) await log.writeDocument(ORIGIN_DOCUMENT, JSON.stringify(identity.origin))
  const decider = createDecider(models)
  warmUp(decider)
  const documents = createModelDocuments(log)
  await options.watch?.open(models.champion, documents.modelOf)
  const decisions = await openDecisions(options, decider, identity, documents)
  try {
    const archive = { folder: options.archive, database: options.database }
    const branched = branchedOf(decisions)
    const unscored = unscoredShadow(models, states.name, branched)
    if (unscored !== undefined) observer.warned(unscored.code, unscored.details)
    const deciding: Deciding = { decider, identity, decisions }
    const keeping = await options.openKeeping?.(() => ({
      decider: deciding.decider,
      identity: deciding.identity,
      layout: layoutOfStates(deciding.identity, documents.modelOf),
      branched,
      store: branched?.store ?? (states.kind === 'owned' ? states.store : undefined),
    }))
    const firstSequence = () => keeping?.status().firstSequence ?? 1
    const names = predictionNames(identity)
    const hasShadows = () => branched?.hasBranched === true
    const parts = { decisions, log, archive, documents, names, hasShadows, firstSequence, observer }
    const logged = createLoggedPredictions(parts)
    const archiver = new Archiver({
      decisions,
      log,
      archive,
      documents,
      logBytes,
      archiveAfterBytes: settings.archiveAfterBytes,
      onArchived: logged.archiveChanged,
      keeping,
      watch: options.watch,
      observer,
    })
    const mapping = mappingOf(modelsOf(models))
    options.tables.use(tables)
    archiver.start()
    options.watch?.start()
    return createPipeline(options, deciding, { shape, mapping }, logged, archiver)
  } catch (error) {
    // A start that ends here leaves nobody behind who moves or saves anything.
    await decisions.close().catch(() => undefined)
    throw error
  }
}

/** What changes when other models decide. */
interface Deciding {
  decider: Decider
  identity: StoreIdentity
  readonly decisions: Decisions | BranchedDecisions
}

/** Says in a store of before which models can go on from it, and which of them was first. */
const nameLayout = async (
  { states, models: { champion } }: PipelineOptions,
  identity: StoreIdentity,
): Promise<StoreIdentity> => {
  if (identity.layoutKey !== undefined) return identity
  const { layoutKey, key: founder } = champion
  return writeStoreIdentity(states.store, { ...identity, layoutKey, founder })
}

/**
 * Gives a store that has never been used its name, and says whose states it will have.
 *
 * @throws SERVING_HISTORY_LOST when it was in use, and was emptied since
 */
const identify = async ({ states, models, world, seen }: PipelineOptions): Promise<StoreIdentity> => {
  if (states.kind === 'shared' && seen !== undefined) await refuseEmptied(states, seen)
  const proposed = world.newId().slice(0, 8)
  const identity = await writeStoreIdentity(states.store, {
    statesKey: models.champion.statesKey,
    layoutKey: models.champion.layoutKey,
    founder: models.champion.key,
    identity: models.champion.identity,
    logName: states.kind === 'owned' ? proposed : await nameHistory(states.store, proposed),
    createdAtMs: world.now(),
    origin: undefined,
  })
  // Before the first decision: a log with decisions beside a store without a name is nobody's.
  await states.store.flush()
  return identity
}

/**
 * Makes sure that all models can go on from the states, and says beside the log what they are.
 *
 * @param before the models until now, and other states; undefined: it is the start
 */
const accept = async (
  models: ServingModels,
  identity: StoreIdentity,
  { states, log, settings: { eventTime }, observer }: PipelineOptions,
  before?: { readonly models: ServingModels; readonly branched: BranchedDecisions | undefined },
): Promise<void> => {
  const foreign = foreignShadow(models)
  for (const model of modelsOf(models)) {
    if (model === foreign) {
      // Whatever became of its states: one that stays hinders no start, and nobody who changes other models.
      const isSet = before !== undefined && model.key !== before.models.shadow?.key
      const unscored = isSet ? unscoredShadow(models, states.name, before.branched) : undefined
      if (unscored !== undefined) throw unscored
    } else if (!goesOnFrom(identity, model)) {
      const hasLayouts = model.identity.layouts === identity.identity.layouts
      throw new VigiaError('SERVING_STATES_FOREIGN', {
        store: states.name,
        what: hasLayouts
          ? 'other rules of cleaning, or another labels.unlabelled'
          : 'other features, windows or bounds',
        model: modelName(model),
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
  { states, log, observer, settings, world, watch, openBranches }: PipelineOptions,
  decider: Decider,
  identity: StoreIdentity,
  { nameOf, modelOf }: ModelDocuments,
): Promise<Decisions | BranchedDecisions> => {
  const names = predictionNames(identity)
  const options: DecisionsOptions = { decider, log, observer, names, settings, world, watch }
  const { store } = states
  if (states.kind === 'owned') {
    const owned = { ...options, store, nameOf, layout: layoutOfStates(identity, modelOf) }
    return openBranches === undefined ? openOwnedDecisions(owned) : openBranches(owned, identity)
  }
  await joinHistory(states, log, identity)
  return openSharedDecisions({ ...options, store: states.store, identity })
}

const createPipeline = (
  options: PipelineOptions,
  deciding: Deciding,
  first: { readonly shape: TransactionShape; readonly mapping: ServedMapping },
  logged: LoggedPredictions,
  archiver: Archiver,
): OpenPipeline => {
  const { states, tables } = options
  const { find } = logged
  const { decisions } = deciding
  let { shape, mapping } = first

  const explain: InferencePipeline['explain'] = (prediction, reasons) =>
    reasonsOf(deciding.decider, prediction, reasons)
  const current = (): object => deciding.decider
  const assertTimely = timeGuard(options)

  return {
    get identity() {
      return deciding.identity
    },
    get serving() {
      return deciding.decider.models
    },
    get models() {
      const { models } = deciding.decider
      return describeModels(models, unscoredShadow(models, states.name, branchedOf(decisions)))
    },
    get scorer() {
      return deciding.decider.models.champion.scorer
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
    useModels: (models) =>
      useModels(models, options, deciding, (next) => {
        shape = next
        mapping = mappingOf(modelsOf(models))
      }),
    refreshTable: (name) => tables.refresh(name, true),
    status: () =>
      statusOf(states.name, decisions.status(), archiver, {
        tables: tables.status(),
        searches: logged.status(),
      }),
    close: () => closeAll(options, decisions, archiver, logged),
  }
}

/** Lets other models decide, all at once: those that read a transaction, and the states that it moves. */
const useModels = async (
  models: ServingModels,
  options: PipelineOptions,
  deciding: Deciding,
  onUsed: (shape: TransactionShape) => void,
): Promise<void> => {
  const { tables } = options
  const { decisions } = deciding
  const shape = shapeOf(modelsOf(models))
  const nextTables = await tables.prepare(modelsOf(models))
  const branched = branchedOf(decisions)
  const identity = branched?.identityOf(models.champion) ?? deciding.identity
  await accept(models, identity, options, { models: deciding.decider.models, branched })
  const next = createDecider(models)
  warmUp(next)
  const watchNext = options.watch?.prepare(models.champion)
  const use = (): void => {
    watchNext?.()
    deciding.decider = next
    deciding.identity = identity
    onUsed(shape)
    tables.use(nextTables)
  }
  if (branched !== undefined) return branched.moveTo(next, use)
  decisions.use(next)
  use()
}

/** Undefined where states of one layout decide, and there is no room for others. */
const branchedOf = (decisions: Decisions | BranchedDecisions): BranchedDecisions | undefined =>
  'moveTo' in decisions ? decisions : undefined

/** Finishes what was accepted, saves all states; whatever could not be saved, others may have the folders. */
const closeAll = async (
  { tables, states, log, watch }: PipelineOptions,
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
    await watch?.close()
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
