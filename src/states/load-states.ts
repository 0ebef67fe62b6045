import { resolve } from 'node:path'
import { readEntries, snapshotFile } from '../artifacts/state-snapshot.ts'
import { readStates, type StatesManifest } from '../artifacts/states-manifest.ts'
import type { OpenStates } from '../decisions/decisions.ts'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import { clockReceipt, dueReceipt, historyDueLabel } from '../decisions/owned/due-labels.ts'
import { historyEntry } from '../decisions/shared/shared-due-label.ts'
import { type Filling, identityToFill, type StoreIdentity } from '../decisions/states/store-identity.ts'
import { withApplied } from '../decisions/states/stored-state.ts'
import type { Work } from '../disk/work.ts'
import { VigiaError } from '../errors.ts'
import type { World } from '../foundation/world.ts'
import type { StateChange, StateStore } from '../ports/state-store.ts'
import type { ReplacedFilling } from '../ports/store-filling.ts'
import { type ByKind, byKind, type EntityKind, stateKindsOf } from '../transaction/entity-kind.ts'
import { fillStore, onceFilled, placeOf } from './fill-store.ts'
import { type PendingDueLabel, pendingLabelsOf } from './pending-due-labels.ts'

export interface LoadStatesOptions {
  /** One process owns it, or many share it. */
  readonly states: OpenStates
  /** The model that will go on from the states. */
  readonly model: LoadedModel
  /** Folder of the snapshot: `states/` of a run. */
  readonly from: string
  /** Replace the states that are there. */
  readonly force: boolean
  readonly world: World
  readonly work: Pick<Work, 'signal' | 'reportProgress'>
  /** Told when it has to wait for another process, which fills the store. */
  readonly onNotice?: ((text: string) => void) | undefined
}

export interface LoadedStates {
  readonly counts: ByKind<number>
  readonly identity: StoreIdentity
  /** Labels that training still waited for, and that servers deliver when they are due. */
  readonly pendingLabels: number
}

/** States and bytes written at a time. */
const BATCH_STATES = 1000
const BATCH_BYTES = 8 << 20

/**
 * Fills an empty store with the states that training ended with, so that the first request sees every user's
 * history, and with the labels that were not due then.
 *
 * Interrupted, the store knows that it is not whole: it is served only after loading was repeated.
 *
 * @throws MODEL_STATES_REFUSED, SERVING_STATES_PRESENT, PIPELINE_HISTORY_MISSING, INTERRUPTED;
 * SERVING_STATES_UNFINISHED when a restore of it was interrupted; SERVING_FILLER_REPLACED
 */
export const loadStates = async (options: LoadStatesOptions): Promise<LoadedStates> => {
  const manifest = await manifestOf(options)
  const instead = options.force ? undefined : await placeIn(options)
  const loaded = await fill(options, manifest, 'load', { instead, replaces: options.force })
  if (loaded === undefined)
    throw new VigiaError('SERVING_STORE_FAILED', {
      store: options.states.name,
      reason: 'somebody else has begun to use it',
    })
  return loaded
}

/** The place of whoever had begun to load states, or of nobody. @throws SERVING_STATES_PRESENT */
const placeIn = async ({
  states,
  world,
  work,
  onNotice,
}: LoadStatesOptions): Promise<ReplacedFilling | undefined> => {
  const present = (): VigiaError =>
    new VigiaError('SERVING_STATES_PRESENT', {
      store: states.name,
      loss: 'what serving has learnt since is lost then',
    })
  if (states.kind === 'owned') {
    if ((await identityToFill(states.store, 'start', 'load')) !== undefined) throw present()
    return undefined
  }
  const { store } = states
  const found = await onceFilled({ store, isBegun: false, world, signal: work.signal, onNotice })
  if (found.kind === 'abandoned') return placeOf(found, 'start', 'load')
  const { name, lastSequence } = await store.readHistory()
  if (found.identity !== undefined || lastSequence > 0) throw present()
  return { filler: undefined, name }
}

/**
 * The same for a server whose store was never used, or that a start before has left half filled. Of servers
 * that start at the same moment on one that they share, a single one fills it.
 *
 * @param instead what a shared store must be
 * @returns undefined: it is otherwise by now
 */
export const loadFirstStates = async (
  options: FillOptions,
  instead: ReplacedFilling,
): Promise<LoadedStates | undefined> =>
  fill(options, await manifestOf(options), 'start', { instead, replaces: false })

export type FillOptions = Omit<LoadStatesOptions, 'force'>

const manifestOf = async ({ from, model }: FillOptions): Promise<StatesManifest> => {
  const manifest = await readStates(from, model.identity)
  if (manifest === undefined) throw new VigiaError('PIPELINE_HISTORY_MISSING', { folder: from })
  return manifest
}

const fill = (
  options: FillOptions,
  { lastEventTimeMs, files }: StatesManifest,
  by: Filling['by'],
  { instead, replaces }: { readonly instead: ReplacedFilling | undefined; readonly replaces: boolean },
): Promise<LoadedStates | undefined> => {
  const { states, model, work, world } = options
  const from = resolve(options.from)
  return fillStore(states, { filling: { by, from }, instead, world }, async () => {
    const kinds = stateKindsOf(model.settings.options.entities)
    const counts = new Map<EntityKind, number>()
    for (const kind of kinds) {
      const file = snapshotFile(from, kind)
      const { store, name: storeName } = states
      counts.set(kind, await saveEntries({ store, storeName, kind, file, applied: 0, work }))
    }
    const pendingLabels = await loadPendingLabels(options)
    const identity: StoreIdentity = {
      statesKey: model.statesKey,
      layoutKey: model.layoutKey,
      founder: model.key,
      identity: model.identity,
      // Name of all predictions on these states.
      logName: world.newId().slice(0, 8),
      createdAtMs: world.now(),
      origin: { folder: from, lastEventTimeMs, files },
    }
    const outcome = { counts: byKind(kinds, (kind) => counts.get(kind)!), identity, pendingLabels }
    return { outcome, identity, lastSequence: 0, replaces }
  })
}

/** States of one kind that are written into a store which is being filled. */
export interface SaveEntriesOptions {
  readonly store: Pick<StateStore, 'save'>
  /** For people. */
  readonly storeName: string
  readonly kind: EntityKind
  /** As `writeEntries` writes it. */
  readonly file: string
  /** Number of the last record in the states, inclusive; 0: none. */
  readonly applied: number
  readonly work: Pick<Work, 'signal' | 'reportProgress'>
}

/** Writes the states of a file into a store. @returns how many. @throws SERVING_STORE_FAILED, INTERRUPTED */
export const saveEntries = async (options: SaveEntriesOptions): Promise<number> => {
  const { store, storeName, kind, file, applied, work } = options
  let batch: StateChange[] = []
  let bytesInBatch = 0
  let done = 0
  const write = async (): Promise<void> => {
    if (work.signal.aborted) throw new VigiaError('INTERRUPTED', { activity: 'loading states' })
    if (!(await store.save(batch)))
      throw new VigiaError('SERVING_STORE_FAILED', {
        store: storeName,
        reason: 'somebody else writes into it while states are loaded',
      })
    done += batch.length
    work.reportProgress({ activity: `loading ${kind}s`, done, unit: 'states' })
    batch = []
    bytesInBatch = 0
  }
  for (const { token, bytes } of readEntries(file)) {
    batch.push({ key: { kind, token }, bytes: withApplied(bytes, applied), expected: 0 })
    bytesInBatch += bytes.length
    if (batch.length === BATCH_STATES || bytesInBatch > BATCH_BYTES) await write()
  }
  if (batch.length > 0) await write()
  return done
}

/** Labels written at a time. */
const BATCH_LABELS = 1000

/** Hands on the clock of the replay, and the labels that were not due by it. @returns how many */
export const loadPendingLabels = async ({
  states,
  model,
  from,
  work,
}: Pick<LoadStatesOptions, 'states' | 'model' | 'from' | 'work'>): Promise<number> => {
  const { clockMs, labels } = pendingLabelsOf(from, model)
  if (states.kind === 'shared') await states.store.putBackLabels({ clockMs, due: [], waiting: [] })
  else await states.store.save([], [clockReceipt(clockMs)])
  let batch: PendingDueLabel[] = []
  let count = 0
  const write = async (): Promise<void> => {
    if (work.signal.aborted) throw new VigiaError('INTERRUPTED', { activity: 'loading labels' })
    const first = count
    count += batch.length
    if (states.kind === 'shared') {
      const due = batch.map(({ dueMs, label }, i) => historyEntry(dueMs, first + i, label))
      await states.store.putBackLabels({ clockMs, due, waiting: [] })
    } else {
      const due = batch.map(({ dueMs, label }, i) => dueReceipt(historyDueLabel(dueMs, first + i, label)))
      await states.store.save([], due)
    }
    batch = []
    work.reportProgress({ activity: 'loading labels', done: count, unit: 'labels' })
  }
  for (const label of labels) {
    batch.push(label)
    if (batch.length === BATCH_LABELS) await write()
  }
  if (batch.length > 0) await write()
  return count
}
