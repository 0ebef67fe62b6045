import type { StatesView } from '../../ports/state-store.ts'
import type { LmdbDatabases } from './lmdb-databases.ts'
import { readState, stateFound } from './stored-states.ts'

/** Bytes of room for a state at first; it grows with the states. */
const FIRST_ROOM = 1 << 16

/**
 * The states as they are now: one read transaction over all databases, which LMDB serves from the pages that
 * later writes leave alone. Until `close` no page is used again that it may need.
 */
export const viewStates = (databases: LmdbDatabases): StatesView => {
  const { root, statesOf, knownKinds, receipts } = databases
  const kinds = knownKinds()
  // Opened before: a database that is opened later is not in the transaction.
  for (const kind of kinds) statesOf(kind)
  const transaction = root.useReadTransaction()
  // With gigabytes of states copies would be as much garbage.
  let scratch = new Uint8Array(FIRST_ROOM)
  const room = (bytes: number): Uint8Array => {
    if (bytes > scratch.length) scratch = new Uint8Array(2 * bytes)
    return scratch.subarray(0, bytes)
  }
  let isClosed = false
  return {
    kinds,
    load: async (keys) =>
      keys.map((key) => (kinds.includes(key.kind) ? readState(databases, key, { transaction }) : undefined)),
    findReceipt: async (id) => {
      const found = receipts.get(id, { transaction })
      return found && new Uint8Array(found)
    },
    async *entries(kind) {
      for (const { key: token, value } of statesOf(kind).getRange({ transaction })) {
        const state = stateFound(databases, { kind, token }, value, { transaction, room })
        if (state !== undefined) yield { token, ...state }
      }
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
