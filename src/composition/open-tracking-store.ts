import { relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createFileStore } from '../adapters/files/file-store.ts'
import { createMlflowStore } from '../adapters/mlflow/mlflow-store.ts'
import type { FolderOwner } from '../disk/folder-lock.ts'
import { VigiaError } from '../errors.ts'
import { parseDuration } from '../foundation/duration.ts'
import type { World } from '../foundation/world.ts'
import type { OpenTrackingStore } from '../ports/tracking-store.ts'

/** What the embedded store needs of this process. */
export interface TrackingPlace {
  /** Absolute; relative names of folders are shown, and read from MLFLOW_TRACKING_URI, from here. */
  readonly workingDirectory: string
  readonly world: Pick<World, 'now'>
  readonly owner: FolderOwner
}

/**
 * An MLflow server where `tracking.uri` or MLFLOW_TRACKING_URI names one, in this order; a folder in its
 * layout where they name a folder, or nothing (`tracking.directory`).
 */
export const trackingStoreOpener =
  ({ workingDirectory, world, owner }: TrackingPlace): OpenTrackingStore =>
  (settings, environment) => {
    const setting = settings.uri === '' ? 'MLFLOW_TRACKING_URI' : 'tracking.uri'
    const uri = settings.uri || environment['MLFLOW_TRACKING_URI'] || ''
    if (/^https?:/i.test(uri))
      return createMlflowStore({
        uri,
        environment,
        timeoutMs: parseDuration(settings.timeout),
        retries: settings.retries,
      })
    const folder = uri === '' ? settings.directory : folderOf(uri, setting, workingDirectory)
    return createFileStore({
      folder,
      location: relative(workingDirectory, folder) || '.',
      now: world.now,
      owner,
    })
  }

/** @throws TRACKING_URI_UNSUPPORTED */
const folderOf = (uri: string, setting: string, workingDirectory: string): string => {
  if (/^file:/i.test(uri)) {
    try {
      return fileURLToPath(uri)
    } catch {
      throw new VigiaError('TRACKING_URI_UNSUPPORTED', { setting, got: uri })
    }
  }
  // A letter and a colon begin a path on Windows; more letters name another kind of store.
  if (/^[a-z][a-z0-9+.-]+:/i.test(uri) || uri === 'databricks')
    throw new VigiaError('TRACKING_URI_UNSUPPORTED', { setting, got: uri })
  return resolve(workingDirectory, uri)
}
