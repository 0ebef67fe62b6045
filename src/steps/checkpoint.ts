import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { canonicalJson } from '../foundation/canonical-json.ts'
import { sha256 } from '../foundation/hash.ts'
import type { Ingredients } from './step-manifest.ts'

/** What a long step sets aside while it runs, so that an interruption does not cost all of it. */
export interface Checkpoint {
  /** What was written under `key` for the same ingredients; undefined when nothing was, or not whole. */
  read(key: string): Promise<unknown>
  /** Sets plain JSON aside under `key`; whole or not at all. Several keys may be written at once. */
  write(key: string, value: unknown): Promise<void>
}

/** Folder of what an unfinished step has set aside, in the run folder; hidden, because it is no output. */
export const checkpointFolder = (folder: string, step: string): string => join(folder, `.kept-${step}`)

const INGREDIENTS_FILE = 'ingredients.json'

/**
 * Opens what a step with these ingredients has set aside in the run folder; what other ingredients left is
 * removed.
 *
 * Each value is a file whose first line is the hash of the rest: a file that is cut short or was edited
 * counts as missing.
 */
export const openCheckpoint = async (folder: string, ingredients: Ingredients): Promise<Checkpoint> => {
  const kept = checkpointFolder(folder, ingredients.step)
  const text = `${canonicalJson(ingredients)}\n`
  const before = await readFile(join(kept, INGREDIENTS_FILE), 'utf8').catch(() => undefined)
  if (before !== text) await rm(kept, { recursive: true, force: true })
  let made: Promise<void> | undefined
  const make = async (): Promise<void> => {
    await mkdir(kept, { recursive: true })
    await writeWhole(join(kept, INGREDIENTS_FILE), text)
  }
  // Keys may hold what file names must not.
  const fileOf = (key: string): string => join(kept, `${sha256(key)}.json`)
  return {
    read: async (key) => readWhole(fileOf(key)),
    write: async (key, value) => {
      // Made with the first value: a step that sets nothing aside leaves nothing behind.
      made ??= make()
      await made
      const content = JSON.stringify(value)
      await writeWhole(fileOf(key), `${sha256(content)}\n${content}`)
    },
  }
}

/** Removes what a step has set aside, when it is no longer needed. */
export const removeCheckpoint = (folder: string, step: string): Promise<void> =>
  rm(checkpointFolder(folder, step), { recursive: true, force: true })

const writeWhole = async (path: string, text: string): Promise<void> => {
  await writeFile(`${path}.tmp`, text)
  await rename(`${path}.tmp`, path)
}

const readWhole = async (path: string): Promise<unknown> => {
  const text = await readFile(path, 'utf8').catch(() => '')
  const end = text.indexOf('\n')
  const content = text.slice(end + 1)
  return end > 0 && text.slice(0, end) === sha256(content) ? JSON.parse(content) : undefined
}
