import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ARTIFACT_TAG } from '../../artifacts/version-artifact.ts'
import { VigiaError } from '../../errors.ts'
import { sha256 } from '../../foundation/hash.ts'
import type { World } from '../../foundation/world.ts'
import { type ArtifactFiles, decodeArtifact } from '../../model/artifact.ts'
import { encodeMlflowModel } from '../../model/mlflow/mlflow-model.ts'
import type { ExperimentTracker, Texts } from '../../ports/experiment-tracker.ts'
import type { ModelVersion } from '../../ports/model-registry.ts'
import type { TrackingStore } from '../../ports/tracking-store.ts'
import { exampleRows } from '../training/record/example-rows.ts'
import { MODEL_ARTIFACT } from '../training/record/record-model.ts'

export interface RegisterArtifactOptions {
  readonly store: TrackingStore
  /** Name of the registered model. */
  readonly model: string
  /** Name of the experiment that the run of the version belongs to. */
  readonly experiment: string
  /** Name of that run. */
  readonly runName: string
  readonly files: ArtifactFiles
  /** Where they are from, for errors. */
  readonly where: string
  /** Of run and version. */
  readonly tags: Texts
  readonly world: Pick<World, 'now'>
}

/**
 * Makes an artifact that no training has recorded the next version: a run of its own with the model as its
 * artifact, as a training has one.
 *
 * @throws MODEL_ARTIFACT_REFUSED and the errors of the store
 */
export const registerArtifact = async (options: RegisterArtifactOptions): Promise<ModelVersion> => {
  const { store, model, files, where, tags, world } = options
  const artifact = decodeArtifact(files, where)
  const run = await store.tracker.createRun({
    experimentId: await experimentOf(store.tracker, options.experiment),
    name: options.runName.slice(0, 250),
    startTimeMs: world.now(),
    tags,
  })
  const work = await mkdtemp(join(tmpdir(), 'vigia-register-'))
  try {
    for (const [path, bytes] of encodeMlflowModel(files, exampleRows(artifact))) {
      await mkdir(dirname(join(work, path)), { recursive: true })
      await writeFile(join(work, path), bytes)
    }
    await store.tracker.logArtifact(run.id, work, MODEL_ARTIFACT)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  await store.tracker.setRunStatus(run.id, 'FINISHED', world.now())
  await store.registry.ensureModel(model, `Fraud detection of ${artifact.manifest.project}`)
  return store.registry.createVersion({
    name: model,
    runId: run.id,
    artifactPath: MODEL_ARTIFACT,
    tags: {
      ...tags,
      [ARTIFACT_TAG]: sha256(files.get('checksums.json')!),
      'vigia.threshold': String(artifact.manifest.threshold),
    },
  })
}

const experimentOf = async (tracker: ExperimentTracker, name: string): Promise<string> => {
  const found = await tracker.findExperiment(name)
  if (found !== undefined) return found.id
  try {
    return (await tracker.createExperiment(name)).id
  } catch (error) {
    const isThere = error instanceof VigiaError && error.code === 'TRACKING_EXPERIMENT_EXISTS'
    const made = isThere ? await tracker.findExperiment(name) : undefined
    if (made === undefined) throw error
    return made.id
  }
}
