import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ARTIFACT_FILES, type Artifact, type ArtifactFiles, decodeArtifact } from '../model/artifact.ts'

/** Reads and verifies the artifact in `folder`. @throws MODEL_ARTIFACT_REFUSED */
export const readArtifact = async (folder: string): Promise<Artifact> => {
  const files = new Map<string, Uint8Array>()
  for (const name of ARTIFACT_FILES) {
    const bytes = await readFile(join(folder, name)).catch(() => undefined)
    if (bytes !== undefined) files.set(name, bytes)
  }
  return decodeArtifact(files, folder)
}

export const writeArtifact = async (folder: string, files: ArtifactFiles): Promise<void> => {
  await mkdir(folder, { recursive: true })
  for (const [name, bytes] of files) await writeFile(join(folder, name), bytes)
}
