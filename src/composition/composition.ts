import type { FolderOwner } from '../disk/folder-lock.ts'
import type { World } from '../foundation/world.ts'

/** What commands are composed of, as the process has it. */
export interface ProcessParts {
  /** Of Vigía. */
  readonly version: string
  /** Absolute. */
  readonly workingDirectory: string
  readonly owner: FolderOwner
  /** Its `monotonicMs` counts from the start of the process. */
  readonly world: World
}
