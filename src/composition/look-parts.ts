import type { FolderOwner } from '../disk/folder-lock.ts'
import type { World } from '../foundation/world.ts'
import type { OpenTrackingStore } from '../ports/tracking-store.ts'

/** What looks need of the process. */
export interface LookParts {
  readonly world: World
  readonly owner: FolderOwner
  readonly openTrackingStore: OpenTrackingStore
}
