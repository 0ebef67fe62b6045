import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { readArtifact, writeArtifact } from '../../artifacts/artifact-folder.ts'
import { loadVersionArtifact } from '../../artifacts/version-artifact.ts'
import { VigiaError } from '../../errors.ts'
import type { ModelRegistry, ModelVersion } from '../../ports/model-registry.ts'

export interface ExportedVersion {
  readonly out: string
  readonly version: number
  /** Of `checksums.json`. */
  readonly sha256: string
  readonly features: number
}

/**
 * Writes the artifact of a version into `out`/package, verified, for `vigia predict --model`. States are in
 * no registry: what is scored begins with an empty history, or that of a run whose states are copied beside.
 *
 * The folder is made beside `out` and renamed into place.
 *
 * @throws DATASET_OUTPUT_EXISTS when `out` is there, MODEL_ARTIFACT_REFUSED, TRACKING_NOT_FOUND
 */
export const exportVersion = async (
  registry: ModelRegistry,
  version: ModelVersion,
  out: string,
): Promise<ExportedVersion> => {
  if ((await stat(out).catch(() => undefined)) !== undefined)
    throw new VigiaError('DATASET_OUTPUT_EXISTS', { path: out })
  const { files, sha256 } = await loadVersionArtifact(registry, version)
  await mkdir(dirname(out), { recursive: true })
  const work = await mkdtemp(join(dirname(out), '.export-'))
  try {
    // In a folder of its own, because nobody else may read a temporary one.
    const made = join(work, 'made')
    await writeArtifact(join(made, 'package'), files)
    const { manifest } = await readArtifact(join(made, 'package'))
    await rename(made, out)
    return { out, version: version.version, sha256, features: manifest.features.names.length }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}
