import { type Database, open, type RootDatabase } from 'lmdb'
import { type FolderOwner, holdFolder } from '../../disk/folder-lock.ts'
import { VigiaError } from '../../errors.ts'
import type { Receipt, StateChange, StateStore, StoredState } from '../../ports/state-store.ts'
import { ENTITY_KINDS, type EntityKind } from '../../transaction/entity-kind.ts'

export interface LmdbOptions {
  /** Made when it is not there. */
  readonly folder: string
  readonly owner: FolderOwner
}

/** Version (8 bytes, little-endian double) before each state. */
const VERSION_BYTES = 8

/**
 * States in a folder of this machine, for one process.
 *
 * LMDB writes pages beside those in use and switches over at the end, so a process that is killed at any
 * moment leaves the last complete transaction. `save` resolves when its transaction is complete: what it
 * wrote survives this process. The disk has it some moments later (LMDB flushes in the background, in order,
 * so a power failure also leaves a complete earlier transaction); `close` waits for that.
 *
 * @throws SERVING_FOLDER_IN_USE, SERVING_STORE_FAILED
 */
export const openLmdbStateStore = async ({ folder, owner }: LmdbOptions): Promise<StateStore> => {
  const failed = (error: unknown): VigiaError =>
    error instanceof VigiaError
      ? error
      : new VigiaError(
          'SERVING_STORE_FAILED',
          { store: folder, reason: error instanceof Error ? error.message : String(error) },
          { cause: error },
        )
  let release: (() => void) | undefined
  let root: RootDatabase<Uint8Array, string>
  let states: Record<EntityKind, Database<Buffer, number>>
  let receipts: Database<Buffer, string>
  let notes: Database<string, string>
  try {
    release = holdFolder(folder, owner)
    root = open({ path: folder, maxDbs: 8, encoding: 'binary', noSubdir: false })
    const statesOf = (kind: EntityKind) =>
      root.openDB<Buffer, number>({ name: `states-${kind}`, encoding: 'binary' })
    states = { user: statesOf('user'), merchant: statesOf('merchant'), device: statesOf('device') }
    receipts = root.openDB<Buffer, string>({ name: 'receipts', encoding: 'binary' })
    notes = root.openDB<string, string>({ name: 'notes', encoding: 'string' })
  } catch (error) {
    release?.()
    throw failed(error)
  }

  const guarded = async <T>(work: () => T | Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw failed(error)
    }
  }
  const versionOf = ({ key }: StateChange): number => {
    const stored = states[key.kind].getBinaryFast(key.token)
    return stored === undefined ? 0 : stored.readDoubleLE(0)
  }

  /** What is written in one turn is one transaction, which a thread of its own makes. */
  const write = async (changes: readonly StateChange[], added: readonly Receipt[]): Promise<boolean> => {
    if (!changes.every((change) => versionOf(change) === change.expected)) return false
    await Promise.all([
      ...changes.map((change) => states[change.key.kind].put(change.key.token, encode(change))),
      ...added.map(({ id, bytes }) => receipts.put(id, asBuffer(bytes))),
    ])
    return true
  }
  // Nobody else may write into the folder, and here saves come one after the other: versions that were read
  // are those that will be replaced.
  let lastSave: Promise<void> = Promise.resolve()

  return {
    load: (keys) =>
      guarded(() =>
        keys.map(({ kind, token }) => {
          const stored = states[kind].getBinary(token)
          return stored === undefined ? undefined : decode(stored)
        }),
      ),
    save: (changes, added = []) => {
      const own = lastSave.then(() => guarded(() => write(changes, added)))
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
      guarded(async () => {
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
        if (expired.length > 0)
          await root.transaction(() => {
            for (const id of expired) {
              // It may have been replaced since.
              const value = receipts.getBinary(id)
              if (value !== undefined && isExpired(id, new Uint8Array(value))) void receipts.remove(id)
            }
          })
        return looked < most ? undefined : last
      }),
    readNote: (name) => guarded(() => notes.get(name)),
    writeNote: (name, text) =>
      guarded(async () => {
        await notes.put(name, text)
      }),
    async *entries(kind) {
      for (const { key, value } of states[kind].getRange({ snapshot: false }))
        yield { token: key, ...decode(value) }
    },
    count: () =>
      guarded(() => ({
        user: countOf(states.user),
        merchant: countOf(states.merchant),
        device: countOf(states.device),
      })),
    clear: () =>
      guarded(async () => {
        for (const kind of ENTITY_KINDS) await states[kind].clearAsync()
        await receipts.clearAsync()
        await notes.clearAsync()
      }),
    close: () =>
      guarded(async () => {
        await root.flushed
        await root.close()
        release?.()
      }),
  }
}

const countOf = (database: Database<Buffer, number>): number =>
  (database.getStats() as { readonly entryCount: number }).entryCount

const encode = ({ bytes, expected }: StateChange): Buffer => {
  const value = Buffer.allocUnsafe(VERSION_BYTES + bytes.length)
  value.writeDoubleLE(expected + 1, 0)
  value.set(bytes, VERSION_BYTES)
  return value
}

/** A copy: the bytes that LMDB hands out are those of the next read too. */
const decode = (stored: Buffer): StoredState => ({
  version: stored.readDoubleLE(0),
  bytes: new Uint8Array(stored.subarray(VERSION_BYTES)),
})

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
