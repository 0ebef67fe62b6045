import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256OfFile } from '../disk/sha256-of-file.ts'
import { canonicalJson } from '../foundation/canonical-json.ts'
import { sha256 } from '../foundation/hash.ts'

/** Name of the manifest inside a step's folder. */
export const MANIFEST_FILE = 'step.json'

/** All that decides what a step's outputs are. Equal ingredients: equal outputs. */
export interface Ingredients {
  readonly step: string
  /** Hash of the step's code. */
  readonly code: string
  /** Single settings by dotted path. */
  readonly settings: Readonly<Record<string, unknown>>
  /** Content hash of each input step. */
  readonly inputs: Readonly<Record<string, string>>
  /**
   * Content hashes of the outside files, in the order in which they are read. Names do not matter, content
   * does.
   */
  readonly sources: readonly string[]
}

/**
 * What a finished step leaves beside its outputs. It holds no time and no path, so that two runs of the same
 * thing have the same bytes.
 */
export interface StepManifest extends Ingredients {
  readonly schema: 1
  /** SHA-256 and size in bytes by file name, `/` between folders. */
  readonly files: Readonly<Record<string, { readonly sha256: string; readonly bytes: number }>>
  /** Hash over `files`: the content that later steps depend on. */
  readonly content: string
}

/** Describes a finished folder and writes its manifest into it. */
export const writeManifest = async (folder: string, ingredients: Ingredients): Promise<StepManifest> => {
  const files: Record<string, { sha256: string; bytes: number }> = {}
  for (const name of await filesIn(folder)) {
    const path = join(folder, name)
    files[name] = { sha256: await sha256OfFile(path), bytes: (await stat(path)).size }
  }
  const manifest: StepManifest = { schema: 1, ...ingredients, files, content: sha256(canonicalJson(files)) }
  await writeFile(join(folder, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`)
  return manifest
}

/** The manifest of a finished step; undefined when there is none or it cannot be read. */
export const readManifest = async (folder: string): Promise<StepManifest | undefined> => {
  try {
    const manifest = JSON.parse(await readFile(join(folder, MANIFEST_FILE), 'utf8')) as StepManifest
    // The content hash ties the list of files to itself, so a manifest cut short or edited by hand is not
    // believed.
    return manifest.schema === 1 && manifest.content === sha256(canonicalJson(manifest.files))
      ? manifest
      : undefined
  } catch {
    return undefined
  }
}

/** The first file that is missing or differs from the manifest; undefined when all are whole. */
export const findAlteredFile = async (
  folder: string,
  manifest: StepManifest,
): Promise<string | undefined> => {
  for (const [name, expected] of Object.entries(manifest.files)) {
    const path = join(folder, name)
    // The size first: it costs nothing and finds most damage.
    const size = await stat(path).then(
      (file) => file.size,
      () => -1,
    )
    if (size !== expected.bytes || (await sha256OfFile(path)) !== expected.sha256) return name
  }
  return undefined
}

const filesIn = async (folder: string): Promise<string[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll('\\', '/'),
    )
    .filter((name) => name !== MANIFEST_FILE)
    .sort()
}
