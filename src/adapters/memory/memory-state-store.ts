import type { EntityKey, StateStore, StoredState } from '../../ports/state-store.ts'

/** States in this process's memory: for tests, and for scoring files. They are gone when the process ends. */
export const createMemoryStateStore = (): StateStore => {
  const states = new Map<string, StoredState>()
  const nameOf = ({ kind, token }: EntityKey): string => `${kind}/${token}`
  return {
    async load(keys) {
      return keys.map((key) => states.get(nameOf(key)))
    },
    async save(changes) {
      const isCurrent = changes.every(
        ({ key, expected }) => (states.get(nameOf(key))?.version ?? 0) === expected,
      )
      if (!isCurrent) return false
      for (const { key, bytes, expected } of changes) {
        states.set(nameOf(key), { bytes: bytes.slice(), version: expected + 1 })
      }
      return true
    },
    async close() {
      states.clear()
    },
  }
}
