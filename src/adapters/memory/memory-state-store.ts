import type { EntityKey, OwnedStateStore, StatesView, StoredState } from '../../ports/state-store.ts'
import { byKind, ENTITY_KINDS, type EntityKind } from '../../transaction/entity-kind.ts'

/** States in this process's memory: for tests, and for scoring files. They are gone when the process ends. */
export const createMemoryStateStore = (): OwnedStateStore => {
  const states = new Map<EntityKind, Map<number, StoredState>>(ENTITY_KINDS.map((kind) => [kind, new Map()]))
  const statesOf = (kind: EntityKind): Map<number, StoredState> => {
    const known = states.get(kind)
    if (known !== undefined) return known
    const added = new Map<number, StoredState>()
    states.set(kind, added)
    return added
  }
  const receipts = new Map<string, Uint8Array>()
  const notes = new Map<string, string>()
  const stateOf = ({ kind, token }: EntityKey): StoredState | undefined => statesOf(kind).get(token)
  const forget = (): void => {
    for (const ofKind of states.values()) ofKind.clear()
    receipts.clear()
    notes.clear()
  }
  return {
    load: async (keys) => keys.map(stateOf),
    save: async (changes, added = [], removed = []) => {
      const isCurrent = [...changes, ...removed].every(
        ({ key, expected }) => (stateOf(key)?.version ?? 0) === expected,
      )
      if (!isCurrent) return false
      for (const { key } of removed) statesOf(key.kind).delete(key.token)
      for (const { key, bytes, expected } of changes)
        statesOf(key.kind).set(key.token, { bytes: new Uint8Array(bytes), version: expected + 1 })
      for (const { id, bytes } of added) receipts.set(id, new Uint8Array(bytes))
      return true
    },
    statesAfter: async (kind, after = -1, most) =>
      [...statesOf(kind)]
        .filter(([token]) => token > after)
        .sort(([a], [b]) => a - b)
        .slice(0, most)
        .map(([token, state]) => ({ token, ...state })),
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
      for (const [token, state] of statesOf(kind)) yield { token, ...state }
    },
    count: async () => byKind([...states.keys()], (kind) => statesOf(kind).size),
    clear: async () => forget(),
    flush: async () => undefined,
    view: async () => viewOf(states, receipts),
    close: async () => forget(),
  }
}

/** Of maps whose values are replaced and never changed. */
const viewOf = (
  live: ReadonlyMap<EntityKind, ReadonlyMap<number, StoredState>>,
  liveReceipts: ReadonlyMap<string, Uint8Array>,
): StatesView => {
  const states = new Map([...live].map(([kind, ofKind]) => [kind, new Map(ofKind)]))
  const receipts = new Map(liveReceipts)
  return {
    kinds: [...states.keys()],
    load: async (keys) => keys.map(({ kind, token }) => states.get(kind)?.get(token)),
    findReceipt: async (id) => receipts.get(id),
    async *entries(kind) {
      const entries = [...(states.get(kind) ?? [])].sort(([a], [b]) => a - b)
      for (const [token, state] of entries) yield { token, ...state }
    },
    async *receipts(prefix) {
      const ids = [...receipts.keys()].filter((id) => id.startsWith(prefix)).sort()
      for (const id of ids) yield { id, bytes: receipts.get(id)! }
    },
    close: () => undefined,
  }
}
