import { mkdirSync, renameSync } from 'node:fs'
import { open, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder } from '../../disk/sync-folder.ts'
import type { SegmentPlace } from './owner-folder.ts'

const ENDING = '.json'

const documentsFolder = (folder: string): string => join(folder, 'documents')

const pathOf = (folder: string, name: string): string => {
  if (!/^[a-z0-9-]+$/.test(name)) throw new Error(`a document cannot have the name ${JSON.stringify(name)}`)
  return join(documentsFolder(folder), `${name}${ENDING}`)
}

/** Writes a document whole: a reader finds the earlier text or this one. */
export const writeDocument = async (
  { folder, names, assertOwned }: SegmentPlace,
  name: string,
  text: string,
): Promise<void> => {
  const path = pathOf(folder, name)
  assertOwned()
  const draft = names.draft()
  if (mkdirSync(documentsFolder(folder), { recursive: true }) !== undefined) syncFolder(folder)
  try {
    const file = await open(draft, 'w')
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    assertOwned()
    renameSync(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
  // Also where answers do not promise it: records and archives that outlive a power failure name documents.
  syncFolder(documentsFolder(folder))
}

/** Undefined when there is none. */
export const readDocument = async (folder: string, name: string): Promise<string | undefined> => {
  try {
    return await readFile(pathOf(folder, name), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** In alphabetical order. */
export const documentNames = async (folder: string): Promise<readonly string[]> => {
  const names = await readdir(documentsFolder(folder)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names
    .filter((name) => name.endsWith(ENDING))
    .map((name) => name.slice(0, -ENDING.length))
    .sort()
}
