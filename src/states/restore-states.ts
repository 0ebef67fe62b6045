import { readSnapshot, type SnapshotStates } from '../artifacts/state-snapshot.ts'
import { readStates } from '../artifacts/states-manifest.ts'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import { createLogFeatures, type LogFeatures } from '../decisions/log/log-features.ts'
import { decodeLogEntry, type LogEntry, withSequence } from '../decisions/log/log-record.ts'
import { type LoggedEntries, logIncomplete, withLoggedEntries } from '../decisions/log/logged-entries.ts'
import { documentOf } from '../decisions/log/model-document.ts'
import type { NumberRange } from '../decisions/log/number-ranges.ts'
import { encodedStates } from '../decisions/states/encoded-states.ts'
import {
  finishLoading,
  goesOnFrom,
  readWholeIdentity,
  type StoreIdentity,
  startLoading,
  writeStoreIdentity,
} from '../decisions/states/store-identity.ts'
import { withApplied } from '../decisions/states/stored-state.ts'
import type { Work } from '../disk/work.ts'
import { VigiaError } from '../errors.ts'
import type { World } from '../foundation/world.ts'
import type { LogReader } from '../ports/prediction-log.ts'
import type { OutboxEntry, SharedStateStore, StateChange } from '../ports/state-store.ts'
import { type ByKind, byKind, type EntityKind, stateKindsOf } from '../transaction/entity-kind.ts'
import { mergeEntries } from './merge-entries.ts'
import {
  assertAccepted,
  type LoggedHistories,
  NumberCheck,
  type NumberProblems,
  readHistories,
} from './restore-history.ts'
import { LabelsAgain } from './restore-labels.ts'
import { ReceiptsAgain } from './restore-receipts.ts'

export interface RestoreStatesOptions {
  readonly store: SharedStateStore
  /** For people. */
  readonly storeName: string
  /** A model that can go on from the states. */
  readonly model: LoadedModel
  /** Folders of the logs of all servers that decided on the store, with their archives. */
  readonly logs: readonly string[]
  readonly openLog: (folder: string) => LogReader
  /** Folder of the states that the history began with; what the logs say of it when left out. */
  readonly from?: string | undefined
  /** Numbers that may be missing or name two decisions. */
  readonly accepted: readonly NumberRange[]
  /** Numbers left out after the last known one: of decisions that nobody knows of any more. */
  readonly skip: number
  /** Replace a store that lacks nothing, or that was begun anew. */
  readonly force: boolean
  /** How long receipts live after what they are of, in milliseconds. */
  readonly receiptLifeMs: number
  /** How long labels wait for their transaction, in milliseconds. */
  readonly waitingLifeMs: number
  readonly world: Pick<World, 'now'>
  /** An existing folder for what is written on the way. */
  readonly workFolder: string
  readonly work: Work
}

/** What a restore came to. */
export interface RestoredStates extends NumberProblems {
  readonly identity: StoreIdentity
  readonly decisions: number
  readonly labels: number
  readonly receipts: number
  /** Entries that waited in the store, were in no log, and wait again. */
  readonly waiting: number
  /** Decisions whose features came out otherwise than they were served. */
  readonly differing: number
  /** Number of the last commit, as the store has it now. */
  readonly lastSequence: number
  readonly counts: ByKind<number>
}

/** States and bytes written at a time. */
const BATCH_STATES = 1000
const BATCH_BYTES = 8 << 20

/**
 * Puts back what a shared store has lost: the states that it began with, and on top of them every decision
 * and label of the logs of all its servers, in the order of their numbers, by the engine that serves; the
 * receipts by which repeated transactions are known; the store's name, and the last number.
 *
 * Servers that still run refuse to decide until the last step, and then go on by themselves. Interrupted, the
 * store knows that it is not whole.
 *
 * @throws SERVING_RESTORE_GAPS when numbers are missing or name two decisions, SERVING_RESTORE_DIFFERS when
 * the features of a decision come out otherwise; SERVING_STATES_PRESENT when the store lacks nothing;
 * SERVING_LOG_INCOMPLETE, SERVING_LOG_FOREIGN, SERVING_STATES_FOREIGN, PIPELINE_HISTORY_MISSING, INTERRUPTED
 */
export const restoreStates = async (options: RestoreStatesOptions): Promise<RestoredStates> => {
  const { store, logs, openLog } = options
  const present = await readWholeIdentity(store)
  const histories = await readHistories(logs.map(openLog), logs, present)
  assertModel(options, histories.identity)
  await assertNeedsIt(options, histories)
  const waiting = await waitingOf(store, present, histories)
  const start = await startStates(options, histories.identity)
  const problems = await checkNumbers(options, histories, waiting)
  const { unlogged } = problems
  await store.clear()
  await startLoading(store)
  // First of all: they stand nowhere else.
  await store.putBack([], unlogged)
  const replayed = await replayLogs(options, start, unlogged)
  if (replayed.differing > 0 && problems.missing.length + problems.doubled.length === 0 && !options.force)
    throw new VigiaError('SERVING_RESTORE_DIFFERS', {
      decisions: replayed.decisions,
      differing: replayed.differing,
    })
  const counts = await writeStates(options, start.states, replayed.features)
  const { identity } = histories
  await writeStoreIdentity(store, identity)
  const lastSequence = Math.max(problems.lastSequence, histories.lastSequence) + options.skip
  await store.beginHistory({ name: identity.logName, lastSequence }, true)
  await finishLoading(store)
  const { decisions, labels, receipts, differing } = replayed
  const { missing, doubled } = problems
  const done = { decisions, labels, receipts, differing, waiting: unlogged.length }
  return { identity, lastSequence, counts, missing, doubled, ...done }
}

const assertModel = ({ model, storeName }: RestoreStatesOptions, identity: StoreIdentity): void => {
  if (goesOnFrom(identity, model)) return
  throw new VigiaError('SERVING_STATES_FOREIGN', {
    store: storeName,
    what: 'other features, windows, bounds or cleaning',
    model: `${model.description.name} ${model.description.version}`,
  })
}

/** @throws SERVING_STATES_PRESENT */
const assertNeedsIt = async (
  { store, storeName, force }: RestoreStatesOptions,
  { identity, lastSequence }: LoggedHistories,
): Promise<void> => {
  const history = await store.readHistory()
  const isOther = history.name !== undefined && history.name !== identity.logName
  const isWhole = history.name === identity.logName && history.lastSequence >= lastSequence
  if ((isOther || isWhole) && !force)
    throw new VigiaError('SERVING_STATES_PRESENT', {
      store: `${storeName}, of ${history.name}-… up to number ${history.lastSequence},`,
      loss: isOther
        ? `what was decided as ${history.name}-… is in the logs of its servers alone then`
        : 'they are made again from the logs, and its servers decide nothing meanwhile',
    })
}

/**
 * Entries of this history that wait to be moved; those of another one are not of these logs. A store without
 * identity is one of which a restore was interrupted, or has none.
 */
const waitingOf = async (
  store: SharedStateStore,
  present: StoreIdentity | undefined,
  { identity }: LoggedHistories,
): Promise<readonly OutboxEntry[]> =>
  present === undefined || present.logName === identity.logName ? await store.waitingEntries() : []

/** The states before the first decision. */
const startStates = async (
  { model, from, logs }: RestoreStatesOptions,
  { origin }: StoreIdentity,
): Promise<StartOfHistory> => {
  const kinds = stateKindsOf(model.settings.options.entities)
  if (origin === undefined)
    return { states: new Map(kinds.map((kind) => [kind, new Map()])), folder: undefined }
  const folder = from ?? origin.folder
  const manifest = await readStates(folder, model.identity)
  if (manifest === undefined) throw new VigiaError('PIPELINE_HISTORY_MISSING', { folder })
  const isOrigin = Object.entries(origin.files).every(([name, sha256]) => manifest.files[name] === sha256)
  if (!isOrigin) throw logIncomplete(logs, `the states in ${folder} are not those that it began with`)
  return { states: readSnapshot(folder, kinds), folder }
}

/** What a history began with. */
interface StartOfHistory {
  readonly states: SnapshotStates
  /** Where it lies; undefined: it began with nothing. */
  readonly folder: string | undefined
}

/** All decisions and labels, those that waited in the store at their places. */
const withEntries = <T>(
  { logs, openLog, workFolder, work }: RestoreStatesOptions,
  waiting: readonly OutboxEntry[],
  use: (entries: ReturnType<typeof mergeEntries>, logged: LoggedEntries) => Promise<T>,
): Promise<T> =>
  withLoggedEntries({ folders: logs, openLog, workFolder, work }, (logged) => {
    const left = waiting.flatMap(({ sequence, bytes }) => decodeLogEntry(withSequence(bytes, sequence)) ?? [])
    return use(mergeEntries(logged.entries, left), logged)
  })

/** Before anything is written. */
const checkNumbers = (
  options: RestoreStatesOptions,
  histories: LoggedHistories,
  waiting: readonly OutboxEntry[],
): Promise<CheckedNumbers> =>
  withEntries(options, waiting, async (entries) => {
    const check = new NumberCheck()
    const waits = new Set<number>()
    for await (const { entry, isLogged } of entries) {
      options.work.signal.throwIfAborted()
      check.take(entry.sequence)
      if (!isLogged) waits.add(entry.sequence)
    }
    const { missing, doubled } = check.finish(histories.lastSequence)
    assertAccepted({ missing, doubled }, options.accepted, options.logs)
    const unlogged = waiting.filter(({ sequence }) => waits.has(sequence))
    return { missing, doubled, unlogged, lastSequence: check.lastSequence }
  })

interface CheckedNumbers extends NumberProblems {
  /** Waiting entries that no log has. */
  readonly unlogged: readonly OutboxEntry[]
  /** Highest number of a record, inclusive. */
  readonly lastSequence: number
}

/** What a replay made of the logs. */
interface Replayed {
  readonly features: LogFeatures
  readonly decisions: number
  readonly labels: number
  readonly receipts: number
  readonly differing: number
}

const replayLogs = (
  options: RestoreStatesOptions,
  { states, folder }: StartOfHistory,
  waiting: readonly OutboxEntry[],
): Promise<Replayed> =>
  withEntries(options, waiting, async (entries, { modelOf }) => {
    const { model, work } = options
    const features = createLogFeatures(documentOf(model), (kind, token) => states.get(kind)?.get(token))
    const receipts = new ReceiptsAgain(options)
    const open = new LabelsAgain({ ...options, from: folder })
    let [decisions, labels, differing] = [0, 0, 0]
    for await (const { entry } of entries) {
      work.signal.throwIfAborted()
      if (entry.kind === 'label') {
        labels++
        features.applyLabel(entry.label)
        open.label(entry.sequence, entry.label)
        await receipts.label(entry.sequence, entry.label)
      } else if (entry.kind === 'repair') features.repair(entry)
      else {
        decisions++
        const { transaction, timing, model: key } = entry.decision
        const document = await modelOf(key)
        if (!isSame(features.createAllFeatures(document, transaction, timing), entry)) differing++
        open.decision(entry.sequence, transaction)
        await receipts.decision(entry.sequence, entry.decision, document)
      }
      if ((decisions + labels) % 1000 === 0)
        work.reportProgress({ activity: 'replaying the logs', done: decisions + labels, unit: 'records' })
    }
    await receipts.flush()
    await open.putBack()
    return { features, decisions, labels, differing, receipts: receipts.count }
  })

/** Undefined: the user's state remembers the transaction already. */
const isSame = (
  vector: Float64Array | undefined,
  { vector: served }: Extract<LogEntry, { kind: 'decision' }>,
): boolean => vector !== undefined && served.every((value, f) => Object.is(value, vector[f]))

const writeStates = async (
  { store, storeName, work }: RestoreStatesOptions,
  start: SnapshotStates,
  features: LogFeatures,
): Promise<ByKind<number>> => {
  const counts = new Map<EntityKind, number>()
  for (const [kind, stored] of start) {
    const all = features.kinds.includes(kind) ? encodedStates(features, kind, stored) : stored
    for (const batch of batchesOf(kind, all)) {
      if (work.signal.aborted) throw new VigiaError('INTERRUPTED', { activity: 'restoring states' })
      if (await store.save(batch)) continue
      const reason = 'somebody else writes into it while states are restored'
      throw new VigiaError('SERVING_STORE_FAILED', { store: storeName, reason })
    }
    counts.set(kind, all.size)
  }
  return byKind([...counts.keys()], (kind) => counts.get(kind)!)
}

function* batchesOf(kind: EntityKind, states: ReadonlyMap<number, Uint8Array>): Generator<StateChange[]> {
  let batch: StateChange[] = []
  let bytesInBatch = 0
  for (const [token, bytes] of states) {
    batch.push({ key: { kind, token }, bytes: withApplied(bytes, 0), expected: 0 })
    bytesInBatch += bytes.length
    if (batch.length < BATCH_STATES && bytesInBatch <= BATCH_BYTES) continue
    yield batch
    batch = []
    bytesInBatch = 0
  }
  if (batch.length > 0) yield batch
}
