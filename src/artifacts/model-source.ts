import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import { VigiaError } from '../errors.ts'
import { sha256 } from '../foundation/hash.ts'
import type { Artifact, ArtifactFiles } from '../model/artifact.ts'
import { artifactOfMlflowModel } from '../model/mlflow/mlflow-model.ts'
import type { ExperimentTracker } from '../ports/experiment-tracker.ts'
import type { TrackingStore } from '../ports/tracking-store.ts'
import { decodeArtifactFolder } from './artifact-folder.ts'
import { findVersion } from './find-version.ts'
import { loadVersionArtifact } from './version-artifact.ts'

/** A model that a source names, verified. */
export interface FoundModel {
  readonly artifact: Artifact
  /** The registered model; of others the project. */
  readonly name: string
  /** The number in the registry; of others the beginning of the hash. */
  readonly version: string
  /** The source; a folder in full, as it is found from anywhere. */
  readonly source: string
  /** Of `checksums.json`. */
  readonly sha256: string
}

export interface ModelPlaces {
  /** Relative folders start here. */
  readonly workingDirectory: string
  /** The tracker and its registry, opened when a source names one of them. */
  readonly openRegistry: () => Promise<TrackingStore>
}

/** What a source may be, for errors. */
const ALLOWED =
  'models:/name@alias, models:/name/3, models:/name/latest, models:/m-<id of a logged model>, runs:/<run id>/model, or a folder of a run, an artifact or an MLflow model'

/** Whether a source names a version in the registry. */
export const isRegistered = (source: string): boolean => REGISTERED.test(source)

/** Where a model is found again by version: what an alias names has changed since. */
export const pinnedVersion = ({
  name,
  version,
  source,
}: Pick<FoundModel, 'name' | 'version' | 'source'>): string =>
  isRegistered(source) ? `models:/${name}/${version}` : source

const REGISTERED = /^models:\/+([^@/]+)(?:@([\w-]+)|\/([\w-]+))$/
const LOGGED = /^models:\/+(m-[0-9a-f]{32})$/
const OF_RUN = /^runs:\/+([\w-]+)\/([^/].*)$/

/** Whether a source is no folder: a model of the registry or of the tracker. */
export const isAddress = (source: string): boolean => /^(?:models|runs):\//.test(source)

/**
 * The model of a source: `models:/name@alias` or `models:/name/3` of the registry, `models:/m-…` or
 * `runs:/…/model` of the tracker, or a folder of an artifact, of a run with the artifact in `package/`, or of
 * an MLflow model that Vigía made.
 *
 * @throws MODEL_ARTIFACT_REFUSED, REGISTRY_VERSION_UNKNOWN, SERVING_MODEL_SOURCE_INVALID,
 * SERVING_MODEL_MISSING, and the errors of the store
 */
export const findModel = async (source: string, places: ModelPlaces): Promise<FoundModel> => {
  if (!isAddress(source)) return findInFolder(source, places)
  const [, name, alias, number] = REGISTERED.exec(source) ?? []
  if (name !== undefined) {
    const { registry } = await places.openRegistry()
    const asked = alias === undefined ? (number ?? '') : `@${alias}`
    const { version, ...loaded } = await loadVersionArtifact(
      registry,
      await findVersion(registry, name, asked),
    )
    return {
      artifact: loaded.artifact,
      sha256: loaded.sha256,
      name,
      version: String(version.version),
      source,
    }
  }
  const [, loggedId] = LOGGED.exec(source) ?? []
  const [, runId, path] = OF_RUN.exec(source) ?? []
  if (loggedId === undefined && runId === undefined)
    throw new VigiaError('SERVING_MODEL_SOURCE_INVALID', { got: source, allowed: ALLOWED })
  const { tracker } = await places.openRegistry()
  return inTemporaryFolder(async (folder) => {
    if (loggedId !== undefined) await tracker.downloadLoggedModel(loggedId, folder)
    else await downloadOfRun(tracker, runId ?? '', path ?? '', folder)
    return ofFolder(source, await readMlflowFolder(folder, source))
  })
}

const findInFolder = async (source: string, { workingDirectory }: ModelPlaces): Promise<FoundModel> => {
  const given = resolve(workingDirectory, source)
  const named = isAbsolute(source) ? source : given
  for (const folder of [join(given, 'package'), given])
    if (await isThere(join(folder, 'manifest.json')))
      return ofFolder(named, await decodeArtifactFolder(folder))
  if (await isThere(join(given, 'MLmodel'))) return ofFolder(named, await readMlflowFolder(given, source))
  throw new VigiaError('SERVING_MODEL_MISSING', { source })
}

interface ReadArtifact {
  readonly files: ArtifactFiles
  readonly artifact: Artifact
}

const ofFolder = (source: string, { files, artifact }: ReadArtifact): FoundModel => {
  const hash = sha256(files.get('checksums.json')!)
  return {
    artifact,
    name: artifact.manifest.project,
    version: hash.slice(0, 12),
    source,
    sha256: hash,
  }
}

const readMlflowFolder = (folder: string, where: string): Promise<ReadArtifact> =>
  artifactOfMlflowModel((path) => readFile(join(folder, path)).catch(() => undefined), where)

/** Artifacts of the run; or, as MLflow 3 has it, the files of its logged model with that name. */
const downloadOfRun = async (
  tracker: ExperimentTracker,
  runId: string,
  path: string,
  folder: string,
): Promise<void> => {
  try {
    await tracker.downloadArtifact(runId, path, folder)
  } catch (error) {
    if (!(error instanceof VigiaError && error.code === 'TRACKING_NOT_FOUND')) throw error
    const logged = (await tracker.listLoggedModels(runId)).find(({ name }) => name === path)
    if (logged === undefined) throw error
    await tracker.downloadLoggedModel(logged.id, folder)
  }
}

const inTemporaryFolder = async <T>(work: (folder: string) => Promise<T>): Promise<T> => {
  const temporary = await mkdtemp(join(tmpdir(), 'vigia-model-'))
  try {
    return await work(join(temporary, 'model'))
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

const isThere = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined)) !== undefined
