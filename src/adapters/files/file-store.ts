import { type FolderOwner, workInFolder } from '../../disk/folder-lock.ts'
import type { TrackingStore } from '../../ports/tracking-store.ts'
import { createFileRegistry } from './file-registry.ts'
import { createFileTracker } from './file-tracker.ts'
import { openStoreFolder } from './store-folder.ts'

export interface FileStoreOptions {
  /** Absolute; made when something is written first. */
  readonly folder: string
  /** The folder as people know it; `folder` when absent. */
  readonly location?: string
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly owner: FolderOwner
  /** Who runs belong to; MLflow's `unknown` when absent. */
  readonly user?: string
}

/**
 * A tracker and a registry in a folder with MLflow's own file layout (`mlruns`), which `mlflow
 * migrate-filestore` imports.
 *
 * Files appear whole or not at all, several processes may write at once, and a process that is killed leaves
 * a readable store: what a call has written is there when it returns. It is not forced to the disk: a loss of
 * power can cost the last seconds.
 */
export const createFileStore = ({
  folder,
  location = folder,
  now,
  owner,
  user = 'unknown',
}: FileStoreOptions): TrackingStore => {
  const store = openStoreFolder(folder, now)
  const alone = <T>(work: () => T): Promise<T> => workInFolder(store.bin, { owner, now, location }, work)
  const parts = { store, location, user, now, alone }
  return { tracker: createFileTracker(parts), registry: createFileRegistry(parts) }
}
