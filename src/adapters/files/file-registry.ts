import { rmSync } from 'node:fs'
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { VigiaError } from '../../errors.ts'
import type {
  ModelRegistry,
  ModelVersion,
  NewModelVersion,
  RegisteredModel,
} from '../../ports/model-registry.ts'
import { checkAlias, checkTrackingKey } from '../../ports/tracking-limits.ts'
import { copyFromStore } from './artifact-files.ts'
import { locateRun, type TrackerParts } from './file-tracker.ts'
import { checkModelName, keyPath } from './key-paths.ts'
import { decodeMeta, encodeMeta } from './meta-file.ts'
import { checkEntries, readTexts } from './run-files.ts'

/** The registry of a folder in MLflow's layout, `models/` in it. */
export const createFileRegistry = (parts: TrackerParts): ModelRegistry => {
  const { store, location, now, alone } = parts
  const folderOf = (name: string): string => {
    checkModelName(name)
    return join(store.root, 'models', name)
  }
  const versionFolder = (name: string, version: number): string => join(folderOf(name), `version-${version}`)
  const required = (name: string, version: number): ModelVersion => {
    const found = readVersion(name, version)
    if (found === undefined) throw notFound(`version ${version} of model ${name}`)
    return found
  }
  const notFound = (what: string) => new VigiaError('TRACKING_NOT_FOUND', { location, what })

  const aliasesOf = (name: string): Record<string, number> => {
    const folder = join(folderOf(name), 'aliases')
    return Object.fromEntries(
      store.list(folder, 'file').map((alias) => [alias, Number(store.read(join(folder, alias)))]),
    )
  }
  const readModel = (name: string): RegisteredModel | undefined => {
    const folder = folderOf(name)
    const path = join(folder, 'meta.yaml')
    const text = store.read(path)
    if (text === undefined) return undefined
    return {
      name,
      description: decodeMeta(text, path).text('description') ?? '',
      tags: readTexts(store, join(folder, 'tags')),
      aliases: aliasesOf(name),
    }
  }
  const numbersOf = (name: string): number[] =>
    store
      .list(folderOf(name), 'folder')
      .flatMap((entry) => (/^version-\d+$/.test(entry) ? [Number(entry.slice('version-'.length))] : []))
      .sort((a, b) => b - a)
  const readVersion = (name: string, version: number): ModelVersion | undefined => {
    const folder = versionFolder(name, version)
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
      aliases: Object.entries(aliasesOf(name)).flatMap(([alias, of]) => (of === version ? [alias] : [])),
    }
  }
  const createVersion = (version: NewModelVersion, source: string): ModelVersion => {
    const { name, runId, description = '', tags = {} } = version
    for (;;) {
      const number = (numbersOf(name)[0] ?? 0) + 1
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
        user_id: parts.user,
        version: number,
      })
      const files = Object.entries(tags).map(([key, value]) => [keyPath('tags', 'Tag', key), value])
      const all = { 'meta.yaml': meta, ...Object.fromEntries(files) }
      if (store.makeFolder(versionFolder(name, number), all, ['tags'])) return readVersion(name, number)!
    }
  }
  /** Where the files lie now: the store may have been moved since the version was made. */
  const filesOf = ({ source, runId }: ModelVersion): string => {
    const path = source.startsWith('file:') ? fileURLToPath(source) : source
    const inside = runId === undefined ? -1 : path.indexOf(`${runId}${sep}artifacts${sep}`)
    if (runId === undefined || inside < 0) return path
    const { folder } = locateRun(store, location, runId)
    return join(folder, path.slice(inside + runId.length))
  }

  return {
    location,
    ensureModel: async (name, description) => {
      const nowMs = now()
      const meta = encodeMeta({
        creation_timestamp: nowMs,
        description,
        last_updated_timestamp: nowMs,
        name,
      })
      const folder = folderOf(name)
      if (readModel(name) === undefined) store.makeFolder(folder, { 'meta.yaml': meta }, ['tags', 'aliases'])
      return readModel(name)!
    },
    findModel: async (name) => readModel(name),
    listModels: async () => ({
      items: store.list(join(store.root, 'models'), 'folder').flatMap((name) => readModel(name) ?? []),
    }),
    createVersion: async (version) => {
      const { name, runId, artifactPath, tags = {} } = version
      checkTrackingKey('Artifact', artifactPath)
      checkEntries({}, tags, [])
      if (readModel(name) === undefined) throw notFound(`model ${name}`)
      const { folder } = locateRun(store, location, runId)
      const source = keyPath(join(folder, 'artifacts'), 'Artifact', artifactPath)
      return alone(() => createVersion(version, source))
    },
    findVersion: async (name, version) => readVersion(name, version),
    listVersions: async (name) => ({
      items: numbersOf(name).flatMap((version) => readVersion(name, version) ?? []),
    }),
    tagVersion: async (name, version, tags) => {
      checkEntries({}, tags, [])
      required(name, version)
      const folder = join(versionFolder(name, version), 'tags')
      for (const [key, value] of Object.entries(tags)) store.write(keyPath(folder, 'Tag', key), value)
    },
    setAlias: async (name, alias, version) => {
      checkAlias(alias)
      required(name, version)
      store.write(join(folderOf(name), 'aliases', alias), String(version))
    },
    deleteAlias: async (name, alias) => {
      checkAlias(alias)
      rmSync(join(folderOf(name), 'aliases', alias), { force: true })
    },
    downloadVersion: async (name, version, localFolder) => {
      const files = filesOf(required(name, version))
      await copyFromStore(location, `files of version ${version} of model ${name}`, files, localFolder)
    },
  }
}
