import { readSnapshot } from '../../artifacts/state-snapshot.ts'
import { readStates } from '../../artifacts/states-manifest.ts'
import type { FittedFeatures } from '../../features/fitted-features.ts'
import type { LogReader } from '../../ports/prediction-log.ts'
import { stateKindsOf } from '../../transaction/entity-kind.ts'
import type { StoreOrigin } from '../states/store-identity.ts'
import { createLogFeatures, type LogFeatures, type StartState } from './log-features.ts'
import type { LogEntry } from './log-record.ts'
import { type LoggedEntries, type LoggedEntriesOptions, logIncomplete } from './logged-entries.ts'
import { type ModelDocument, ORIGIN_DOCUMENT } from './model-document.ts'

/** What the replay of a log begins with. */
export interface StartOfLog extends LoggedEntriesOptions {
  /** Folder of the states that the log began with; default: what the log says, or none. */
  readonly states?: string
}

/**
 * The features of a log before its first record, to be computed again.
 *
 * @param first the log's first record
 * @throws SERVING_LOG_INCOMPLETE when the log does not start at its beginning, or its states are not there
 */
export const featuresOfLog = async (
  first: LogEntry,
  logged: LoggedEntries,
  options: StartOfLog,
): Promise<LogFeatures> => {
  if (first.sequence !== 1)
    throw logIncomplete(
      options.folders,
      `its first record is ${first.sequence}, so earlier files are missing`,
    )
  const key = first.kind === 'decision' ? first.decision.model : await anyModel(options, logged)
  const model = await logged.modelOf(key)
  return createLogFeatures(model, await startStates(model, options, logged))
}

/** The model of a log that begins with no decision. */
const anyModel = async ({ folders }: StartOfLog, { logs }: LoggedEntries): Promise<string> => {
  for (const log of logs)
    for (const name of await log.documentNames()) if (name.startsWith('model-')) return name.slice(6)
  throw logIncomplete(folders, 'no model is described in it')
}

/** The states before the first record. */
const startStates = async (
  { identity, fitted }: ModelDocument,
  { states, folders }: StartOfLog,
  { logs }: LoggedEntries,
): Promise<StartState> => {
  const folder = states ?? (await originOf(logs))?.folder
  if (folder === undefined) return () => undefined
  const manifest = await readStates(folder, identity)
  if (manifest === undefined)
    throw logIncomplete(folders, `the states that it began with are not in ${folder}`)
  const { entities = [] } = (fitted as { features: FittedFeatures }).features
  const stored = readSnapshot(folder, stateKindsOf(entities))
  return (kind, token) => stored.get(kind)?.get(token)
}

const originOf = async (logs: readonly LogReader[]): Promise<StoreOrigin | undefined> => {
  for (const log of logs) {
    const text = await log.readDocument(ORIGIN_DOCUMENT)
    if (text !== undefined) return JSON.parse(text) as StoreOrigin
  }
  return undefined
}
