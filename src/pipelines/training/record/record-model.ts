import { link, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { readArtifactFiles } from '../../../artifacts/artifact-folder.ts'
import { decodeArtifact } from '../../../model/artifact.ts'
import { encodeMlflowModel } from '../../../model/mlflow/mlflow-model.ts'
import { ROOT_RUN } from '../../../tracking/journal-entry.ts'
import type { RunWriter } from '../../../tracking/run-writer.ts'
import { exampleRows } from './example-rows.ts'

/** Folder of the model among the artifacts of a run; versions of the registry are made from it. */
export const MODEL_ARTIFACT = 'model'

/**
 * Records the packaged model as the artifact `model/`, in the form of MLflow's models with our own beside.
 */
export const recordModel = async (writer: RunWriter, packageFolder: string): Promise<void> => {
  const files = await readArtifactFiles(packageFolder)
  const example = exampleRows(decodeArtifact(files, packageFolder))
  const making = join(writer.folder, 'making-model')
  await rm(making, { recursive: true, force: true })
  for (const [path, bytes] of encodeMlflowModel(files, example)) {
    const place = join(making, path)
    await mkdir(dirname(place), { recursive: true })
    const packaged = join(packageFolder, path.replace(/^.*\//, ''))
    // The large ones are those of the package, which take no room twice.
    if (bytes === files.get(path.replace(/^.*\//, '')))
      await link(packaged, place).catch(() => writeFile(place, bytes))
    else await writeFile(place, bytes)
  }
  await writer.logArtifact(ROOT_RUN, making, MODEL_ARTIFACT)
  await rm(making, { recursive: true, force: true })
}
