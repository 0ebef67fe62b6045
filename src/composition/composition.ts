import type { FolderOwner } from '../disk/folder-lock.ts'

/** What commands are composed of, as the process has it. */
export interface ProcessParts {
  /** Of Vigía. */
  readonly version: string
  /** Absolute. */
  readonly workingDirectory: string
  readonly owner: FolderOwner
  /** Wall clock, epoch milliseconds. */
  readonly now: () => number
  /** A clock that never goes back: milliseconds since the process was started. */
  readonly monotonicMs: () => number
  /** A new UUID. */
  readonly newId: () => string
}
