import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { VigiaError } from '../../errors.ts'

/** Names that are told of a folder that is no log. */
const MOST_NAMED = 5

/**
 * Makes sure that a log was written to each of `folders`: it has `segments` (opening a log makes it), the
 * catalog of the archive, a document, or a day of the archive.
 *
 * @throws SERVING_LOG_NONE for the first that has no sign of one
 */
export const assertLogs = async (folders: readonly string[]): Promise<void> => {
  for (const folder of folders) {
    if (await isLog(folder)) continue
    const names = (await namesIn(folder)).filter((name) => !name.startsWith('.')).sort()
    const below: string[] = []
    for (const name of names)
      if (await isLog(join(folder, name)).catch(() => false)) below.push(join(folder, name))
    throw new VigiaError('SERVING_LOG_NONE', { folder, got: gotText(names, below) })
  }
}

const gotText = (names: readonly string[], below: readonly string[]): string => {
  if (below.length > 0) return `the log is below it, in ${below.slice(0, MOST_NAMED).join(', ')}`
  if (names.length === 0) return 'it is empty'
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : ''
  return `it has ${names.slice(0, MOST_NAMED).join(', ')}${more}`
}

const isLog = async (folder: string): Promise<boolean> => {
  const names = await namesIn(folder)
  if (names.includes('archive.jsonl')) return true
  const has = async (name: string, isOne: (name: string) => boolean): Promise<boolean> =>
    names.includes(name) && (await namesIn(join(folder, name))).some(isOne)
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  if (entries.some((entry) => entry.name === 'segments' && !entry.isFile())) return true
  if (await has('documents', (name) => name.endsWith('.json'))) return true
  for (const kind of ['predictions', 'labels', 'repairs'])
    if (await has(kind, (name) => name.startsWith('date='))) return true
  return false
}

/** None where there is no folder. @throws what the file system says of one that cannot be read */
const namesIn = (folder: string): Promise<string[]> =>
  readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return []
    throw error
  })
