import type { SnapshotEntry } from '../artifacts/state-snapshot.ts'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import { decodeLogEntry, withSequence } from '../decisions/log/log-record.ts'
import { type LoggedEntries, withLoggedEntries } from '../decisions/log/logged-entries.ts'
import type { NumberRange } from '../decisions/log/number-ranges.ts'
import { readWholeIdentity, type StoreIdentity } from '../decisions/states/store-identity.ts'
import { withApplied } from '../decisions/states/stored-state.ts'
import type { Work } from '../disk/work.ts'
import { VigiaError } from '../errors.ts'
import type { World } from '../foundation/world.ts'
import type { LogReader } from '../ports/prediction-log.ts'
import type { OutboxEntry, SharedStateStore, StateChange } from '../ports/state-store.ts'
import { type ByKind, byKind, type EntityKind } from '../transaction/entity-kind.ts'
import { fillStore } from './fill-store.ts'
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
import { assertModel, beginLabels, type StartOfShared, startOfShared } from './start-of-shared.ts'
import { StatesAgain } from './states-again.ts'

export interface RestoreStatesOptions {
  readonly store: SharedStateStore
  /** For people. */
  readonly storeName: string
  /** A model that can go on from the states. */
  readonly model: LoadedModel
  /** Folders of the logs of all servers that decided on the store, with their archives. */
  readonly logs: readonly string[]
  readonly openLog: (folder: string) => LogReader
  /** Folder of the states that the history began with, to begin there; otherwise the newest snapshot. */
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
  readonly world: Pick<World, 'now' | 'newId'>
  /** An existing folder for what is written on the way. */
  readonly workFolder: string
  readonly work: Work
}

/** What a restore came to. */
export interface RestoredStates extends NumberProblems {
  readonly identity: StoreIdentity
  /** Last record of the snapshot that it began with, inclusive; undefined: it began at the beginning. */
  readonly snapshot: number | undefined
  /** Snapshots that were passed over, newest first, and why. */
  readonly unusable: StartOfShared['unusable']
  /** Replayed on top. */
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
 * Puts back what a shared store has lost: the states of the newest snapshot, or those that it began with, and
 * on top of them every decision and label after it of the logs of all its servers, in the order of their
 * numbers, by the engine that serves; the receipts by which repeated transactions are known, of all that the
 * logs still have; the store's name, and the last number.
 *
 * Servers that still run refuse to decide until the last step, and then go on by themselves. Interrupted, the
 * store knows that it is not whole.
 *
 * @throws SERVING_RESTORE_GAPS when numbers are missing or name two decisions, SERVING_RESTORE_DIFFERS when
 * the features of a decision come out otherwise; SERVING_STATES_PRESENT when the store lacks nothing;
 * SERVING_LOG_INCOMPLETE, SERVING_LOG_FOREIGN, SERVING_STATES_FOREIGN, SERVING_SNAPSHOT_UNUSABLE,
 * PIPELINE_HISTORY_MISSING, INTERRUPTED
 */
export const restoreStates = async (options: RestoreStatesOptions): Promise<RestoredStates> => {
  const { store, logs, openLog } = options
  const present = await readWholeIdentity(store)
  const histories = await readHistories(logs.map(openLog), logs, present)
  assertModel(options, histories.identity)
  await assertNeedsIt(options, histories)
  const waiting = await waitingOf(store, present, histories)
  const start = await startOfShared({ ...options, identity: histories.identity })
  const problems = await checkNumbers(options, histories, waiting, start)
  const { unlogged, missing, doubled } = problems
  const { identity } = histories
  const lastSequence = Math.max(problems.lastSequence, histories.lastSequence) + options.skip
  const filling = { filling: { by: 'restore' }, world: options.world } as const
  const replayed = await fillStore({ kind: 'shared', store }, filling, async () => {
    // First of all: they stand nowhere else.
    await store.putBack([], unlogged)
    const done = await replayLogs(options, start, unlogged, async (states, receipts) => {
      const { decisions, labels, differing } = states
      if (differing > 0 && missing.length + doubled.length === 0 && !options.force)
        throw new VigiaError('SERVING_RESTORE_DIFFERS', { decisions, differing })
      return { decisions, labels, differing, receipts, counts: await writeStates(options, states) }
    })
    return { outcome: done, identity, lastSequence, replaces: true }
  })
  if (replayed === undefined) throw new Error('whoever restores takes the place of everybody')
  const { unusable, snapshot } = start
  const begun = { snapshot: snapshot?.sequence, unusable }
  return { identity, lastSequence, missing, doubled, waiting: unlogged.length, ...begun, ...replayed }
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
  { after }: StartOfShared,
): Promise<CheckedNumbers> =>
  withEntries(options, waiting, async (entries) => {
    const check = new NumberCheck(after)
    const waits = new Set<number>()
    for await (const { entry, isLogged } of entries) {
      options.work.signal.throwIfAborted()
      check.take(entry.sequence)
      if (!isLogged && entry.sequence > after) waits.add(entry.sequence)
    }
    const { missing, doubled } = check.finish(histories.lastSequence)
    assertAccepted({ missing, doubled }, options.accepted, options.logs)
    const unlogged = waiting.filter(({ sequence }) => waits.has(sequence))
    return { missing, doubled, unlogged, lastSequence: check.lastSequence }
  })

interface CheckedNumbers extends NumberProblems {
  /** Waiting entries that no log has, and that the start does not have either. */
  readonly unlogged: readonly OutboxEntry[]
  /** Highest number of a record, inclusive. */
  readonly lastSequence: number
}

/**
 * Replays the logs after the start; of what the start has, receipts alone are made again.
 *
 * @param use is given the states, and how many receipts there are
 */
const replayLogs = <T>(
  options: RestoreStatesOptions,
  start: StartOfShared,
  waiting: readonly OutboxEntry[],
  use: (states: StatesAgain, receipts: number) => Promise<T>,
): Promise<T> =>
  withEntries(options, waiting, async (entries, { modelOf }) => {
    const { model, work, store, world, workFolder } = options
    const states = new StatesAgain({ model, from: start.folder, modelOf, workFolder })
    try {
      const receipts = new ReceiptsAgain(options)
      const open = new LabelsAgain(options)
      await beginLabels(open, start)
      let done = 0
      for await (const { entry } of entries) {
        work.signal.throwIfAborted()
        const isReplayed = entry.sequence > start.after
        if (isReplayed) await states.take(entry)
        if (entry.kind === 'label') {
          if (isReplayed) open.label(entry.sequence, entry.label)
          await receipts.label(entry.sequence, entry.label)
        } else if (entry.kind === 'decision') {
          if (isReplayed) open.decision(entry.sequence, entry.decision)
          await receipts.decision(entry.sequence, entry.decision, await modelOf(entry.decision.model))
        }
        if (++done % 1000 === 0)
          work.reportProgress({ activity: 'replaying the logs', done, unit: 'records' })
      }
      await receipts.flush()
      await open.putBack(store, world.now())
      return await use(states, receipts.count)
    } finally {
      states.close()
    }
  })

const writeStates = async (
  { store, storeName, work }: RestoreStatesOptions,
  states: StatesAgain,
): Promise<ByKind<number>> => {
  const counts = new Map<EntityKind, number>()
  for (const kind of states.kinds) {
    let count = 0
    for (const batch of batchesOf(kind, states.entries(kind))) {
      if (work.signal.aborted) throw new VigiaError('INTERRUPTED', { activity: 'restoring states' })
      count += batch.length
      if (await store.save(batch)) continue
      const reason = 'somebody else writes into it while states are restored'
      throw new VigiaError('SERVING_STORE_FAILED', { store: storeName, reason })
    }
    counts.set(kind, count)
  }
  return byKind([...counts.keys()], (kind) => counts.get(kind)!)
}

function* batchesOf(kind: EntityKind, states: Iterable<SnapshotEntry>): Generator<StateChange[]> {
  let batch: StateChange[] = []
  let bytesInBatch = 0
  for (const { token, bytes } of states) {
    batch.push({ key: { kind, token }, bytes: withApplied(bytes, 0), expected: 0 })
    bytesInBatch += bytes.length
    if (batch.length < BATCH_STATES && bytesInBatch <= BATCH_BYTES) continue
    yield batch
    batch = []
    bytesInBatch = 0
  }
  if (batch.length > 0) yield batch
}
