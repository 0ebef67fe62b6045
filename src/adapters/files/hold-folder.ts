import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { VigiaError } from '../../errors.ts'

/** A process that may hold a folder, and how another one's life is told. */
export interface FolderOwner {
  readonly processId: number
  readonly host: string
  isAlive(processId: number): boolean
}

interface Lock {
  readonly processId: number
  readonly host: string
}

/** Name of the file that says who holds a folder. */
export const FOLDER_LOCK = 'in-use.json'

/**
 * Makes `folder` this process's own until the function that it returns is called. What a process of this host that is gone has left is
 * taken over; a process of another host cannot be judged from here, so it counts as alive.
 *
 * @throws SERVING_FOLDER_IN_USE when another process holds it
 */
export const holdFolder = (folder: string, owner: FolderOwner): (() => void) => {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, FOLDER_LOCK)
  const mine = JSON.stringify({ processId: owner.processId, host: owner.host } satisfies Lock)
  if (!tryCreate(path, mine)) {
    removeStale(path, owner)
    if (!tryCreate(path, mine)) {
      const { processId, host } = parse(textOf(path)) ?? { processId: 'unknown', host: 'unknown' }
      throw new VigiaError('SERVING_FOLDER_IN_USE', { folder, processId, host, lock: path })
    }
  }
  held.add(path)
  return () => {
    held.delete(path)
    if (textOf(path) === mine) rmSync(path, { force: true })
  }
}

/** Locks of this process. */
const held = new Set<string>()

const tryCreate = (path: string, content: string): boolean => {
  try {
    writeFileSync(path, content, { flag: 'wx' })
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

const removeStale = (path: string, owner: FolderOwner): void => {
  const text = textOf(path)
  const lock = parse(text)
  // A lock with our own number that we do not hold is a leftover of a process that had the same number, as in a container.
  const isStale =
    lock === undefined ||
    (lock.host === owner.host &&
      (lock.processId === owner.processId ? !held.has(path) : !owner.isAlive(lock.processId)))
  if (!isStale) return
  // Renaming happens once even when two processes find the same stale lock; who moved a fresh one by mistake puts it back.
  const aside = `${path}.stale-${owner.processId}`
  try {
    renameSync(path, aside)
    if (textOf(aside) !== text) renameSync(aside, path)
  } catch {
    // Somebody else was faster.
  }
  rmSync(aside, { force: true })
}

const textOf = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

const parse = (text: string): Lock | undefined => {
  try {
    return JSON.parse(text) as Lock
  } catch {
    return undefined
  }
}
