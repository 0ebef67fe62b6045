import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { snapshotFile } from '../artifacts/state-snapshot.ts'
import { createDecider } from '../decisions/decider.ts'
import type { DecisionSettings } from '../decisions/decisions.ts'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import { RECEIPTS_FILE } from '../decisions/log/state-snapshots.ts'
import { createModelDocuments } from '../decisions/model-documents.ts'
import { clockReceipt } from '../decisions/owned/due-labels.ts'
import { frontierReceipts } from '../decisions/owned/frontier.ts'
import { entryOfRecord } from '../decisions/owned/log-replay.ts'
import { openOwnedDecisions } from '../decisions/owned/owned-decisions.ts'
import { predictionNames } from '../decisions/prediction-names.ts'
import { layoutOfStates } from '../decisions/states/layout-of-states.ts'
import {
  notesOfBegun,
  notesOfEnded,
  readWholeIdentity,
  type StoreIdentity,
  writeNotes,
} from '../decisions/states/store-identity.ts'
import { warningsOnly } from '../decisions/warnings-only.ts'
import type { Work } from '../disk/work.ts'
import { VigiaError } from '../errors.ts'
import type { World } from '../foundation/world.ts'
import type { PredictionLog } from '../ports/prediction-log.ts'
import type { OwnedStateStore, Receipt } from '../ports/state-store.ts'
import { type ByKind, byKind, type EntityKind, stateKindsOf } from '../transaction/entity-kind.ts'
import { loadPendingLabels, saveEntries } from './load-states.ts'
import { OwnedReceiptsAgain } from './owned-receipts-again.ts'
import { type StartOfOwned, startOfOwned } from './start-of-owned.ts'
import { withWholeLog } from './whole-log.ts'

export interface RestoreOwnedOptions {
  readonly store: OwnedStateStore
  /** For people. */
  readonly storeName: string
  /** A model that can go on from the states. */
  readonly model: LoadedModel
  /** Opened as a server does, so that none decides meanwhile; nothing is appended to it. */
  readonly log: PredictionLog
  /** Of the log. */
  readonly folder: string
  /** Folder of the states that the log began with, to begin there; otherwise the newest snapshot. */
  readonly from?: string | undefined
  /** Replace states that are there; take those that come out otherwise than they were served. */
  readonly force: boolean
  readonly settings: DecisionSettings
  readonly world: World
  readonly work: Work
}

/** What it came to. */
export interface RestoredOwned {
  readonly identity: StoreIdentity
  /** Last record of the snapshot that it began with, inclusive; undefined: it began at the beginning. */
  readonly snapshot: number | undefined
  /** Snapshots that were passed over, newest first, and why. */
  readonly unusable: StartOfOwned['unusable']
  /** Numbers in the snapshot that no file of the log has: sent again, their transactions are decided anew. */
  readonly missing: StartOfOwned['missing']
  /** Replayed on top. */
  readonly decisions: number
  readonly labels: number
  /** Receipts of what is in the snapshot already. */
  readonly receipts: number
  /** Decisions whose features came out otherwise than they were served. */
  readonly differing: number
  readonly lastSequence: number
  readonly counts: ByKind<number>
}

/**
 * Makes the store of one process again from its log, when the store is lost: the states of the newest
 * snapshot that is whole, or those that the log began with; on top of them every record after it, by the
 * replay with which a server opens; the receipts by which repeated transactions and labels are known, the
 * labels that wait or are due, the clock, the name of the predictions, and how far the log is in all that.
 *
 * Interrupted, the store knows that it is not whole, and no server opens it.
 *
 * @throws SERVING_STATES_PRESENT when the store has states; SERVING_RESTORE_DIFFERS when the features of a
 * decision come out otherwise; SERVING_SNAPSHOT_UNUSABLE, SERVING_LOG_INCOMPLETE, SERVING_LOG_GAPS,
 * BACKUP_SOURCE_DAMAGED, MODEL_STATES_REFUSED, SERVING_STORE_FAILED, INTERRUPTED
 */
export const restoreOwnedStates = async (options: RestoreOwnedOptions): Promise<RestoredOwned> => {
  const { store, storeName, log, folder, force, work, model } = options
  const present = await readWholeIdentity(store)
  if (present !== undefined && !force)
    throw new VigiaError('SERVING_STATES_PRESENT', {
      store: storeName,
      loss: 'they are made again from the log, and what a power failure took from it is lost then',
    })
  const start = await startOfOwned(options)
  await store.clear()
  await writeNotes(store, notesOfBegun({ by: 'restore' }))
  await fill(options, start)
  const identity = await identityOf(options, start)
  const replayed = await withWholeLog({ log, folder, work }, async (read) => {
    const receipts = await receiptsBefore(options, start, read)
    return { receipts, ...(await replayAfter(options, start, identity, read)) }
  })
  const { decisions, differing } = replayed
  if (differing > 0 && !force) throw new VigiaError('SERVING_RESTORE_DIFFERS', { decisions, differing })
  await writeNotes(store, notesOfEnded(identity))
  await store.flush()
  const kinds = stateKindsOf(model.settings.options.entities)
  const counted = await store.count()
  return {
    identity,
    snapshot: start.snapshot?.manifest.sequence,
    unusable: start.unusable,
    missing: start.missing,
    ...replayed,
    lastSequence: log.lastSequence,
    counts: byKind(kinds, (kind) => counted[kind] ?? 0),
  }
}

/** States, labels and the clock as they were at the start, and how far the log is in them. */
const fill = async (options: RestoreOwnedOptions, start: StartOfOwned): Promise<void> => {
  const { store, storeName, model, work } = options
  const { snapshot, origin } = start
  const save = async (folder: string, kinds: readonly EntityKind[], applied: number): Promise<void> => {
    for (const kind of kinds)
      await saveEntries({ store, storeName, kind, file: snapshotFile(folder, kind), applied, work })
  }
  if (snapshot === undefined) {
    if (origin === undefined) return
    await save(origin.folder, stateKindsOf(model.settings.options.entities), 0)
    const states = { kind: 'owned', name: storeName, store } as const
    await loadPendingLabels({ states, model, from: origin.folder, work })
    return
  }
  const { folder, manifest } = snapshot
  const { sequence, savedThrough, clockMs, clockThrough } = manifest
  await save(folder, manifest.kinds, sequence)
  for await (const receipts of receiptsOf(join(folder, RECEIPTS_FILE))) await store.save([], receipts)
  await store.save(
    [],
    [
      ...(clockMs === null ? [] : [clockReceipt(clockMs, clockThrough)]),
      ...frontierReceipts({ savedThrough, storedUpTo: sequence }),
    ],
  )
}

/** Receipts written at a time. */
const BATCH_RECEIPTS = 1000

/** Receipts of a snapshot, some at a time. */
async function* receiptsOf(file: string): AsyncGenerator<readonly Receipt[]> {
  let batch: Receipt[] = []
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const { id, body } = JSON.parse(line) as { readonly id: string; readonly body: string }
    batch.push({ id, bytes: new Uint8Array(Buffer.from(body, 'base64')) })
    if (batch.length < BATCH_RECEIPTS) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

const identityOf = async (
  { model, world }: RestoreOwnedOptions,
  { snapshot, origin, logName }: StartOfOwned,
): Promise<StoreIdentity> => {
  if (snapshot !== undefined) return { ...snapshot.manifest.identity, logName }
  const { statesKey, layoutKey, key: founder, identity } = model
  return { statesKey, layoutKey, founder, identity, logName, createdAtMs: world.now(), origin: origin?.says }
}

/**
 * Receipts of the records that are not replayed, as far as any is needed yet. @returns how many
 */
const receiptsBefore = async (
  { store, log, model, settings, world, work }: RestoreOwnedOptions,
  { after, snapshot }: StartOfOwned,
  read: PredictionLog['read'],
): Promise<number> => {
  if (snapshot === undefined) return 0
  const { nameOf } = createModelDocuments(log)
  const clockMs = snapshot.manifest.clockMs ?? Number.NEGATIVE_INFINITY
  const again = new OwnedReceiptsAgain({ store, model, nameOf, settings, clockMs, world })
  for await (const record of read(0)) {
    if (record.sequence > after) break
    if (work.signal.aborted) throw new VigiaError('INTERRUPTED', { activity: 'restoring states' })
    await again.take(record)
    if (record.sequence % 1000 === 0)
      work.reportProgress({ activity: 'restoring receipts', done: record.sequence, unit: 'records' })
  }
  await again.flush()
  return again.count
}

/** Opens the store on the log as a server does, which replays it, and closes it again, which saves all. */
const replayAfter = async (
  options: RestoreOwnedOptions,
  { snapshot }: StartOfOwned,
  identity: StoreIdentity,
  read: PredictionLog['read'],
): Promise<Pick<RestoredOwned, 'decisions' | 'labels' | 'differing'>> => {
  const { store, model, log, settings, world, work } = options
  const inStates = snapshot?.manifest.sequence ?? 0
  const documents = createModelDocuments(log)
  const differing = new Set<unknown>()
  let [decisions, labels] = [0, 0]
  const counted: PredictionLog['read'] = async function* (after) {
    for await (const record of read(after)) {
      if (work.signal.aborted) throw new VigiaError('INTERRUPTED', { activity: 'restoring states' })
      const { kind } = entryOfRecord(record)
      if (record.sequence > inStates && kind === 'decision') decisions++
      if (record.sequence > inStates && kind === 'label') labels++
      if ((decisions + labels) % 1000 === 0)
        work.reportProgress({ activity: 'replaying the log', done: decisions + labels, unit: 'records' })
      yield record
    }
  }
  const replayed = await openOwnedDecisions({
    store,
    log: readingOnly(log, counted),
    decider: createDecider({ champion: model }),
    names: predictionNames(identity),
    nameOf: documents.nameOf,
    layout: layoutOfStates(identity, documents.modelOf),
    observer: warningsOnly((code, details) => {
      if (code === 'SERVING_REPLAY_DIFFERS') differing.add(details['sequence'])
    }),
    // Nobody is served: nothing may be appended meanwhile.
    settings: { ...settings, expiresStates: false },
    world,
  })
  await replayed.close()
  return { decisions, labels, differing: differing.size }
}

/** The log of which `read` is the way to read it, and that nobody writes. */
const readingOnly = (log: PredictionLog, read: PredictionLog['read']): PredictionLog => ({
  get lastSequence() {
    return log.lastSequence
  },
  append: () => Promise.reject(new Error('nothing is appended to a log whose states are made again')),
  resume: () => undefined,
  read,
  readAt: (position) => log.readAt(position),
  rotate: async () => [],
  readSegment: (segment) => log.readSegment(segment),
  remove: async () => undefined,
  writeDocument: async () => undefined,
  readDocument: (name) => log.readDocument(name),
  size: () => log.size(),
  close: async () => undefined,
})
