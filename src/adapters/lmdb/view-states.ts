import type { StatesView } from '../../ports/state-store.ts'
import { decodeState, type LmdbDatabases, VERSION_BYTES } from './lmdb-databases.ts'

/**
 * The states as they are now: one read transaction over all databases, which LMDB serves from the pages that
 * later writes leave alone. Until `close` no page is used again that it may need.
 */
export const viewStates = ({ root, statesOf, knownKinds, receipts }: LmdbDatabases): StatesView => {
  const kinds = knownKinds()
  // Opened before: a database that is opened later is not in the transaction.
  for (const kind of kinds) statesOf(kind)
  const transaction = root.useReadTransaction()
  const read = (database: { get(key: never, options: object): Buffer | undefined }, key: unknown) =>
    database.get(key as never, { transaction })
  let isClosed = false
  return {
    kinds,
    load: async (keys) =>
      keys.map(({ kind, token }) => {
        const stored = kinds.includes(kind) ? read(statesOf(kind), token) : undefined
        return stored === undefined ? undefined : decodeState(stored)
      }),
    findReceipt: async (id) => {
      const found = read(receipts, id)
      return found && new Uint8Array(found)
    },
    async *entries(kind) {
      // Not copied: with gigabytes of states that would be as much garbage.
      for (const { key, value } of statesOf(kind).getRange({ transaction }))
        yield { token: key, version: value.readDoubleLE(0), bytes: value.subarray(VERSION_BYTES) }
    },
    async *receipts(prefix) {
      for (const { key, value } of receipts.getRange({ start: prefix, transaction })) {
        if (!key.startsWith(prefix)) return
        yield { id: key, bytes: new Uint8Array(value) }
      }
    },
    close: () => {
      if (isClosed) return
      isClosed = true
      transaction.done()
    },
  }
}
