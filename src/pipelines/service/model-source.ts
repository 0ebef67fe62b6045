import { readFile, stat } from 'node:fs/promises'
import { isAbsolute, join, resolve } from 'node:path'
import { readArtifact } from '../../artifacts/artifact-folder.ts'
import { findVersion } from '../../artifacts/find-version.ts'
import { loadVersionArtifact } from '../../artifacts/version-artifact.ts'
import { type LoadedModel, prepareModel } from '../../decisions/loaded-model.ts'
import type { LoadModel } from '../../decisions/model-control.ts'
import { VigiaError } from '../../errors.ts'
import { sha256 } from '../../foundation/hash.ts'
import type { World } from '../../foundation/world.ts'
import type { TrackingStore } from '../../ports/tracking-store.ts'

export type { LoadModel }

export interface ModelSourceOptions {
  /** Relative folders start here. */
  readonly workingDirectory: string
  /** The registry, opened when a source names it. */
  readonly openRegistry: () => Promise<TrackingStore>
  readonly world: Pick<World, 'now'>
}

/**
 * A source is `models:/name@alias`, `models:/name/3`, or a folder: of an artifact, or of a run with the
 * artifact in `package/`. The model says its folder in full, as it is found from anywhere.
 *
 * @throws MODEL_ARTIFACT_REFUSED, REGISTRY_VERSION_UNKNOWN, SERVING_MODEL_SOURCE_INVALID
 */
export const modelLoader =
  (options: ModelSourceOptions): LoadModel =>
  (source) =>
    source.startsWith('models:/') ? loadRegistered(source, options) : loadFolder(source, options)

/** The folder of the run that a source's model came from, where it is a folder. */
export const runFolderOf = async (source: string, workingDirectory: string): Promise<string | undefined> => {
  if (source.startsWith('models:/')) return undefined
  const folder = resolve(workingDirectory, source)
  const isRun = (await stat(join(folder, 'package')).catch(() => undefined)) !== undefined
  return isRun ? folder : resolve(folder, '..')
}

const loadFolder = async (
  source: string,
  { workingDirectory, world }: ModelSourceOptions,
): Promise<LoadedModel> => {
  const given = resolve(workingDirectory, source)
  const inRun = join(given, 'package')
  const folder =
    (await stat(join(inRun, 'manifest.json')).catch(() => undefined)) === undefined ? given : inRun
  const isThere = (await stat(join(folder, 'manifest.json')).catch(() => undefined)) !== undefined
  if (!isThere) throw new VigiaError('SERVING_MODEL_MISSING', { source })
  const artifact = await readArtifact(folder)
  const hash = sha256(await readFile(join(folder, 'checksums.json')))
  return prepareModel(artifact, {
    name: artifact.manifest.project,
    version: hash.slice(0, 12),
    source: isAbsolute(source) ? source : given,
    sha256: hash,
    loadedAtMs: world.now(),
  })
}

const loadRegistered = async (
  source: string,
  { openRegistry, world }: ModelSourceOptions,
): Promise<LoadedModel> => {
  const [, name, alias, number] = /^models:\/([^@/]+)(?:@([\w-]+)|\/([\w-]+))$/.exec(source) ?? []
  if (name === undefined)
    throw new VigiaError('SERVING_MODEL_SOURCE_INVALID', {
      got: source,
      allowed: 'models:/name@alias, models:/name/3, models:/name/latest, or a folder',
    })
  const store = await openRegistry()
  const version = await findVersion(store.registry, name, alias === undefined ? (number ?? '') : `@${alias}`)
  const loaded = await loadVersionArtifact(store.registry, version)
  return prepareModel(loaded.artifact, {
    name,
    version: String(version.version),
    source,
    sha256: loaded.sha256,
    loadedAtMs: world.now(),
  })
}
