import type { Page, Texts } from './experiment-tracker.ts'

export interface RegisteredModel {
  readonly name: string
  readonly description: string
  readonly tags: Texts
  /** Version by alias: `{ production: 3 }`. */
  readonly aliases: Readonly<Record<string, number>>
}

export interface NewModelVersion {
  readonly name: string
  /** The run that made it, and where its files lie among the run's artifacts: a folder with an `MLmodel`. */
  readonly runId: string
  readonly artifactPath: string
  readonly description?: string
  readonly tags?: Texts
}

export interface ModelVersion {
  readonly name: string
  /** From 1 on. */
  readonly version: number
  /** Where its files lie, as the registry names it. */
  readonly source: string
  /** Absent where a model was registered without a run. */
  readonly runId?: string
  /** Epoch milliseconds. */
  readonly createdTimeMs: number
  readonly description: string
  readonly tags: Texts
  /** In the order of the alphabet. */
  readonly aliases: readonly string[]
}

/**
 * Where models are known by name and version.
 *
 * Laws, which `modelRegistryLaws` (`testing/`) holds every implementation to:
 * 1. Versions of a model are numbered from 1 on; those who create one at once get different numbers.
 * 2. An alias names one version of its model, and is moved in one step: at no time is it gone.
 * 3. What is created, tagged or aliased is there for every process when the call returns.
 * 4. A version's files are those of its run's artifacts, byte for byte.
 * 5. A model is made once: whoever makes it again finds it as it is.
 * 6. What is not there is TRACKING_NOT_FOUND; a name or alias that does not fit is TRACKING_NAME_INVALID.
 *
 * Any call may throw TRACKING_UNREACHABLE, TRACKING_UNAUTHORIZED, TRACKING_REFUSED, TRACKING_STORE_BROKEN.
 */
export interface ModelRegistry {
  /** For people, without credentials. */
  readonly location: string

  /**
   * Makes the model, or finds it; a model that is there keeps its description and tags. @throws
   * TRACKING_NAME_INVALID
   */
  ensureModel(name: string, description: string): Promise<RegisteredModel>
  /** undefined when there is none. */
  findModel(name: string): Promise<RegisteredModel | undefined>
  listModels(page?: string): Promise<Page<RegisteredModel>>

  /**
   * @throws TRACKING_NOT_FOUND when there is no such model or run, TRACKING_NAME_INVALID,
   * TRACKING_VALUE_TOO_LONG
   */
  createVersion(version: NewModelVersion): Promise<ModelVersion>
  /** undefined when there is none. */
  findVersion(name: string, version: number): Promise<ModelVersion | undefined>
  /** From the highest number to the lowest. */
  listVersions(name: string, page?: string): Promise<Page<ModelVersion>>
  /** @throws TRACKING_NOT_FOUND, TRACKING_NAME_INVALID, TRACKING_VALUE_TOO_LONG */
  tagVersion(name: string, version: number, tags: Texts): Promise<void>

  /**
   * @throws TRACKING_NOT_FOUND, TRACKING_NAME_INVALID for `latest`, `v3` and what holds other than letters,
   * digits, _ and -
   */
  setAlias(name: string, alias: string, version: number): Promise<void>
  /** Without effect when there is no such alias. */
  deleteAlias(name: string, alias: string): Promise<void>

  /** Copies all files of a version into a local folder that does not exist yet. @throws TRACKING_NOT_FOUND */
  downloadVersion(name: string, version: number, localFolder: string): Promise<void>
}
