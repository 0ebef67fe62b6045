import { VigiaError } from '../../errors.ts'
import { HISTORY_LOST, lossText } from '../../ports/history-loss.ts'
import type { LogReader, PredictionLog } from '../../ports/prediction-log.ts'
import type { SharedStateStore } from '../../ports/state-store.ts'
import { sequenceOfPayload } from '../log/log-record.ts'
import type { StoreIdentity } from '../states/store-identity.ts'

/** Name of the document that says whose decisions a log has, and how far they are known to go. */
export const HISTORY_DOCUMENT = 'history'

/** What a log says of the shared store that its records came from. */
export interface LoggedHistory {
  /** Of the store, as it was when the log was opened. */
  readonly identity: StoreIdentity
  /** Highest sequence number that is known to have been given, inclusive: records of other logs count too. */
  readonly lastSequence: number
  /** Last record of this log, inclusive, whose number is not higher than that. */
  readonly lastRecord: number
}

/** Undefined for a log that was written before logs said so, or by a server with states of its own. */
export const readLoggedHistory = async (
  log: Pick<LogReader, 'readDocument'>,
): Promise<LoggedHistory | undefined> => {
  const text = await log.readDocument(HISTORY_DOCUMENT)
  return text === undefined ? undefined : (JSON.parse(text) as LoggedHistory)
}

export const writeLoggedHistory = (log: PredictionLog, history: LoggedHistory): Promise<void> =>
  log.writeDocument(HISTORY_DOCUMENT, JSON.stringify(history))

/** Highest sequence number that a log knows of, inclusive; 0: none. Its document counts archived records. */
export const lastSequenceOf = async (
  log: Pick<LogReader, 'read'>,
  known: LoggedHistory | undefined,
): Promise<number> => {
  let last = known?.lastSequence ?? 0
  for await (const { payload } of log.read(known?.lastRecord ?? 0))
    last = Math.max(last, sequenceOfPayload(payload))
  return last
}

/** An open shared store; `name` is for people. */
export interface NamedHistoryStore {
  readonly name: string
  readonly store: Pick<SharedStateStore, 'readHistory' | 'beginHistory' | 'expectHistory'>
}

/**
 * Lets nobody begin anew on a store that was emptied: neither where a process has said so, nor where this
 * process's own log has decisions, nor where it took part in any: those of the last moments may be in logs of
 * others alone. Its document names them, and then the store is marked for all others.
 *
 * @throws SERVING_HISTORY_LOST
 */
export const assertNeverUsed = async (
  { store, name: storeName }: NamedHistoryStore,
  log: PredictionLog,
): Promise<void> => {
  const { loss } = await store.readHistory()
  if (loss !== '') throw new VigiaError(HISTORY_LOST, { store: storeName, reason: loss })
  const known = await readLoggedHistory(log)
  const lastSequence = await lastSequenceOf(log, known)
  if (known === undefined && lastSequence === 0) return
  if (known !== undefined) await store.expectHistory({ name: known.identity.logName, lastSequence })
  const was =
    known !== undefined && lastSequence === 0
      ? `this server was on it before, when its decisions were ${known.identity.logName}-…: it has none of them, other servers may`
      : `this server's log has decisions up to number ${lastSequence}`
  const advice =
    known === undefined ? " (are they another store's? then name an empty folder by prediction_log.path)" : ''
  throw new VigiaError(HISTORY_LOST, { store: storeName, reason: `it is empty, and ${was}${advice}` })
}

/**
 * Refuses a store that was found in use and is empty now. It is marked for all others: of one whose log has
 * no decisions nothing would say that the store had any.
 *
 * @throws SERVING_HISTORY_LOST
 */
export const refuseEmptied = async (
  { store, name: storeName }: NamedHistoryStore,
  { logName: name }: Pick<StoreIdentity, 'logName'>,
): Promise<never> => {
  await store.expectHistory({ name, lastSequence: 0 })
  throw new VigiaError(HISTORY_LOST, { store: storeName, reason: 'it was emptied while this server started' })
}

/**
 * Names the history of a store that nobody has decided on. Of processes that start at once the first one's
 * name counts, so that all of them take part in one history.
 *
 * @returns the name that it has
 */
export const nameHistory = async (
  store: Pick<SharedStateStore, 'readHistory' | 'beginHistory'>,
  proposed: string,
): Promise<string> => {
  await store.beginHistory({ name: proposed, lastSequence: 0 }, false)
  // None where a loss was marked meanwhile: whoever joins it is told.
  return (await store.readHistory()).name ?? proposed
}

/**
 * Takes part in the history of a store that is in use: expects its name, and the highest number that this
 * process's log knows of. A store from before histories had names is given its own.
 *
 * @throws SERVING_HISTORY_LOST when the store is behind the log, or was marked; SERVING_LOG_FOREIGN
 */
export const joinHistory = async (
  { store, name: storeName }: NamedHistoryStore,
  log: PredictionLog,
  identity: StoreIdentity,
): Promise<void> => {
  const { logName: name } = identity
  const known = await readLoggedHistory(log)
  const lastSequence = await lastSequenceOf(log, known)
  if (known !== undefined && known.identity.logName !== name && lastSequence > 0)
    throw new VigiaError('SERVING_LOG_FOREIGN', {
      store: storeName,
      name,
      other: known.identity.logName,
      lastSequence,
    })
  const history = await store.readHistory()
  if (history.loss !== '') throw new VigiaError(HISTORY_LOST, { store: storeName, reason: history.loss })
  // Without a document the log may be another store's: no reason to stop all other processes.
  if (known === undefined && history.lastSequence < lastSequence)
    throw new VigiaError(HISTORY_LOST, {
      store: storeName,
      reason: lossText(name, history.lastSequence, { name, lastSequence }),
    })
  if (history.name === undefined) await store.beginHistory({ name, lastSequence: 0 }, false)
  await store.expectHistory({ name, lastSequence })
}
