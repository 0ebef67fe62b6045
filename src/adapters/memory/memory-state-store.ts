import type { EntityKey, StateStore, StoredState } from '../../ports/state-store.ts'
import { ENTITY_KINDS, type EntityKind } from '../../transaction/entity-kind.ts'

/** States in this process's memory: for tests, and for scoring files. They are gone when the process ends. */
export const createMemoryStateStore = (): StateStore => {
  const states: Record<EntityKind, Map<number, StoredState>> = {
    user: new Map(),
    merchant: new Map(),
    device: new Map(),
  }
  const receipts = new Map<string, Uint8Array>()
  const notes = new Map<string, string>()
  const stateOf = ({ kind, token }: EntityKey): StoredState | undefined => states[kind].get(token)
  const forget = (): void => {
    for (const kind of ENTITY_KINDS) states[kind].clear()
    receipts.clear()
    notes.clear()
  }
  return {
    load: async (keys) => keys.map(stateOf),
    save: async (changes, added = []) => {
      const isCurrent = changes.every(({ key, expected }) => (stateOf(key)?.version ?? 0) === expected)
      if (!isCurrent) return false
      for (const { key, bytes, expected } of changes)
        states[key.kind].set(key.token, { bytes: new Uint8Array(bytes), version: expected + 1 })
      for (const { id, bytes } of added) receipts.set(id, new Uint8Array(bytes))
      return true
    },
    findReceipt: async (id) => receipts.get(id),
    sweepReceipts: async (after, most, isExpired) => {
      const ids = [...receipts.keys()].filter((id) => after === undefined || id > after).sort()
      const looked = ids.slice(0, most)
      for (const id of looked) if (isExpired(id, receipts.get(id)!)) receipts.delete(id)
      return ids.length > most ? looked.at(-1) : undefined
    },
    readNote: async (name) => notes.get(name),
    writeNote: async (name, text) => {
      notes.set(name, text)
    },
    async *entries(kind) {
      for (const [token, state] of states[kind]) yield { token, ...state }
    },
    count: async () => ({
      user: states.user.size,
      merchant: states.merchant.size,
      device: states.device.size,
    }),
    clear: async () => forget(),
    close: async () => forget(),
  }
}
