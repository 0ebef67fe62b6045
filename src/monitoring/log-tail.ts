import type { DecisionEntry } from '../decisions/decided.ts'
import { firstMissed, readLostNumbers } from '../decisions/log/log-gaps.ts'
import { decodeLogEntry } from '../decisions/log/log-record.ts'
import { createModelDocuments } from '../decisions/model-documents.ts'
import type { LogReader, LogRecord } from '../ports/prediction-log.ts'
import type { DecidingModel } from './fitted-anew.ts'
import type { KeptDays } from './kept-days.ts'
import { markOf } from './kept-days-file.ts'

/** A decision as a log has it. */
export interface LoggedDecision {
  /** Among all on the same states. */
  readonly sequence: number
  readonly decision: DecisionEntry
  readonly vector: Float64Array
  /** The model that decided. */
  readonly by: DecidingModel
}

/** Told of one decision after the other; false: it has seen enough. */
export type OnDecision = (decision: LoggedDecision) => boolean

export interface LogTailOptions {
  readonly log: Pick<LogReader, 'read' | 'readDocument'>
  /** What comes after this record. */
  readonly after: number
  /** And up to this one, inclusive; left out: to the end. */
  readonly upTo?: number
  /** Whether records have numbers of the log alone, and others among all on the same states. */
  readonly isShared: boolean
  /** Left out: nobody ends it early. */
  readonly signal?: AbortSignal
}

/** How far a tail was read. */
export type TailEnd = Pick<KeptDays, 'through' | 'mark'>

/**
 * Calls `onDecision` for each decision of a log after one of its records, from its segments alone: nothing
 * before that record is decoded.
 *
 * @returns its end; undefined where the segments have not all of it, because some are archived, or are being
 * archived: then what was told counts for nothing
 * @throws SERVING_LOG_DAMAGED, INTERRUPTED
 */
export const eachOfTail = async (
  { log, after, upTo = Number.POSITIVE_INFINITY, isShared, signal }: LogTailOptions,
  onDecision: OnDecision,
): Promise<TailEnd | undefined> => {
  const { modelOf } = createModelDocuments(log)
  const lost = await readLostNumbers(log)
  let last: LogRecord | undefined
  for await (const record of log.read(after)) {
    signal?.throwIfAborted()
    if (record.sequence > upTo) break
    if (firstMissed(lost, last?.sequence ?? after, record.sequence) !== undefined) return undefined
    last = record
    const entry = decodeLogEntry(record.payload)
    if (entry === undefined || (!isShared && entry.sequence !== record.sequence)) return undefined
    if (entry.kind !== 'decision') continue
    const { sequence, decision, vector } = entry
    if (!onDecision({ sequence, decision, vector, by: await modelOf(decision.model) }))
      return endOf(last, after)
  }
  const isShort = Number.isFinite(upTo) && firstMissed(lost, last?.sequence ?? after, upTo + 1) !== undefined
  return isShort ? undefined : endOf(last, after)
}

const endOf = (last: LogRecord | undefined, after: number): TailEnd =>
  last === undefined
    ? { through: after, mark: undefined }
    : { through: last.sequence, mark: markOf(last.sequence, last.payload) }
