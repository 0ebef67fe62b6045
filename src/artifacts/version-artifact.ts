import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { VigiaError } from '../errors.ts'
import { sha256 } from '../foundation/hash.ts'
import type { Artifact, ArtifactFiles } from '../model/artifact.ts'
import { artifactOfMlflowModel } from '../model/mlflow/mlflow-model.ts'
import type { ModelRegistry, ModelVersion } from '../ports/model-registry.ts'

/** The artifact of a registered version, verified. */
export interface VersionArtifact {
  readonly version: ModelVersion
  readonly artifact: Artifact
  readonly files: ArtifactFiles
  /** Of `checksums.json`, which covers all the others. */
  readonly sha256: string
}

/** Tag of a version with the SHA-256 of its `checksums.json`: that of the artifact which was registered. */
export const ARTIFACT_TAG = 'vigia.artifact_sha256'

/**
 * Loads the artifact of a version from the registry: every file has the hash of its checksums, and the
 * checksums are those that the version was registered with.
 *
 * @throws MODEL_ARTIFACT_REFUSED, TRACKING_NOT_FOUND
 */
export const loadVersionArtifact = async (
  registry: ModelRegistry,
  version: ModelVersion,
): Promise<VersionArtifact> => {
  const where = `version ${version.version} of ${version.name}`
  const work = await mkdtemp(join(tmpdir(), 'vigia-version-'))
  try {
    const folder = join(work, 'model')
    await registry.downloadVersion(version.name, version.version, folder)
    const { files, artifact } = await artifactOfMlflowModel(
      (path) => readFile(join(folder, path)).catch(() => undefined),
      where,
    )
    const hash = sha256(files.get('checksums.json')!)
    const registered = version.tags[ARTIFACT_TAG]
    if (registered !== undefined && registered !== hash)
      throw new VigiaError('MODEL_ARTIFACT_REFUSED', {
        where,
        file: 'checksums.json',
        reason: `its SHA-256 is ${hash}, and that of the registered artifact ${registered} (${ARTIFACT_TAG})`,
      })
    return { version, artifact, files, sha256: hash }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}
