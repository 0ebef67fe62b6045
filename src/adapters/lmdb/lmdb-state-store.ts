import { type FolderOwner, holdFolder } from '../../disk/folder-lock.ts'
import type {
  OwnedStateStore,
  Receipt,
  StateChange,
  StateRemoval,
  StoredState,
} from '../../ports/state-store.ts'
import type { EntityKind } from '../../transaction/entity-kind.ts'
import { closable } from './closable.ts'
import { awaitEarlierWriter } from './earlier-writer.ts'
import { asBuffer, countOf, type LmdbDatabases, openDatabases } from './lmdb-databases.ts'
import { type Ownership, takeOwnership } from './lmdb-ownership.ts'
import { storeFailed } from './store-failed.ts'
import { headOf, putState, readState, removeState, stateFound } from './stored-states.ts'
import { viewStates } from './view-states.ts'

export interface LmdbOptions {
  /** Made when it is not there. */
  readonly folder: string
  readonly owner: FolderOwner
  /** Told when another process has taken the folder over; nothing can be written from then on. */
  readonly onLost?: (error: Error) => void
}

/**
 * States in a folder of this machine, for one process.
 *
 * LMDB writes pages beside those in use and switches over at the end, so a process that is killed at any
 * moment leaves the last complete transaction. `save` resolves when its transaction is complete: what it
 * wrote survives this process. The disk has it some moments later (LMDB flushes in the background, in order,
 * so a power failure also leaves a complete earlier transaction); `close` waits for that.
 *
 * An owner whose folder was taken over writes nothing any more, whenever it wakes up: each of its
 * transactions asks in itself whether the folder is still its own (`lmdb-ownership.ts`).
 *
 * @throws SERVING_FOLDER_IN_USE, SERVING_STORE_FAILED
 */
export const openLmdbStateStore = async ({
  folder,
  owner,
  onLost,
}: LmdbOptions): Promise<OwnedStateStore> => {
  const guarded = async <T>(work: () => T | Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw storeFailed(folder, error)
    }
  }
  const lease = await guarded(() => holdFolder(folder, owner, onLost && { onLost }))
  const { databases, ownership } = await guarded(async () => {
    if (lease.from === 'silent') await awaitEarlierWriter(folder, () => owner.onStuck?.(folder))
    const opened = openDatabases(folder)
    return { databases: opened, ownership: await takeOwnership(folder, opened, lease) }
  }).catch((error) => {
    lease.release()
    throw error
  })
  const { statesOf, receipts, notes } = databases
  // Nobody else may write into the folder, and here saves come one after the other: versions that were read
  // are those that will be replaced.
  let lastSave: Promise<void> = Promise.resolve()

  const store: OwnedStateStore = {
    load: (keys) => guarded(() => keys.map((key) => readState(databases, key))),
    statesAfter: (kind, after, most) => guarded(() => statesAfter(databases, kind, after, most)),
    save: (changes, added = [], removed = []) => {
      const own = lastSave.then(() => guarded(() => write(databases, ownership, changes, added, removed)))
      lastSave = own.then(
        () => undefined,
        () => undefined,
      )
      return own
    },
    findReceipt: (id) =>
      guarded(() => {
        const found = receipts.getBinary(id)
        return found === undefined ? undefined : new Uint8Array(found)
      }),
    sweepReceipts: (after, most, isExpired) =>
      guarded(() => sweep(databases, ownership, after, most, isExpired)),
    readNote: (name) => guarded(() => notes.get(name)),
    writeNote: (name, text) => guarded(() => ownership.write(() => [notes.put(name, text)])),
    async *entries(kind) {
      for (const { key: token, value } of statesOf(kind).getRange({ snapshot: false })) {
        const state = stateFound(databases, { kind, token }, value)
        if (state !== undefined) yield { token, ...state }
      }
    },
    count: () => guarded(() => countOf(databases)),
    clear: () => guarded(() => ownership.transaction(() => clearAll(databases))),
    view: () => guarded(() => viewStates(databases)),
    flush: () => guarded(() => flushed(databases, ownership)),
    close: () =>
      guarded(async () => {
        await lastSave
        await closeAll(databases, ownership).finally(() => lease.release())
      }),
  }
  return closable(store, () => storeFailed(folder, new Error('it is closed')))
}

/** Resolves when the disk has all that was written. */
const flushed = async ({ root }: LmdbDatabases, ownership: Ownership): Promise<void> => {
  await ownership.settle()
  await root.flushed
}

/** Closes all, whatever fails on the way. @throws what failed first */
const closeAll = async (databases: LmdbDatabases, ownership: Ownership): Promise<void> => {
  const [disk] = await Promise.allSettled([flushed(databases, ownership)])
  const [files] = await Promise.allSettled([closeRoot(databases.root, disk.status === 'fulfilled')])
  for (const outcome of [disk, files]) if (outcome.status === 'rejected') throw outcome.reason
}

/**
 * Closes LMDB's files.
 *
 * @param isFlushed if not, what it promises of a transaction that failed never comes, and closing would wait
 * for it for ever (lmdb 3.5.6): `_endWrites` is that wait. None of them is under way any more.
 */
const closeRoot = (root: LmdbDatabases['root'], isFlushed: boolean): Promise<void> => {
  if (!isFlushed) Object.assign(root, { _endWrites: undefined })
  return root.close()
}

const clearAll = ({ statesOf, parts, kinds, knownKinds, receipts, notes }: LmdbDatabases): void => {
  for (const kind of knownKinds()) statesOf(kind).clearSync()
  for (const database of [parts, kinds, receipts, notes]) database.clearSync()
}

/**
 * Writes states whose versions are the expected ones, and receipts; nothing when one version is another. What
 * is written in one turn is one transaction, which a thread of LMDB's own makes. @returns whether it wrote
 */
const write = async (
  databases: LmdbDatabases,
  ownership: Ownership,
  changes: readonly StateChange[],
  newReceipts: readonly Receipt[],
  removed: readonly StateRemoval[],
): Promise<boolean> => {
  const { statesOf, knownKinds, kinds, receipts } = databases
  const before = new Map([...changes, ...removed].map(({ key }) => [key, headOf(databases, key)]))
  if (![...changes, ...removed].every(({ key, expected }) => before.get(key)!.version === expected))
    return false
  const known = knownKinds()
  const added = new Set(changes.map(({ key }) => key.kind).filter((kind) => !known.includes(kind)))
  // Opened before: what opens a database is no part of the transaction.
  for (const { key } of [...changes, ...removed]) statesOf(key.kind)
  await ownership.write(() => [
    ...Array.from(added, (kind) => kinds.put(kind, kind)),
    ...changes.flatMap((change) => putState(databases, change, before.get(change.key)!)),
    ...removed.flatMap(({ key }) => removeState(databases, key, before.get(key)!)),
    ...newReceipts.map(({ id, bytes }) => receipts.put(id, asBuffer(bytes))),
  ])
  return true
}

/** As `StateStore.statesAfter`. */
const statesAfter = (
  databases: LmdbDatabases,
  kind: EntityKind,
  after: number | undefined,
  most: number,
): ({ readonly token: number } & StoredState)[] => {
  const found: ({ readonly token: number } & StoredState)[] = []
  // One more than asked for: the first is the one that was looked at last time.
  const start = after === undefined ? {} : { start: after }
  const range = databases.statesOf(kind).getRange({ ...start, limit: most + 1, snapshot: false })
  for (const { key: token, value } of range) {
    if (token === after || found.length === most) continue
    const state = stateFound(databases, { kind, token }, value)
    if (state !== undefined) found.push({ token, ...state })
  }
  return found
}

/** As `StateStore.sweepReceipts`. */
const sweep = async (
  { receipts }: LmdbDatabases,
  ownership: Ownership,
  after: string | undefined,
  most: number,
  isExpired: (id: string, bytes: Uint8Array) => boolean,
): Promise<string | undefined> => {
  const expired: string[] = []
  let last: string | undefined
  let looked = 0
  // One more than asked for: the first is the one that was looked at last time.
  const range = receipts.getRange({
    ...(after !== undefined && { start: after }),
    limit: most + 1,
    snapshot: false,
  })
  for (const { key, value } of range) {
    if (key === after) continue
    if (looked === most) break
    looked++
    last = key
    if (isExpired(key, new Uint8Array(value))) expired.push(key)
  }
  if (expired.length > 0) {
    await ownership.transaction(() => {
      for (const id of expired) {
        // It may have been replaced since.
        const value = receipts.getBinary(id)
        if (value !== undefined && isExpired(id, new Uint8Array(value))) void receipts.remove(id)
      }
    })
  }
  return looked < most ? undefined : last
}
