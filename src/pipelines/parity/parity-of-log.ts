import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { readEntries, snapshotFile } from '../../artifacts/state-snapshot.ts'
import { readStates } from '../../artifacts/states-manifest.ts'
import type { FeaturesSettings } from '../../config/sections/features.ts'
import type { LabelsSettings } from '../../config/sections/labels.ts'
import { cleanTransaction, type FittedCleaning } from '../../dataset/cleaning.ts'
import { documentName, type ModelDocument, ORIGIN_DOCUMENT } from '../../decisions/log/model-document.ts'
import { createPredictionArchive, readArchive } from '../../decisions/log/prediction-archive.ts'
import type { StoreOrigin } from '../../decisions/states/store-identity.ts'
import { withDatabase } from '../../disk/database.ts'
import type { Work } from '../../disk/work.ts'
import { VigiaError } from '../../errors.ts'
import { type EntityStates, FeatureEngineer } from '../../features/feature-engineer.ts'
import { readFeatureSettings } from '../../features/feature-settings.ts'
import type { FittedFeatures } from '../../features/fitted-features.ts'
import { decodeState } from '../../features/state/encoding.ts'
import { type EntityState, separateBlocks } from '../../features/state/entity-state.ts'
import { readTransaction } from '../../features/transaction-event.ts'
import type { LogReader } from '../../ports/prediction-log.ts'
import { ENTITY_KINDS, type EntityKind } from '../../transaction/entity-kind.ts'
import { tokenOf } from '../../transaction/token.ts'
import { createDifferingValues, type DifferingValues } from './differing-values.ts'
import type { ParityReport } from './parity-report.ts'

export interface ParityOfLogOptions {
  /** Folders of logs: one per process that shared the states. */
  readonly folders: readonly string[]
  readonly openLog: (folder: string) => LogReader
  /** Folder of the states that the log began with; default: what the log says, or none. */
  readonly states?: string
  /** An existing folder for what is written on the way. */
  readonly workFolder: string
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
export const parityOfLog = async (options: ParityOfLogOptions): Promise<readonly ModelParity[]> => {
  const { folders, openLog } = options
  const { database, signal, reportProgress } = options.work
  const logs = folders.map(openLog)
  const refuse = (reason: string) =>
    new VigiaError('SERVING_LOG_INCOMPLETE', { folder: folders.join(', '), reason })
  const documents = new Map<string, ModelDocument>()
  const modelOf = async (key: string): Promise<ModelDocument> => {
    const known = documents.get(key)
    if (known !== undefined) return known
    for (const log of logs) {
      const text = await log.readDocument(documentName(key))
      if (text === undefined) continue
      const document = JSON.parse(text) as ModelDocument
      documents.set(key, document)
      return document
    }
    throw refuse(`nothing in it says what model ${key} was`)
  }
  const archiveFolder = await mkdtemp(join(options.workFolder, '.parity-'))
  try {
    // What is not in Parquet yet becomes so here, so that one sorted query reads everything.
    for (let i = 0; i < logs.length; i++)
      await createPredictionArchive({ folder: join(archiveFolder, String(i)), database, modelOf }).write(
        '000000000001',
        logs[i]!.read(0),
      )
    const archives = [...folders, ...logs.map((_, i) => join(archiveFolder, String(i)))]
    return await withDatabase(database, async (connection) => {
      let replayed: LogReplay | undefined
      let last = 0
      for await (const entry of readArchive(connection, archives, modelOf)) {
        signal.throwIfAborted()
        if (replayed === undefined) {
          if (entry.sequence !== 1)
            throw refuse(`its first record is ${entry.sequence}, so earlier files are missing`)
          replayed = await startReplay(
            entry.kind === 'decision' ? entry.decision.model : await anyModel(),
            modelOf,
            options,
            logs,
          )
        }
        if (entry.sequence === last) replayed.extra++
        else replayed.missing += entry.sequence - last - 1
        last = entry.sequence
        if (entry.kind === 'label') {
          const { transactionId, eventTimeMs, isFraud } = entry.label
          replayed.label(entry.label, { transactionToken: tokenOf(transactionId), eventTimeMs, isFraud })
        } else await replayed.decide(entry.decision.model, entry.decision.transaction, entry.vector)
        if (last % 1000 === 0) reportProgress({ activity: 'replaying the log', done: last, unit: 'records' })
      }
      if (replayed === undefined) throw refuse('it has no record')
      return replayed.report(folders)
    })
  } finally {
    await rm(archiveFolder, { recursive: true, force: true })
  }

  /** The model of a log that begins with a label. */
  async function anyModel(): Promise<string> {
    for (const log of logs)
      for (const name of await log.documentNames()) if (name.startsWith('model-')) return name.slice(6)
    throw refuse('no model is described in it')
  }
}

interface LogReplay {
  missing: number
  extra: number
  label(
    of: { readonly userId: string; readonly merchantId?: string; readonly deviceId?: string },
    label: { readonly transactionToken: number; readonly eventTimeMs: number; readonly isFraud: boolean },
  ): void
  decide(
    model: string,
    transaction: Parameters<typeof cleanTransaction>[0],
    served: Float64Array,
  ): Promise<void>
  report(folders: readonly string[]): readonly ModelParity[]
}

const startReplay = async (
  first: string,
  modelOf: (key: string) => Promise<ModelDocument>,
  options: ParityOfLogOptions,
  logs: readonly LogReader[],
): Promise<LogReplay> => {
  const document = await modelOf(first)
  const leading = engineOf(document)
  const states = await startStates(leading.engineer, document, options, logs)
  const engines = new Map([[first, leading]])
  const seen = new Set<string>()
  const statesOf = (of: {
    readonly userId: string
    readonly merchantId?: string | undefined
    readonly deviceId?: string | undefined
  }): EntityStates => ({
    user: states('user', of.userId)!,
    merchant: states('merchant', of.merchantId),
    device: states('device', of.deviceId),
  })
  const replay: LogReplay = {
    missing: 0,
    extra: 0,
    label: (of, label) => {
      leading.engineer.applyLabel(statesOf(of), label)
    },
    decide: async (key, transaction, served) => {
      const engine = engines.get(key) ?? engineOf(await modelOf(key))
      engines.set(key, engine)
      const isKnown = seen.has(transaction.transactionId)
      seen.add(transaction.transactionId)
      const { engineer, cleaning, vector, differing } = engine
      readTransaction(engineer.event, cleanTransaction(transaction, cleaning))
      // A second decision has nothing to be compared with: the first one is part of every state by now.
      if (isKnown || engineer.createAllFeatures(statesOf(transaction), vector) === 'repeated') {
        replay.extra++
        return
      }
      engine.rows++
      differing.compare(served, (f) => vector[f]!)
    },
    report: (folders) =>
      [...engines.values()]
        .filter(({ rows }) => rows > 0)
        .map(({ document: { key, name, version, identity }, rows, differing, engineer }) => ({
          model: { key, name, version },
          report: {
            schema: 1,
            source: `${rows} decisions of ${name} ${version} in ${folders.join(', ')}`,
            identity,
            rows,
            values: rows * engineer.featureNames.length,
            differing: differing.report(),
            missing: replay.missing,
            extra: replay.extra,
          },
        })),
  }
  return replay
}

interface Engine {
  readonly document: ModelDocument
  readonly engineer: FeatureEngineer
  readonly cleaning: FittedCleaning
  readonly vector: Float64Array
  readonly differing: DifferingValues
  rows: number
}

const engineOf = (document: ModelDocument): Engine => {
  const { features, labels } = document.featureSettings as {
    features: FeaturesSettings
    labels: LabelsSettings
  }
  const fitted = document.fitted as { features: FittedFeatures; cleaning: FittedCleaning }
  const engineer = new FeatureEngineer(readFeatureSettings(features, labels), fitted.features, separateBlocks)
  return {
    document,
    engineer,
    cleaning: fitted.cleaning,
    vector: new Float64Array(engineer.featureNames.length),
    differing: createDifferingValues(engineer.featureNames),
    rows: 0,
  }
}

type StateOf = (kind: EntityKind, id: string | undefined) => EntityState | undefined

/** The states before the first record, made as they are needed. */
const startStates = async (
  engineer: FeatureEngineer,
  { identity }: ModelDocument,
  { states: given, folders }: ParityOfLogOptions,
  logs: readonly LogReader[],
): Promise<StateOf> => {
  const origin = await originOf(logs)
  const folder = given ?? origin?.folder
  const stored = new Map<EntityKind, Map<number, Uint8Array>>()
  const live = new Map<EntityKind, Map<number, EntityState>>(ENTITY_KINDS.map((kind) => [kind, new Map()]))
  if (folder !== undefined) {
    const manifest = await readStates(folder, identity)
    if (manifest === undefined)
      throw new VigiaError('SERVING_LOG_INCOMPLETE', {
        folder: folders.join(', '),
        reason: `the states that it began with are not in ${folder}`,
      })
    for (const kind of ENTITY_KINDS)
      stored.set(
        kind,
        new Map([...readEntries(snapshotFile(folder, kind))].map(({ token, bytes }) => [token, bytes])),
      )
  }
  return (kind, id) => {
    const keeper = engineer.keeperOf(kind)
    if (id === undefined || keeper === undefined) return undefined
    const token = tokenOf(id)
    const known = live.get(kind)!.get(token)
    if (known !== undefined) return known
    const bytes = stored.get(kind)?.get(token)
    const state =
      bytes === undefined
        ? keeper.create()
        : decodeState(keeper.layout, separateBlocks, bytes, `${kind} ${id}`)
    live.get(kind)!.set(token, state)
    return state
  }
}

const originOf = async (logs: readonly LogReader[]): Promise<StoreOrigin | undefined> => {
  for (const log of logs) {
    const text = await log.readDocument(ORIGIN_DOCUMENT)
    if (text !== undefined) return JSON.parse(text) as StoreOrigin
  }
  return undefined
}
