import type { DatabaseSettings } from '../disk/database.ts'
import type { PredictionLog } from '../ports/prediction-log.ts'
import { type DecisionEntry, predictionOf } from './decided.ts'
import type { Decisions } from './decisions.ts'
import type { LoggedPrediction } from './inference-pipeline.ts'
import { decodeLogEntry, type LogEntry } from './log/log-record.ts'
import type { ModelDocuments } from './model-documents.ts'

export interface LoggedPredictionsParts {
  readonly decisions: Decisions
  readonly log: PredictionLog
  /** Folder of the dated Parquet files, and the database that reads them. */
  readonly archive: { readonly folder: string; readonly database: DatabaseSettings }
  readonly documents: ModelDocuments
  /** First part of prediction ids. */
  readonly logName: string
}

/**
 * Finds decisions that were made, by prediction id or transaction id, in the log or in the archive.
 *
 * It owns nothing: receipts say where a record is, the decisions look in the log, and what left the log is in
 * the archive.
 */
export const createLoggedPredictions = (parts: LoggedPredictionsParts) => {
  const { decisions, log, archive, documents, logName } = parts

  const findEntry = async (sequence: number): Promise<LogEntry | undefined> => {
    const entry = await decisions.findEntry(sequence)
    if (entry !== undefined) return entry
    // Loaded when it is used: most servers never look back so far.
    const { createPredictionArchive } = await import('./log/prediction-archive.ts')
    return createPredictionArchive({ ...archive, modelOf: documents.modelOf }).find(sequence)
  }

  const toPrediction = async (
    sequence: number,
    decision: DecisionEntry,
    vector: Float64Array,
  ): Promise<LoggedPrediction> => {
    const { transaction, latencyMs, shadow } = decision
    const { transactionId } = transaction
    const { computed, name, version } = await documents.modelOf(decision.model)
    const label = await decisions.findLabel(transactionId)
    return {
      ...predictionOf(decision, { name, version }, transactionId, logName, sequence, false),
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
      ...(label && { label: { isFraud: label.isFraud, receivedAtMs: label.receivedAtMs } }),
    }
  }

  /** By its prediction id or transaction id. */
  const find = async (id: string): Promise<LoggedPrediction | undefined> => {
    const decided = await decisions.findDecision(id)
    const sequence = decided?.sequence ?? sequenceOf(id, logName)
    if (sequence === undefined) return undefined
    const position = decided?.receipt.position
    const record = position && (await log.readAt(position))
    const entry = record === undefined ? await findEntry(sequence) : decodeLogEntry(record.payload)
    return entry?.kind === 'decision' ? toPrediction(sequence, entry.decision, entry.vector) : undefined
  }
  return { find }
}

/** The number in a prediction id of this log; undefined when it is none. */
const sequenceOf = (id: string, logName: string): number | undefined => {
  if (!id.startsWith(`${logName}-`)) return undefined
  const digits = id.slice(logName.length + 1)
  return /^[1-9]\d{0,14}$/.test(digits) ? Number(digits) : undefined
}
