import { join } from 'node:path'
import { VigiaError } from '../../errors.ts'
import { decodeRunMeta, type RunMeta } from './run-files.ts'
import type { StoreFolder } from './store-folder.ts'

/** What the tracker uses of the store that it is a part of. */
export interface TrackerParts {
  readonly store: StoreFolder
  /** For people. */
  readonly location: string
  readonly user: string
  readonly now: () => number
  /** Does `work` while nobody else writes what must be unique. */
  readonly alone: <T>(work: () => T) => Promise<T>
}

/** Folder and meta of a run. @throws TRACKING_NOT_FOUND, TRACKING_STORE_BROKEN */
export const locateRun = (
  store: StoreFolder,
  location: string,
  runId: string,
): { readonly folder: string; readonly experimentFolder: string; readonly meta: RunMeta } => {
  if (/^[\w-]+$/.test(runId))
    for (const experiment of store.list(store.root, 'folder')) {
      const experimentFolder = join(store.root, experiment)
      const folder = join(experimentFolder, runId)
      const path = join(folder, 'meta.yaml')
      const text = store.read(path)
      if (text !== undefined) return { folder, experimentFolder, meta: decodeRunMeta(text, path) }
    }
  throw new VigiaError('TRACKING_NOT_FOUND', { location, what: `run ${runId}` })
}
