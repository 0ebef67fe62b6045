import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ARTIFACT_FILES, type Artifact, type ArtifactFiles, decodeArtifact } from '../model/artifact.ts'

/** Reads and verifies the artifact in `folder`. @throws MODEL_ARTIFACT_REFUSED */
export const readArtifact = async (folder: string): Promise<Artifact> =>
  (await decodeArtifactFolder(folder)).artifact

/** The same, with its files. @throws MODEL_ARTIFACT_REFUSED */
export const decodeArtifactFolder = async (
  folder: string,
): Promise<{ readonly files: ArtifactFiles; readonly artifact: Artifact }> => {
  const files = await readArtifactFiles(folder)
  return { files, artifact: decodeArtifact(files, folder) }
}

/** The files of an artifact that are in `folder`, as they are. */
export const readArtifactFiles = async (folder: string): Promise<ArtifactFiles> => {
  const files = new Map<string, Uint8Array>()
  for (const name of ARTIFACT_FILES) {
    const bytes = await readFile(join(folder, name)).catch(() => undefined)
    if (bytes !== undefined) files.set(name, bytes)
  }
  return files
}

export const writeArtifact = async (folder: string, files: ArtifactFiles): Promise<void> => {
  await mkdir(folder, { recursive: true })
  for (const [name, bytes] of files) await writeFile(join(folder, name), bytes)
}
