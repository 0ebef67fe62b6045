/** A thing that a target keeps. */
export interface KeptBlob {
  /** Parts with `/` between them: lower-case letters, digits, `.`, `_` and `-`. */
  readonly key: string
  readonly bytes: number
}

/**
 * Where backups are kept: a folder, or a bucket of an object store.
 *
 * Laws (`src/backup/backup-target-laws.test-kit.ts`):
 * 1. `put` keeps a blob whole or not at all, whenever it is interrupted, and replaces what was there.
 * 2. `get` gives the bytes of the last `put`; undefined where there is none.
 * 3. `list` gives every key that begins with a prefix once, in no order, with its size.
 * 4. `remove` removes what is there, and does nothing where there is nothing.
 */
export interface BackupTarget {
  /** For people. */
  readonly name: string
  /** Where it lies on this machine, absolute; absent for one that lies elsewhere. */
  readonly folder?: string
  /** @throws BACKUP_TARGET_FAILED, as all of these do */
  put(key: string, bytes: Uint8Array): Promise<void>
  get(key: string): Promise<Uint8Array | undefined>
  list(prefix: string): Promise<readonly KeptBlob[]>
  remove(key: string): Promise<void>
}
