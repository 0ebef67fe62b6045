import { copyFile, link, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256OfFile } from '../disk/sha256-of-file.ts'
import { canonicalJson } from '../foundation/canonical-json.ts'
import { sha256 } from '../foundation/hash.ts'

/** Copies of artifacts in a journal's folder, each under the hash of its content. */
export const ARTIFACT_COPIES = 'artifacts'

export interface KeptArtifact {
  /** From the journal's folder: `artifacts/3f2a…`. */
  readonly copy: string
  readonly sha256: string
  readonly bytes: number
}

/**
 * Keeps what a file or folder holds now, so that a later run may replace it. A hard link where the file
 * system has them, which takes no room until then: files of a run are replaced, never written in place. The
 * same content is kept once.
 *
 * @throws what the file system throws
 */
export const keepArtifact = async (source: string, folder: string): Promise<KeptArtifact> => {
  const content = await contentOf(source)
  const copy = `${ARTIFACT_COPIES}/${content.sha256.slice(0, 32)}`
  const place = join(folder, copy)
  const isKept = await stat(place).then(
    () => true,
    () => false,
  )
  if (!isKept) {
    const making = `${place}.making`
    await rm(making, { recursive: true, force: true })
    await mkdir(join(folder, ARTIFACT_COPIES), { recursive: true })
    if ((await stat(source)).isDirectory()) await linkFolder(source, making)
    else await linkFile(source, making)
    await rename(making, place)
  }
  return { copy, ...content }
}

/** Whether a copy is still there as it was kept. */
export const isUnchanged = async (folder: string, kept: KeptArtifact): Promise<boolean> =>
  contentOf(join(folder, kept.copy)).then(
    (content) => content.sha256 === kept.sha256,
    () => false,
  )

/** Of a folder, the hash over the names and hashes of its files. */
const contentOf = async (path: string): Promise<Omit<KeptArtifact, 'copy'>> => {
  const found = await stat(path)
  if (!found.isDirectory()) return { sha256: await sha256OfFile(path), bytes: found.size }
  const files: Record<string, string> = {}
  let bytes = 0
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const inside = await contentOf(join(path, entry.name))
    files[entry.isDirectory() ? `${entry.name}/` : entry.name] = inside.sha256
    bytes += inside.bytes
  }
  return { sha256: sha256(canonicalJson(files)), bytes }
}

const linkFolder = async (source: string, target: string): Promise<void> => {
  await mkdir(target, { recursive: true })
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const from = join(source, entry.name)
    const to = join(target, entry.name)
    if (entry.isDirectory()) await linkFolder(from, to)
    else await linkFile(from, to)
  }
}

const linkFile = (source: string, target: string): Promise<void> =>
  // Other file systems, and some network folders, have no links.
  link(source, target).catch(() => copyFile(source, target))
