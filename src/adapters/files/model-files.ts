import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ModelVersion, NewModelVersion, RegisteredModel } from '../../ports/model-registry.ts'
import { checkModelName, keyPath } from './key-paths.ts'
import { locateRun, type TrackerParts } from './locate-run.ts'
import { decodeMeta, encodeMeta } from './meta-file.ts'
import { readTexts } from './run-files.ts'
import type { StoreFolder } from './store-folder.ts'

/*
 * How models and their versions stand in a store: `models/<name>/` with `meta.yaml`, `tags/`, `aliases/`, and
 * a folder `version-<number>/` for each version.
 */

/** @throws TRACKING_NAME_INVALID */
export const modelFolder = (store: StoreFolder, name: string): string => {
  checkModelName(name)
  return join(store.root, 'models', name)
}

/** @throws TRACKING_NAME_INVALID */
export const versionFolder = (store: StoreFolder, name: string, version: number): string =>
  join(modelFolder(store, name), `version-${version}`)

/** undefined where there is none. @throws TRACKING_NAME_INVALID, TRACKING_STORE_BROKEN */
export const readModel = (store: StoreFolder, name: string): RegisteredModel | undefined => {
  const folder = modelFolder(store, name)
  const path = join(folder, 'meta.yaml')
  const text = store.read(path)
  if (text === undefined) return undefined
  return {
    name,
    description: decodeMeta(text, path).text('description') ?? '',
    tags: readTexts(store, join(folder, 'tags')),
    aliases: aliasesOf(store, name),
  }
}

/** Makes the folder of a model where there is none. */
export const makeModel = (store: StoreFolder, name: string, description: string, nowMs: number): void => {
  const meta = encodeMeta({
    creation_timestamp: nowMs,
    description,
    last_updated_timestamp: nowMs,
    name,
  })
  store.makeFolder(modelFolder(store, name), { 'meta.yaml': meta }, ['tags', 'aliases'])
}

/** Version by alias. */
const aliasesOf = (store: StoreFolder, name: string): Record<string, number> => {
  const folder = join(modelFolder(store, name), 'aliases')
  return Object.fromEntries(
    store.list(folder, 'file').map((alias) => [alias, Number(store.read(join(folder, alias)))]),
  )
}

/** Numbers of a model's versions, the latest first. */
export const versionNumbers = (store: StoreFolder, name: string): number[] =>
  store
    .list(modelFolder(store, name), 'folder')
    .flatMap((entry) => (/^version-\d+$/.test(entry) ? [Number(entry.slice('version-'.length))] : []))
    .sort((a, b) => b - a)

/** undefined where there is none. @throws TRACKING_NAME_INVALID, TRACKING_STORE_BROKEN */
export const readVersion = (store: StoreFolder, name: string, version: number): ModelVersion | undefined => {
  const folder = versionFolder(store, name, version)
  const path = join(folder, 'meta.yaml')
  const text = store.read(path)
  if (text === undefined) return undefined
  const meta = decodeMeta(text, path)
  const runId = meta.text('run_id')
  return {
    name,
    version,
    source: meta.text('storage_location') ?? meta.required('source'),
    ...(runId === undefined || runId === '' ? {} : { runId }),
    createdTimeMs: meta.number('creation_timestamp') ?? 0,
    description: meta.text('description') ?? '',
    tags: readTexts(store, join(folder, 'tags')),
    aliases: Object.entries(aliasesOf(store, name)).flatMap(([alias, of]) => (of === version ? [alias] : [])),
  }
}

/** Makes the next version, whose files are at `source`. Only under the store's lock. */
export const makeVersion = (
  { store, user, now }: TrackerParts,
  { name, runId, description = '', tags = {} }: NewModelVersion,
  source: string,
): ModelVersion => {
  for (;;) {
    const number = (versionNumbers(store, name)[0] ?? 0) + 1
    const nowMs = now()
    const meta = encodeMeta({
      creation_timestamp: nowMs,
      current_stage: 'None',
      description,
      last_updated_timestamp: nowMs,
      name,
      run_id: runId,
      run_link: null,
      source,
      status: 'READY',
      status_message: null,
      storage_location: source,
      user_id: user,
      version: number,
    })
    const files = Object.entries(tags).map(([key, value]) => [keyPath('tags', 'Tag', key), value])
    const all = { 'meta.yaml': meta, ...Object.fromEntries(files) }
    if (store.makeFolder(versionFolder(store, name, number), all, ['tags']))
      return readVersion(store, name, number)!
  }
}

/** Where a version's files lie now: the store may have been moved since the version was made. */
export const filesOfVersion = (
  { store, location }: TrackerParts,
  { source, runId }: ModelVersion,
): string => {
  const path = source.startsWith('file:') ? fileURLToPath(source) : source
  const inside = runId === undefined ? -1 : path.indexOf(`${runId}${sep}artifacts${sep}`)
  if (runId === undefined || inside < 0) return path
  const { folder } = locateRun(store, location, runId)
  return join(folder, path.slice(inside + runId.length))
}
