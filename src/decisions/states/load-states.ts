import { resolve } from 'node:path'
import { readPendingLabels } from '../../artifacts/pending-labels.ts'
import { readEntries, snapshotFile } from '../../artifacts/state-snapshot.ts'
import { readStates } from '../../artifacts/states-manifest.ts'
import type { Work } from '../../disk/work.ts'
import { VigiaError } from '../../errors.ts'
import type { World } from '../../foundation/world.ts'
import type { Receipt, StateChange, StateStore } from '../../ports/state-store.ts'
import { type ByKind, byKind, type EntityKind, stateKindsOf } from '../../transaction/entity-kind.ts'
import type { LoadedModel } from '../loaded-model.ts'
import { clockReceipt, dueReceipt, historyDueLabel } from '../owned/due-labels.ts'
import {
  finishLoading,
  readStoreIdentity,
  type StoreIdentity,
  startLoading,
  writeStoreIdentity,
} from './store-identity.ts'
import { withApplied } from './stored-state.ts'

export interface LoadStatesOptions {
  readonly store: StateStore
  /** For people. */
  readonly storeName: string
  /** Whether one process owns the store: then it delivers the labels that training still waited for. */
  readonly isOwned: boolean
  /** The model that will go on from the states. */
  readonly model: LoadedModel
  /** Folder of the snapshot: `states/` of a run. */
  readonly from: string
  /** Replace the states that are there. */
  readonly force: boolean
  readonly world: Pick<World, 'now' | 'newId'>
  readonly work: Pick<Work, 'signal' | 'reportProgress'>
}

export interface LoadedStates {
  readonly counts: ByKind<number>
  readonly identity: StoreIdentity
  /** Labels that training still waited for, and that the server delivers when they are due. */
  readonly pendingLabels: number
  /** Those that nobody delivers, because many processes share the store. */
  readonly droppedLabels: number
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
 * @throws MODEL_STATES_REFUSED, SERVING_STATES_PRESENT, PIPELINE_HISTORY_MISSING, INTERRUPTED
 */
export const loadStates = async (options: LoadStatesOptions): Promise<LoadedStates> => {
  const { store, model, from } = options
  const { signal, reportProgress } = options.work
  const manifest = await readStates(from, model.identity)
  if (manifest === undefined) throw new VigiaError('PIPELINE_HISTORY_MISSING', { folder: from })
  if (!options.force && (await readStoreIdentity(store)) !== undefined)
    throw new VigiaError('SERVING_STATES_PRESENT', { store: options.storeName })
  await store.clear()
  await startLoading(store)
  const kinds = stateKindsOf(model.settings.options.entities)
  const counts = new Map<EntityKind, number>(kinds.map((kind) => [kind, 0]))
  for (const kind of kinds) {
    let batch: StateChange[] = []
    let bytesInBatch = 0
    const write = async (): Promise<void> => {
      if (signal.aborted) throw new VigiaError('INTERRUPTED', { activity: 'loading states' })
      if (!(await store.save(batch)))
        throw new VigiaError('SERVING_STORE_FAILED', {
          store: options.storeName,
          reason: 'somebody else writes into it while states are loaded',
        })
      const done = counts.get(kind)! + batch.length
      counts.set(kind, done)
      reportProgress({ activity: `loading ${kind}s`, done, unit: 'states' })
      batch = []
      bytesInBatch = 0
    }
    for (const { token, bytes } of readEntries(snapshotFile(from, kind))) {
      batch.push({ key: { kind, token }, bytes: withApplied(bytes, 0), expected: 0 })
      bytesInBatch += bytes.length
      if (batch.length === BATCH_STATES || bytesInBatch > BATCH_BYTES) await write()
    }
    if (batch.length > 0) await write()
  }
  const labels = await loadPendingLabels(options)
  const identity = await writeStoreIdentity(store, {
    statesKey: model.statesKey,
    identity: model.identity,
    logName: options.world.newId().slice(0, 8),
    createdAtMs: options.world.now(),
    origin: { folder: resolve(from), lastEventTimeMs: manifest.lastEventTimeMs, files: manifest.files },
  })
  await finishLoading(store)
  return { counts: byKind(kinds, (kind) => counts.get(kind)!), identity, ...labels }
}

/** Labels written at a time. */
const BATCH_LABELS = 1000

/** Hands on the clock of the replay, and the labels that were not due by it. */
const loadPendingLabels = async (
  options: LoadStatesOptions,
): Promise<Pick<LoadedStates, 'pendingLabels' | 'droppedLabels'>> => {
  const { store, model, from, work } = options
  const entities = model.settings.options.entities.map(({ name }) => name)
  const { clockMs, labels } = readPendingLabels(from, entities)
  if (!options.isOwned) return { pendingLabels: 0, droppedLabels: [...labels].length }
  let batch: Receipt[] = [clockReceipt(clockMs)]
  let count = 0
  for (const { transactionToken, eventTimeMs, isFraud, known, dueMs, tokens } of labels) {
    const label = {
      transactionId: '',
      transactionToken,
      eventTimeMs,
      isFraud,
      ...(known !== undefined && { known }),
      own: tokens,
      origin: 'history',
    } as const
    batch.push(dueReceipt(historyDueLabel(dueMs, count++, label)))
    if (batch.length < BATCH_LABELS) continue
    if (work.signal.aborted) throw new VigiaError('INTERRUPTED', { activity: 'loading labels' })
    await store.save([], batch)
    batch = []
    work.reportProgress({ activity: 'loading labels', done: count, unit: 'labels' })
  }
  await store.save([], batch)
  return { pendingLabels: count, droppedLabels: 0 }
}
