import type { DatabaseSettings } from '../disk/database.ts'
import { VigiaError } from '../errors.ts'
import type { LogPosition, PredictionLog } from '../ports/prediction-log.ts'
import { createBoundedQueue, type QueueStatus } from './bounded-queue.ts'
import { type DecisionEntry, predictionOf, type ShadowEntry } from './decided.ts'
import type { Decisions } from './decisions.ts'
import type { InferenceObserver, LoggedPrediction } from './inference-pipeline.ts'
import type { ArchiveLookup } from './log/archive-lookup.ts'
import { decodeLogEntry, type LogEntry } from './log/log-record.ts'
import { findShadowAnswer } from './log/shadow-answers.ts'
import type { ModelDocuments } from './model-documents.ts'
import type { PredictionNames } from './prediction-names.ts'

export interface LoggedPredictionsParts {
  readonly decisions: Decisions
  readonly log: PredictionLog
  /** Folder of the dated Parquet files, and the database that reads them. */
  readonly archive: { readonly folder: string; readonly database: DatabaseSettings }
  readonly documents: ModelDocuments
  readonly names: PredictionNames
  /** Whether answers of shadows may stand beside the segments of the log. */
  readonly hasShadows: () => boolean
  /** Where the log begins: what was before was removed by `prediction_log.keep`. */
  readonly firstSequence: () => number
  readonly observer: Pick<InferenceObserver, 'warned'>
}

/**
 * Finds decisions that were made, by prediction id or transaction id, in the log or in the archive.
 *
 * It owns how many look back at the same time: a receipt says where a record is, which is read at once; what
 * must be searched for, in the log and then in the archive, is done one by one.
 */
export interface LoggedPredictions {
  /**
   * By its prediction id or transaction id. @throws SERVING_OVERLOADED when too many are searched for,
   * SERVING_PREDICTION_REMOVED for one that the log had
   */
  find(id: string): Promise<LoggedPrediction | undefined>
  /** The archive has other files than before. */
  archiveChanged(): void
  /** Of the searches. */
  status(): QueueStatus
  close(): Promise<void>
}

/**
 * Reads what a shadow says of a decision beside the log. A decision is answered without it where it cannot be
 * read, which is told once, until it can.
 */
const shadowReader = ({
  archive: { folder },
  observer,
}: Pick<LoggedPredictionsParts, 'archive' | 'observer'>) => {
  let isTold = false
  return async (
    sequence: number,
    decision: DecisionEntry,
  ): Promise<ShadowEntry | 'unreadable' | undefined> => {
    try {
      const shadow = await findShadowAnswer(folder, sequence, decision)
      isTold = false
      return shadow
    } catch (error) {
      if (!isTold) observer.warned('SERVING_SHADOW_UNREADABLE', { folder, reason: String(error) })
      isTold = true
      return 'unreadable'
    }
  }
}

/** What a logged decision says, with the label that its transaction has by now. */
const predictionReader = (parts: Omit<LoggedPredictionsParts, 'log' | 'firstSequence'>) => {
  const { documents, decisions, names, hasShadows } = parts
  const readShadow = shadowReader(parts)
  return async (
    sequence: number,
    decision: DecisionEntry,
    vector: Float64Array,
  ): Promise<LoggedPrediction> => {
    const { transaction, latencyMs } = decision
    const isBeside = decision.shadow === undefined && hasShadows()
    const read = isBeside ? await readShadow(sequence, decision) : decision.shadow
    const shadow = read === 'unreadable' ? undefined : read
    const { transactionId } = transaction
    const { computed, name, version } = await documents.modelOf(decision.model)
    const label = await decisions.findLabel(transactionId)
    return {
      ...predictionOf(decision, { name, version }, transactionId, names, sequence, false),
      transaction,
      latencyMs,
      features: new Map(computed.map((feature, f) => [feature, vector[f]!])),
      ...(shadow && {
        shadow: {
          model: await documents.nameOf(shadow.model),
          probability: shadow.probability,
          isFlagged: shadow.isFlagged,
        },
      }),
      ...(read === 'unreadable' && { isShadowUnreadable: true }),
      ...(label && {
        label: { isFraud: label.isFraud, receivedAtMs: label.receivedAtMs, origin: label.origin },
      }),
    }
  }
}

/**
 * Searches that may wait. At some tens of milliseconds each the last of them is answered within seconds; who
 * comes then is told to come again.
 */
const MOST_WAITING = 100

export const createLoggedPredictions = (parts: LoggedPredictionsParts): LoggedPredictions => {
  const { decisions, log, archive, documents, names, firstSequence } = parts
  const queue = createBoundedQueue(MOST_WAITING, 'searches for earlier decisions')
  let lookup: Promise<ArchiveLookup> | undefined

  // Loaded when it is used: most servers never look back so far.
  const openLookup = async (): Promise<ArchiveLookup> => {
    const { createArchiveLookup } = await import('./log/archive-lookup.ts')
    return createArchiveLookup({
      ...archive,
      modelOf: documents.modelOf,
      isInOrder: decisions.isLogInOrder,
    })
  }

  const findEntry = async (sequence: number): Promise<LogEntry | undefined> => {
    const entry = await decisions.findEntry(sequence)
    if (entry !== undefined) return entry
    lookup ??= openLookup()
    return (await lookup).find(sequence)
  }

  const toPrediction = predictionReader(parts)
  const find = async (id: string): Promise<LoggedPrediction | undefined> => {
    const named = names.sequenceOf(id)
    // What has a number the log alone knows.
    const found = decisions.findDecision(id)
    const decided = await (named === undefined ? found : found.catch(() => undefined))
    const sequence = decided?.sequence ?? named
    if (sequence === undefined) return undefined
    const position = decided?.receipt.position
    const placed = position && (await entryAt(log, position, sequence))
    const entry = placed ?? (await queue.run(() => findEntry(sequence)))
    if (entry === undefined && sequence < firstSequence())
      throw new VigiaError('SERVING_PREDICTION_REMOVED', { id, first: firstSequence() })
    return entry?.kind === 'decision' ? toPrediction(sequence, entry.decision, entry.vector) : undefined
  }
  return {
    find,
    archiveChanged: () => void lookup?.then((opened) => opened.changed()),
    status: () => queue.status(),
    close: async () => {
      await queue.idle()
      await (await lookup)?.close()
    },
  }
}

/**
 * The entry at the place that a receipt names; undefined when another one stands there, or none: a power
 * failure may take records from the log and leave their receipts.
 */
const entryAt = async (
  log: Pick<PredictionLog, 'readAt'>,
  position: LogPosition,
  sequence: number,
): Promise<LogEntry | undefined> => {
  try {
    const record = await log.readAt(position)
    const entry = record && decodeLogEntry(record.payload)
    return entry?.sequence === sequence ? entry : undefined
  } catch {
    // The search reads what is whole, and says what is not.
    return undefined
  }
}
