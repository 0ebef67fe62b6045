import { cp, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT_RUN } from './journal-entry.ts'
import type { RunWriter } from './run-writer.ts'

/** Folder of the model among the artifacts of a run; versions of the registry are made from it. */
export const MODEL_ARTIFACT = 'model'

/** Records the packaged model as the artifact `model/`; our own files are in `model/vigia/`. */
export const recordModel = async (writer: RunWriter, packageFolder: string): Promise<void> => {
  const making = join(writer.folder, 'making-model')
  await rm(making, { recursive: true, force: true })
  await mkdir(making, { recursive: true })
  await cp(packageFolder, join(making, 'vigia'), {
    recursive: true,
    // The manifest of the step is about the run folder, not about the model.
    filter: (path) => !path.endsWith('step.json'),
  })
  await writer.logArtifact(ROOT_RUN, making, MODEL_ARTIFACT)
  await rm(making, { recursive: true, force: true })
}
