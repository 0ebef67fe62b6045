import type { BackupTarget } from '../ports/backup-target.ts'

/** A target of a test, in memory. */
export type MemoryTarget = Omit<BackupTarget, 'put' | 'folder'> & {
  put: BackupTarget['put']
  folder?: string

  readonly blobs: Map<string, Uint8Array>
  /** Writes after so many fail. */
  failAfter(writes: number): void
}

export const memoryTarget = (): MemoryTarget => {
  const blobs = new Map<string, Uint8Array>()
  let left = Number.POSITIVE_INFINITY
  return {
    name: 'memory',
    blobs,
    failAfter: (writes) => {
      left = writes
    },
    put: async (key, bytes) => {
      if (left-- <= 0) throw new Error('the connection is gone')
      blobs.set(key, Uint8Array.from(bytes))
    },
    get: async (key) => {
      const found = blobs.get(key)
      return found && Uint8Array.from(found)
    },
    list: async (prefix) =>
      [...blobs]
        .filter(([key]) => key.startsWith(prefix))
        .map(([key, bytes]) => ({ key, bytes: bytes.length })),
    remove: async (key) => void blobs.delete(key),
  }
}
