import { readEntries, snapshotFile } from '../../artifacts/state-snapshot.ts'
import { readStates } from '../../artifacts/states-manifest.ts'
import { createLogFeatures, type LogFeatures, type StartState } from '../../decisions/log/log-features.ts'
import type { DecisionEntry } from '../../decisions/log/log-record.ts'
import {
  type LoggedEntries,
  type LoggedEntriesOptions,
  logIncomplete,
  withLoggedEntries,
} from '../../decisions/log/logged-entries.ts'
import { type ModelDocument, ORIGIN_DOCUMENT } from '../../decisions/log/model-document.ts'
import type { StoreOrigin } from '../../decisions/states/store-identity.ts'
import type { Work } from '../../disk/work.ts'
import type { FittedFeatures } from '../../features/fitted-features.ts'
import type { LogReader } from '../../ports/prediction-log.ts'
import { type EntityKind, stateKindsOf } from '../../transaction/entity-kind.ts'
import { createDifferingValues, type DifferingValues } from './differing-values.ts'
import type { ParityReport } from './parity-report.ts'

export interface ParityOfLogOptions extends LoggedEntriesOptions {
  /** Folder of the states that the log began with; default: what the log says, or none. */
  readonly states?: string
  readonly work: Work
}

/** What the replay of a log came to, by the model that decided. */
export interface ModelParity {
  readonly model: Pick<ModelDocument, 'key' | 'name' | 'version'>
  readonly report: ParityReport
}

/**
 * Computes the features of every decision in a log again, from the states that the log began with and in the
 * order logged, labels at their places, and compares them with those that were served, value by value.
 *
 * `missing` counts sequence numbers that no log has, `extra` transactions that were decided on twice and
 * numbers that were given twice: either means that states and log have parted.
 *
 * @throws SERVING_LOG_INCOMPLETE when the log does not start at its beginning, or its states are not there;
 * SERVING_LOG_DAMAGED
 */
export const parityOfLog = (options: ParityOfLogOptions): Promise<readonly ModelParity[]> =>
  withLoggedEntries(options, async (logged) => {
    const { folders } = options
    const { signal, reportProgress } = options.work
    let comparison: Comparison | undefined
    let last = 0
    for await (const entry of logged.entries) {
      signal.throwIfAborted()
      if (comparison === undefined) {
        if (entry.sequence !== 1)
          throw logIncomplete(folders, `its first record is ${entry.sequence}, so earlier files are missing`)
        const first = entry.kind === 'decision' ? entry.decision.model : await anyModel(options, logged)
        const model = await logged.modelOf(first)
        comparison = createComparison(createLogFeatures(model, await startStates(model, options, logged)))
      }
      comparison.count(entry.sequence - last)
      last = entry.sequence
      if (entry.kind === 'label') comparison.features.applyLabel(entry.label)
      else comparison.compare(await logged.modelOf(entry.decision.model), entry.decision, entry.vector)
      if (last % 1000 === 0) reportProgress({ activity: 'replaying the log', done: last, unit: 'records' })
    }
    if (comparison === undefined) throw logIncomplete(folders, 'it has no record')
    return comparison.report(folders)
  })

/** The model of a log that begins with a label. */
const anyModel = async ({ folders }: ParityOfLogOptions, { logs }: LoggedEntries): Promise<string> => {
  for (const log of logs)
    for (const name of await log.documentNames()) if (name.startsWith('model-')) return name.slice(6)
  throw logIncomplete(folders, 'no model is described in it')
}

/** Logged vectors beside computed ones, by the model that decided. */
interface Comparison {
  readonly features: LogFeatures
  /** Takes a record that is `step` after the one before: 1 is the next, 0 has its number. */
  count(step: number): void
  compare(model: ModelDocument, decision: DecisionEntry, served: Float64Array): void
  report(folders: readonly string[]): readonly ModelParity[]
}

const createComparison = (features: LogFeatures): Comparison => {
  const models = new Map<
    string,
    { readonly model: ModelDocument; differing: DifferingValues; rows: number }
  >()
  const seen = new Set<string>()
  let missing = 0
  let extra = 0
  return {
    features,
    count: (step) => {
      if (step === 0) extra++
      else missing += step - 1
    },
    compare: (model, { transaction }, served) => {
      const isKnown = seen.has(transaction.transactionId)
      seen.add(transaction.transactionId)
      // A second decision has nothing to be compared with: the first one is part of every state by now.
      const vector = isKnown ? undefined : features.createAllFeatures(model, transaction)
      if (vector === undefined) {
        extra++
        return
      }
      const compared = models.get(model.key) ?? {
        model,
        differing: createDifferingValues(model.computed),
        rows: 0,
      }
      models.set(model.key, compared)
      compared.rows++
      compared.differing.compare(served, (f) => vector[f]!)
    },
    report: (folders) =>
      [...models.values()].map(({ model: { key, name, version, identity, computed }, rows, differing }) => ({
        model: { key, name, version },
        report: {
          schema: 1,
          source: `${rows} decisions of ${name} ${version} in ${folders.join(', ')}`,
          identity,
          rows,
          values: rows * computed.length,
          differing: differing.report(),
          missing,
          extra,
        },
      })),
  }
}

/** The states before the first record. */
const startStates = async (
  { identity, fitted }: ModelDocument,
  { states, folders }: ParityOfLogOptions,
  { logs }: LoggedEntries,
): Promise<StartState> => {
  const folder = states ?? (await originOf(logs))?.folder
  if (folder === undefined) return () => undefined
  const manifest = await readStates(folder, identity)
  if (manifest === undefined)
    throw logIncomplete(folders, `the states that it began with are not in ${folder}`)
  const stored = new Map<EntityKind, ReadonlyMap<number, Uint8Array>>()
  for (const kind of stateKindsOf((fitted as { features: FittedFeatures }).features.entities ?? [])) {
    const entries = [...readEntries(snapshotFile(folder, kind))]
    stored.set(kind, new Map(entries.map(({ token, bytes }) => [token, bytes])))
  }
  return (kind, token) => stored.get(kind)?.get(token)
}

const originOf = async (logs: readonly LogReader[]): Promise<StoreOrigin | undefined> => {
  for (const log of logs) {
    const text = await log.readDocument(ORIGIN_DOCUMENT)
    if (text !== undefined) return JSON.parse(text) as StoreOrigin
  }
  return undefined
}
