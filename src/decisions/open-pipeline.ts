import type { DatabaseSettings } from '../disk/database.ts'
import { VigiaError } from '../errors.ts'
import type { PredictionLog } from '../ports/prediction-log.ts'
import type { SharedStateStore, StateStore } from '../ports/state-store.ts'
import type { EntityKind } from '../transaction/entity-kind.ts'
import { createDecider, type Decider, type ServingModels } from './decider.ts'
import { predictionOf } from './decision-receipt.ts'
import type { Decisions, DecisionsOptions } from './decisions.ts'
import type {
  InferenceObserver,
  InferencePipeline,
  LoggedPrediction,
  SavedLogs,
  ServedModel,
  ServedModelName,
} from './inference-pipeline.ts'
import type { LoadedModel } from './loaded-model.ts'
import { startArchiveThread } from './log/archive-thread.ts'
import { decodeLogEntry, type LogEntry } from './log/log-record.ts'
import {
  documentName,
  type ModelDocument,
  ORIGIN_DOCUMENT,
  writeModelDocument,
} from './log/model-document.ts'
import { openOwnedDecisions } from './owned/owned-decisions.ts'
import { openSharedDecisions } from './shared/shared-decisions.ts'
import { readStoreIdentity, type StoreIdentity, writeStoreIdentity } from './states/store-identity.ts'

export interface PipelineOptions {
  readonly models: ServingModels
  /** `owned`: this process alone writes the states. `shared`: many do. */
  readonly states:
    | {
        readonly kind: 'owned'
        readonly store: StateStore
        readonly cacheBytes: number
        readonly saveAfterMs: number
        readonly receiptLifeMs: number
      }
    | { readonly kind: 'shared'; readonly store: SharedStateStore; readonly receiptLifeMs: number }
  /** For people: `lmdb`, `redis`. */
  readonly storeName: string
  readonly log: PredictionLog
  /** Folder of the dated Parquet files. */
  readonly archive: string
  /** Bytes from which on the log is archived by itself. */
  readonly archiveAfterBytes: number
  readonly database: DatabaseSettings
  readonly observer: InferenceObserver
  readonly now: () => number
  readonly monotonicMs: () => number
  /** A new name that nobody has: hexadecimal digits and `-`. */
  readonly newId: () => string
}

/** How often the size of the log is looked at, in milliseconds. */
const SIZE_MS = 5000

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
  const { states, log, now } = options
  const { store } = states
  let serving = options.models
  let logBytes = await log.size()
  const documents = new Map<string, ModelDocument>()

  const modelOf = async (key: string): Promise<ModelDocument> => {
    const known = documents.get(key)
    if (known !== undefined) return known
    const text = await log.readDocument(documentName(key))
    if (text === undefined)
      throw new VigiaError('SERVING_LOG_DAMAGED', {
        segment: documentName(key),
        offset: 0,
        reason: `nothing says what model ${key} was`,
      })
    const document = JSON.parse(text) as ModelDocument
    documents.set(key, document)
    return document
  }
  const nameOf = async (key: string): Promise<ServedModelName> => {
    const { name, version } = await modelOf(key)
    return { name, version }
  }

  const identity =
    (await readStoreIdentity(store)) ??
    (await writeStoreIdentity(store, {
      statesKey: serving.champion.statesKey,
      identity: serving.champion.identity,
      logName: options.newId().slice(0, 8),
      createdAtMs: now(),
      origin: undefined,
    }))

  const accept = async (models: ServingModels): Promise<void> => {
    for (const model of modelsOf(models)) {
      if (model.statesKey !== identity.statesKey)
        throw new VigiaError('SERVING_STATES_FOREIGN', {
          store: options.storeName,
          what:
            model.identity.layouts === identity.identity.layouts
              ? 'other cleaning'
              : 'other features, windows or bounds',
          model: `${model.description.name} ${model.description.version}`,
        })
      await writeModelDocument(log, model)
    }
  }

  await accept(serving)
  if (identity.origin !== undefined) await log.writeDocument(ORIGIN_DOCUMENT, JSON.stringify(identity.origin))
  let decider = createDecider(serving)
  warmUp(decider)
  const shared: DecisionsOptions = {
    decider,
    log,
    nameOf,
    observer: options.observer,
    logName: identity.logName,
    now,
    monotonicMs: options.monotonicMs,
  }
  const decisions: Decisions =
    states.kind === 'owned'
      ? await openOwnedDecisions({
          ...shared,
          store: states.store,
          cacheBytes: states.cacheBytes,
          saveAfterMs: states.saveAfterMs,
          receiptLifeMs: states.receiptLifeMs,
        })
      : await openSharedDecisions({ ...shared, store: states.store, receiptLifeMs: states.receiptLifeMs })
  const archiveOptions = { folder: options.archive, database: options.database, modelOf }

  /** The record of a sequence number, from log or archive. */
  const findEntry = async (sequence: number): Promise<LogEntry | undefined> => {
    // An owned log counts as its entries do; a shared one may have it anywhere.
    for await (const record of log.read(states.kind === 'owned' ? sequence - 1 : 0)) {
      const entry = decodeLogEntry(record.payload)
      if (entry?.sequence === sequence) return entry
      if (states.kind === 'owned') break
    }
    // Loaded when it is used: most servers never look back so far.
    const { createPredictionArchive } = await import('./log/prediction-archive.ts')
    return createPredictionArchive(archiveOptions).find(sequence)
  }

  const find = async (id: string): Promise<LoggedPrediction | undefined> => {
    const own = sequenceOf(id, identity.logName)
    const byTransaction = await decisions.findDecision(id)
    const sequence = byTransaction?.sequence ?? own
    if (sequence === undefined) return undefined
    const position = byTransaction?.receipt.position
    const record = position === undefined ? undefined : await log.readAt(position)
    const entry = record === undefined ? await findEntry(sequence) : decodeLogEntry(record.payload)
    if (entry?.kind !== 'decision') return undefined
    const { transaction, latencyMs, shadow, model, ...decided } = entry.decision
    const { computed } = await modelOf(model)
    const label = await decisions.findLabel(transaction.transactionId)
    return {
      ...predictionOf(
        transaction.transactionId,
        identity.logName,
        {
          ...decided,
          sequence,
          model: await nameOf(model),
          hash: 0,
          position: undefined,
          userId: '',
          merchantId: undefined,
          deviceId: undefined,
          eventTimeMs: 0,
        },
        sequence,
        false,
      ),
      transaction,
      latencyMs,
      features: new Map(computed.map((name, f) => [name, entry.vector[f]!])),
      ...(shadow && {
        shadow: {
          model: await nameOf(shadow.model),
          probability: shadow.probability,
          isFlagged: shadow.isFlagged,
        },
      }),
      ...(label && { label: { isFraud: label.isFraud, receivedAtMs: label.receivedAtMs } }),
    }
  }

  let saving: Promise<SavedLogs> = Promise.resolve({ folder: options.archive, files: [], records: 0 })
  /** One after the other: two would write the same segments. */
  const saveLogs = (): Promise<SavedLogs> => {
    saving = saving.catch(() => undefined).then(archiveLog)
    return saving
  }
  const archiveLog = async (): Promise<SavedLogs> => {
    await decisions.flush()
    const savedThrough = await decisions.savedThrough()
    const segments = await log.rotate()
    const files: string[] = []
    let records = 0
    if (segments.length > 0) {
      const thread = startArchiveThread(archiveOptions)
      try {
        for (const segment of segments) {
          const archived = await thread.write(segment, log.readSegment(segment))
          files.push(...archived.files)
          records += archived.records
          // What opening may still need to replay stays, and is archived again next time.
          if (archived.lastSequence <= savedThrough) await log.remove([segment])
        }
      } finally {
        await thread.close()
      }
    }
    logBytes = await log.size()
    return { folder: options.archive, files, records }
  }

  /** A log that is long enough becomes Parquet by itself. */
  const watchSize = async (): Promise<void> => {
    logBytes = await log.size()
    if (logBytes < options.archiveAfterBytes) return
    await saveLogs().catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error)
      options.observer.warned('SERVING_ARCHIVE_FAILED', { reason })
    })
  }
  let isWatching = false
  const sizeTimer = setInterval(() => {
    if (isWatching) return
    isWatching = true
    watchSize()
      .catch(() => undefined)
      .finally(() => {
        isWatching = false
      })
  }, SIZE_MS)
  sizeTimer.unref()

  const explain: InferencePipeline['explain'] = (prediction, reasons) => {
    const model = modelsOf(serving).find(
      ({ description }) =>
        description.name === prediction.model.name && description.version === prediction.model.version,
    )
    if (model === undefined) return []
    const vector = model.computed.map((name) => prediction.features.get(name) ?? Number.NaN)
    return decider.explain(model.key, vector, reasons)
  }

  /**
   * Who sends a transaction again because he got no answer gets the reasons too. In a shared log the record
   * would have to be searched.
   */
  const predict: InferencePipeline['predict'] = async (transaction, reasons) => {
    const prediction = await decisions.predict(transaction, reasons)
    if (!prediction.isRepeated || reasons === 0 || states.kind !== 'owned') return prediction
    const logged = await find(transaction.transactionId)
    return logged === undefined ? prediction : { ...prediction, reasons: explain(logged, reasons) }
  }

  return {
    identity,
    get serving() {
      return serving
    },
    get models() {
      return describeModels(serving)
    },
    predict,
    applyFeedback: decisions.applyFeedback,
    find,
    explain,
    saveLogs,
    useModels: async (models) => {
      await accept(models)
      const next = createDecider(models)
      warmUp(next)
      decider = next
      serving = models
      decisions.use(next)
    },
    status: () => {
      const { failure, waiting, lastSequence, ...cache } = decisions.status()
      return {
        isReady: failure === '',
        reason: failure,
        store: { kind: options.storeName, ...cache },
        log: { lastSequence, bytes: logBytes, waiting },
      }
    },
    close: async () => {
      clearInterval(sizeTimer)
      try {
        await decisions.close()
        await saving.catch(() => undefined)
      } finally {
        // Whatever could not be saved, others may have the folders.
        await store.close()
        await log.close()
      }
    },
  }
}

/**
 * Decisions of a warm-up: each way through features and scores was gone several times, and nobody waits long
 * for it.
 */
const WARM_UP_DECISIONS = 60

/**
 * Decides on invented transactions with states that are thrown away, so that the first requests are not
 * slower than the others.
 */
const warmUp = (decider: Decider): void => {
  const stateOf = (kind: EntityKind) => decider.engineer.keeperOf(kind)?.create()
  const states = { user: stateOf('user')!, merchant: stateOf('merchant'), device: stateOf('device') }
  for (let n = 0; n < WARM_UP_DECISIONS; n++)
    decider.decide(
      {
        transactionId: `warm-up ${n}`,
        userId: 'warm-up',
        merchantId: `m${n % 5}`,
        deviceId: `d${n % 3}`,
        merchantCategory: 'c',
        transactionType: 't',
        deviceType: 'd',
        location: `l${n % 7}`,
        latitude: n % 90,
        longitude: n % 180,
        eventTimeMs: 1e12 + n * 60_000,
        amountMinor: 100 + n,
      },
      states,
    )
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

const sequenceOf = (id: string, logName: string): number | undefined => {
  if (!id.startsWith(`${logName}-`)) return undefined
  const digits = id.slice(logName.length + 1)
  return /^[1-9]\d{0,14}$/.test(digits) ? Number(digits) : undefined
}
