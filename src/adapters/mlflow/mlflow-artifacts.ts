import { randomUUID } from 'node:crypto'
import { copyFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { VigiaError } from '../../errors.ts'
import type { ArtifactEntry } from '../../ports/experiment-tracker.ts'
import { checkTrackingKey } from '../../ports/tracking-limits.ts'
import type { MlflowClient } from './mlflow-client.ts'

/**
 * A place where artifacts lie, and how files get there and back. Paths are relative to it, with slashes; ''
 * is itself.
 */
export interface ArtifactPlace {
  /** Whether files go past the server, straight to a disk. */
  readonly isLocal: boolean
  /** What lies directly in a folder, in any order; empty when there is none. */
  list(folder: string): Promise<readonly ArtifactEntry[]>
  /** Replaces the file of that path, whatever its size. */
  upload(localFile: string, path: string): Promise<void>
  download(path: string, localFile: string): Promise<void>
}

/**
 * The place that an address of artifacts names: `mlflow-artifacts:/…` through the server's proxy, `file://…`
 * and plain paths on this machine's disk.
 *
 * @throws TRACKING_REFUSED for others (`s3://…`): only a server that serves artifacts itself reaches those
 * without its software
 */
export const openArtifactPlace = (client: MlflowClient, uri: string): ArtifactPlace => {
  const proxied = proxiedPathOf(client.location, uri)
  if (proxied !== undefined) return proxiedPlace(client, proxied)
  if (uri.startsWith('file:')) return localPlace(fileURLToPath(uri))
  if (uri.startsWith('/')) return localPlace(uri)
  throw new VigiaError('TRACKING_REFUSED', {
    location: client.location,
    request: `artifacts at ${uri}`,
    reason:
      'artifacts go through the server (mlflow server --serve-artifacts) or to a local folder; an experiment keeps the place that it was made with',
  })
}

/**
 * Copies a local file or folder to `path` of a place. @throws TRACKING_NAME_INVALID before anything is copied
 */
export const uploadAll = async (place: ArtifactPlace, localPath: string, path: string): Promise<void> => {
  const files = await filesBelow(localPath)
  const moves = files.map((file) => ({ from: join(localPath, file), to: joined(path, file) }))
  for (const { to } of moves) checkTrackingKey('Artifact path', to)
  for (const { from, to } of moves) await place.upload(from, to)
}

/**
 * Copies a file or folder to a local path; the path appears when it is complete.
 *
 * @returns false when there is nothing at `path`
 */
export const downloadAll = async (
  place: ArtifactPlace,
  path: string,
  localPath: string,
): Promise<boolean> => {
  const entry = await findEntry(place, path)
  if (entry === undefined) return false
  const part = `${localPath}.part-${randomUUID()}`
  await mkdir(dirname(localPath), { recursive: true })
  try {
    await downloadEntry(place, entry, part)
    await rename(part, localPath)
  } catch (error) {
    await rm(part, { recursive: true, force: true })
    throw error
  }
  return true
}

const downloadEntry = async (
  place: ArtifactPlace,
  entry: ArtifactEntry,
  localPath: string,
): Promise<void> => {
  if (!entry.isFolder) return place.download(entry.path, localPath)
  await mkdir(localPath)
  for (const child of await place.list(entry.path))
    await downloadEntry(place, child, join(localPath, basename(child.path)))
}

const findEntry = async (place: ArtifactPlace, path: string): Promise<ArtifactEntry | undefined> => {
  if (path === '') return (await place.list('')).length === 0 ? undefined : { path, isFolder: true }
  const parent = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : ''
  return (await place.list(parent)).find((entry) => entry.path === path)
}

/** Paths of all files in a folder, relative to it; [''] for a file. Links are followed. */
const filesBelow = async (localPath: string): Promise<readonly string[]> => {
  if (!(await stat(localPath)).isDirectory()) return ['']
  const files: string[] = []
  for (const name of (await readdir(localPath)).sort())
    for (const file of await filesBelow(join(localPath, name))) files.push(joined(name, file))
  return files
}

const joined = (folder: string, path: string): string =>
  [folder, path].filter((part) => part !== '').join('/')

const PROXY = '/api/2.0/mlflow-artifacts/artifacts'

/**
 * `mlflow-artifacts:/1/run/artifacts`, or with this server's own address in front; other servers get no
 * credentials of ours.
 */
const proxiedPathOf = (location: string, uri: string): string | undefined => {
  const prefixes = [
    'mlflow-artifacts:///',
    `mlflow-artifacts://${new URL(location).host}/`,
    'mlflow-artifacts:/',
    `${location}${PROXY}/`,
  ]
  const prefix = prefixes.find((candidate) => uri.startsWith(candidate))
  const path = prefix === undefined ? undefined : uri.slice(prefix.length)
  return path?.startsWith('/') ? undefined : path
}

const proxiedPlace = (client: MlflowClient, root: string): ArtifactPlace => {
  const addressOf = (path: string): string =>
    `${PROXY}/${joined(root, path).split('/').map(encodeURIComponent).join('/')}`
  return {
    isLocal: false,
    async list(folder) {
      const { files = [] } = await client.ask<{ files?: readonly WireFile[] }>({
        method: 'GET',
        path: PROXY,
        query: { path: joined(root, folder) },
      })
      return files.map(({ path, is_dir, file_size }) => ({
        path: joined(folder, basename(path)),
        isFolder: is_dir === true,
        ...(is_dir !== true && { size: Number(file_size ?? 0) }),
      }))
    },
    upload: (localFile, path) => client.upload(localFile, addressOf(path)),
    download: (path, localFile) => client.download(addressOf(path), localFile),
  }
}

interface WireFile {
  readonly path: string
  readonly is_dir?: boolean
  readonly file_size?: number | string
}

const localPlace = (root: string): ArtifactPlace => ({
  isLocal: true,
  async list(folder) {
    const names = await readdir(join(root, folder)).catch(missingIsEmpty)
    return Promise.all(
      names.map(async (name) => {
        const status = await stat(join(root, folder, name))
        const isFolder = status.isDirectory()
        return { path: joined(folder, name), isFolder, ...(!isFolder && { size: status.size }) }
      }),
    )
  },
  async upload(localFile, path) {
    const target = join(root, path)
    const part = `${target}.part-${randomUUID()}`
    await mkdir(dirname(target), { recursive: true })
    await copyFile(localFile, part)
    await rename(part, target)
  },
  download: (path, localFile) => copyFile(join(root, path), localFile),
})

const missingIsEmpty = (error: NodeJS.ErrnoException): readonly string[] => {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return []
  throw error
}
