import { linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
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

const PREFIX = 'in-use-'
const DIGITS = 12
const RELEASED = 'released'
/** Others may be faster a few times, as when all processes of a machine start at once. */
const MOST_TRIES = 100

/** Folders that this process holds. */
const held = new Set<string>()
let nextDraft = 0

/**
 * Makes `folder` this process's own until the function that it returns is called. What a process of this host
 * that is gone has left is taken over; a process of another host cannot be judged from here, so it counts as
 * alive.
 *
 * Locks are numbered files. The one with the highest number says who holds the folder, or that it was
 * released; who wants it makes the next number, which only one can. The highest is never removed: whoever was
 * slow between looking and making sees that its number is not the highest, and withdraws.
 *
 * @throws SERVING_FOLDER_IN_USE when another process holds it
 */
export const holdFolder = (folder: string, owner: FolderOwner): (() => void) => {
  mkdirSync(folder, { recursive: true })
  const mine = JSON.stringify({ processId: owner.processId, host: owner.host } satisfies Lock)
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const numbers = lockNumbers(folder)
    const last = numbers.at(-1) ?? 0
    const holder = last === 0 ? undefined : holderOf(folder, last, owner)
    if (holder === 'changing') continue
    if (holder !== undefined)
      throw new VigiaError('SERVING_FOLDER_IN_USE', { folder, ...holder, lock: lockPath(folder, last) })
    if (!createWhole(lockPath(folder, last + 1), mine)) continue
    // The number was free because it had been used and removed: others have taken the folder since.
    if (lockNumbers(folder).at(-1) !== last + 1) {
      rmSync(lockPath(folder, last + 1), { force: true })
      continue
    }
    for (const old of numbers) rmSync(lockPath(folder, old), { force: true })
    held.add(resolve(folder))
    return () => {
      held.delete(resolve(folder))
      release(lockPath(folder, last + 1), mine)
    }
  }
  const lock = lockPath(folder, lockNumbers(folder).at(-1) ?? 1)
  throw new VigiaError('SERVING_FOLDER_IN_USE', { folder, processId: 'unknown', host: owner.host, lock })
}

const lockPath = (folder: string, number: number): string =>
  join(folder, `${PREFIX}${String(number).padStart(DIGITS, '0')}.json`)

/** From the lowest to the highest. */
const lockNumbers = (folder: string): number[] =>
  readdirSync(folder)
    .flatMap((name) =>
      /^in-use-\d+\.json$/.test(name) ? [Number.parseInt(name.slice(PREFIX.length), 10)] : [],
    )
    .sort((a, b) => a - b)

/**
 * Undefined when nobody holds the folder by that lock; `changing` when it was removed since the folder was
 * listed.
 */
const holderOf = (folder: string, number: number, owner: FolderOwner): Lock | 'changing' | undefined => {
  const text = textOf(lockPath(folder, number))
  if (text === undefined) return 'changing'
  const lock = parse(text)
  // A lock that cannot be read was cut short by a power failure: locks are made whole.
  if (lock === undefined) return undefined
  if (lock.host !== owner.host) return lock
  // A lock with our own number that we do not hold is a leftover of a process that had the same number, as in
  // a container.
  if (lock.processId === owner.processId) return held.has(resolve(folder)) ? lock : undefined
  return owner.isAlive(lock.processId) ? lock : undefined
}

/** Makes a file that has its text from its first moment. @returns false when there is one */
const createWhole = (path: string, text: string): boolean => {
  const draft = draftOf(path)
  writeFileSync(draft, text)
  try {
    linkSync(draft, path)
    return true
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EEXIST') return false
    if (!UNABLE_TO_LINK.has(String(code))) throw error
    return createInPlace(path, text)
  } finally {
    rmSync(draft, { force: true })
  }
}

/** What file systems answer that know no hard links, as on some shared and removable disks. */
const UNABLE_TO_LINK = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL'])

const createInPlace = (path: string, text: string): boolean => {
  try {
    writeFileSync(path, text, { flag: 'wx' })
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

const release = (path: string, mine: string): void => {
  if (textOf(path) !== mine) return
  const draft = draftOf(path)
  try {
    writeFileSync(draft, RELEASED)
    renameSync(draft, path)
  } catch {
    // The disk is full, or the folder is gone. The next one sees that this process is gone, or that it does
    // not hold the folder.
    rmSync(draft, { force: true })
  }
}

const draftOf = (path: string): string => `${path}.${process.pid}-${nextDraft++}.draft`

const textOf = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

const parse = (text: string): Lock | undefined => {
  try {
    const { processId, host } = JSON.parse(text) as Lock
    return { processId, host }
  } catch {
    return undefined
  }
}
