import { basename, join } from 'node:path'
import { readArtifactFiles } from '../../artifacts/artifact-folder.ts'
import type { World } from '../../foundation/world.ts'
import type { ModelVersion } from '../../ports/model-registry.ts'
import type { TrackingStore } from '../../ports/tracking-store.ts'
import { registerArtifact } from './register-artifact.ts'

export interface RegisterImportOptions {
  readonly store: TrackingStore
  /** Name of the registered model. */
  readonly model: string
  /** Name of the experiment that the run of the import belongs to. */
  readonly experiment: string
  /** Folder that `importModel` made. */
  readonly folder: string
  /** The file that was imported, and its SHA-256. */
  readonly source: { readonly file: string; readonly sha256: string }
  readonly world: Pick<World, 'now'>
}

/**
 * Makes an imported model the next version (`registerArtifact`).
 *
 * @throws MODEL_ARTIFACT_REFUSED and the errors of the store
 */
export const registerImport = async (options: RegisterImportOptions): Promise<ModelVersion> => {
  const { store, model, experiment, source, world } = options
  const where = join(options.folder, 'package')
  return registerArtifact({
    store,
    model,
    experiment,
    runName: `import ${basename(source.file)}`,
    files: await readArtifactFiles(where),
    where,
    tags: {
      'vigia.kind': 'import',
      'vigia.model': 'imported',
      'vigia.imported_file': basename(source.file),
      'vigia.imported_sha256': source.sha256,
    },
    world,
  })
}
