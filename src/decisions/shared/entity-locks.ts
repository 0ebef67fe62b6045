import type { EntityKey } from '../../ports/state-store.ts'

/** Lets one task at a time work on an entity, in the order in which they came. */
export interface EntityLocks {
  /** Waits until all of `keys` are free and holds them. @returns gives them back */
  acquire(keys: readonly EntityKey[]): Promise<() => void>
}

/**
 * Every task waits for the last one before it on each of its keys; nobody waits for a later one, so there is
 * no deadlock.
 */
export const createEntityLocks = (): EntityLocks => {
  const last = new Map<string, Promise<void>>()
  return {
    acquire: async (keys) => {
      const names = keys.map(({ kind, token }) => `${kind}/${token}`)
      let release: () => void = () => undefined
      const held = new Promise<void>((resolve) => {
        release = resolve
      })
      const before = names.map((name) => last.get(name))
      for (const name of names) last.set(name, held)
      await Promise.all(before)
      return () => {
        for (const name of names) if (last.get(name) === held) last.delete(name)
        release()
      }
    },
  }
}
