import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { VigiaError } from '../../errors.ts'
import type { ModelRegistry, ModelVersion } from '../../ports/model-registry.ts'
import { checkAlias, checkTrackingKey } from '../../ports/tracking-limits.ts'
import { copyFromStore } from './artifact-files.ts'
import { keyPath } from './key-paths.ts'
import { locateRun, type TrackerParts } from './locate-run.ts'
import {
  filesOfVersion,
  makeModel,
  makeVersion,
  modelFolder,
  readModel,
  readVersion,
  versionFolder,
  versionNumbers,
} from './model-files.ts'
import { checkEntries } from './run-files.ts'

/** The registry of a folder in MLflow's layout, `models/` in it. */
export const createFileRegistry = (parts: TrackerParts): ModelRegistry => {
  const { store, location, now, alone } = parts
  const notFound = (what: string) => new VigiaError('TRACKING_NOT_FOUND', { location, what })
  const required = (name: string, version: number): ModelVersion => {
    const found = readVersion(store, name, version)
    if (found === undefined) throw notFound(`version ${version} of model ${name}`)
    return found
  }
  return {
    location,
    ensureModel: async (name, description) => {
      if (readModel(store, name) === undefined) makeModel(store, name, description, now())
      return readModel(store, name)!
    },
    findModel: async (name) => readModel(store, name),
    listModels: async () => ({
      items: store.list(join(store.root, 'models'), 'folder').flatMap((name) => readModel(store, name) ?? []),
    }),
    createVersion: async (version) => {
      const { name, runId, artifactPath, tags = {} } = version
      checkTrackingKey('Artifact', artifactPath)
      checkEntries({}, tags, [])
      if (readModel(store, name) === undefined) throw notFound(`model ${name}`)
      const { folder } = locateRun(store, location, runId)
      const source = keyPath(join(folder, 'artifacts'), 'Artifact', artifactPath)
      return alone(() => makeVersion(parts, version, source))
    },
    findVersion: async (name, version) => readVersion(store, name, version),
    listVersions: async (name) => ({
      items: versionNumbers(store, name).flatMap((version) => readVersion(store, name, version) ?? []),
    }),
    tagVersion: async (name, version, tags) => {
      checkEntries({}, tags, [])
      required(name, version)
      const folder = join(versionFolder(store, name, version), 'tags')
      for (const [key, value] of Object.entries(tags)) store.write(keyPath(folder, 'Tag', key), value)
    },
    setAlias: async (name, alias, version) => {
      checkAlias(alias)
      required(name, version)
      store.write(join(modelFolder(store, name), 'aliases', alias), String(version))
    },
    deleteAlias: async (name, alias) => {
      checkAlias(alias)
      rmSync(join(modelFolder(store, name), 'aliases', alias), { force: true })
    },
    downloadVersion: async (name, version, localFolder) => {
      const files = filesOfVersion(parts, required(name, version))
      await copyFromStore(location, `files of version ${version} of model ${name}`, files, localFolder)
    },
  }
}
