import { randomUUID } from 'node:crypto'
import { linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/*
 * A lock that survives kill -9: the one algorithm behind the three uses in `folder-lock.ts`.
 *
 * Locks are numbered files.
 *
 * 1. The file with the highest number says who holds the folder, or that it was released.
 * 2. Whoever wants the folder makes the next number. A file system makes a name once, so one of several gets
 *    it.
 * 3. The highest file is never removed, and a lower one only by whoever made it or holds the folder.
 * 4. Whoever was slow between looking and making, and got a number that had been used and removed, sees that
 *    his is not the highest, and withdraws.
 *
 * It does not wait, and throws no error of Vigía: that is up to the use.
 */

/** A process that locks folders, and how to tell whether another process is alive. */
export interface FolderOwner {
  readonly processId: number
  /** Name of the host. Processes of another host cannot be judged from here: they count as alive. */
  readonly host: string
  /** Whether a process of this host still runs. */
  isAlive(processId: number): boolean
}

/** Who a lock names. */
export interface LockHolder {
  readonly processId: number
  readonly host: string
  /** Since when, epoch milliseconds, where the use writes it down. */
  readonly sinceMs?: number
}

/** Who wants which lock. */
export interface LockRequest {
  /** Made when it is not there. */
  readonly folder: string
  /** What stands before and after the number in the names of the lock files. */
  readonly prefix: string
  readonly ending: string
  readonly owner: FolderOwner
  /** Written into the lock, for people; absent: nothing is. */
  readonly sinceMs?: number
  /** Whether a lock file was left behind although its process may be alive; absent: none was. */
  readonly isLeftBehind?: (lock: string) => boolean
}

/** `overtaken`: another process was faster; look again. `lock`: path of the file that names the holder. */
export type LockAttempt =
  | { readonly kind: 'taken'; release(): void }
  | { readonly kind: 'held'; readonly holder: LockHolder; readonly lock: string }
  | { readonly kind: 'overtaken' }

const DIGITS = 12
const RELEASED = 'released'

/** Lock files by which this process holds folders, as absolute paths. */
const held = new Set<string>()

/** Tries once to take the lock. @throws what the file system says */
export const tryLock = (request: LockRequest): LockAttempt => {
  const { folder, owner, sinceMs } = request
  mkdirSync(folder, { recursive: true })
  const last = lockNumbers(request).at(-1) ?? 0
  const holder = last === 0 ? undefined : holderOf(request, last)
  if (holder === 'gone') return { kind: 'overtaken' }
  if (holder !== undefined) return { kind: 'held', holder, lock: lockPath(request, last) }
  const mine = lockPath(request, last + 1)
  const { processId, host } = owner
  const text = JSON.stringify({ processId, host, sinceMs })
  if (!createWhole(folder, mine, text)) return { kind: 'overtaken' }
  if (!isMineAlone(request, last + 1)) {
    rmSync(mine, { force: true })
    return { kind: 'overtaken' }
  }
  for (const old of lockNumbers(request)) if (old <= last) rmSync(lockPath(request, old), { force: true })
  held.add(resolve(mine))
  return {
    kind: 'taken',
    release: () => {
      held.delete(resolve(mine))
      writeReleased(folder, mine, text)
    },
  }
}

/**
 * Whether the lock that was just made counts: it is the highest, and no lower one has a holder.
 *
 * The second matters where there are no hard links: a lock that could not be read, and so was nobody's, may
 * have been one that was being written.
 */
const isMineAlone = (request: LockRequest, mine: number): boolean => {
  const numbers = lockNumbers(request)
  return (
    numbers.at(-1) === mine &&
    numbers.every((number) => number === mine || !isHolder(holderOf(request, number)))
  )
}

const isHolder = (found: LockHolder | 'gone' | undefined): boolean => found !== undefined && found !== 'gone'

/**
 * Who holds the folder by a lock file; undefined when it was left behind, by a crash for instance.
 *
 * @param isHeldHere whether this process holds that lock
 */
export const livingHolder = (
  text: string,
  owner: FolderOwner,
  isHeldHere: boolean,
): LockHolder | undefined => {
  const lock = parse(text)
  // A lock that cannot be read was released, or cut short by a power failure.
  if (lock === undefined) return undefined
  if (lock.host !== owner.host) return lock
  // A lock with our own process id that we do not hold is a leftover of a process that had the same id, as in
  // a container that was started again.
  if (lock.processId === owner.processId) return isHeldHere ? lock : undefined
  return owner.isAlive(lock.processId) ? lock : undefined
}

/** The text of a lock file; undefined where there is none. */
export const readLock = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** `gone`: it was removed since the folder was listed. */
const holderOf = (request: LockRequest, number: number): LockHolder | 'gone' | undefined => {
  const path = lockPath(request, number)
  const text = readLock(path)
  if (text === undefined) return 'gone'
  const holder = livingHolder(text, request.owner, held.has(resolve(path)))
  return holder !== undefined && request.isLeftBehind?.(path) === true ? undefined : holder
}

const parse = (text: string): LockHolder | undefined => {
  try {
    const lock = JSON.parse(text) as Partial<LockHolder> | null
    const isWhole = typeof lock?.processId === 'number' && typeof lock.host === 'string'
    return isWhole ? (lock as LockHolder) : undefined
  } catch {
    return undefined
  }
}

const lockPath = ({ folder, prefix, ending }: LockRequest, number: number): string =>
  join(folder, `${prefix}${String(number).padStart(DIGITS, '0')}${ending}`)

/** From the lowest to the highest. */
const lockNumbers = ({ folder, prefix, ending }: LockRequest): number[] =>
  readdirSync(folder)
    .filter((name) => name.startsWith(prefix) && name.endsWith(ending))
    .map((name) => name.slice(prefix.length, name.length - ending.length))
    .filter((digits) => /^\d+$/.test(digits))
    .map(Number)
    .sort((a, b) => a - b)

/** Makes a file that has its text from its first moment. @returns false when there is one */
const createWhole = (folder: string, path: string, text: string): boolean => {
  const draft = draftIn(folder)
  try {
    writeFileSync(draft, text)
    linkSync(draft, path)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    if (!UNABLE_TO_LINK.has(codeOf(error))) throw error
    return createFile(path, text)
  } finally {
    rmSync(draft, { force: true })
  }
}

/** What file systems answer that know no hard links, as on some shared and removable disks. */
const UNABLE_TO_LINK = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL'])

/** Makes a file that is not there yet. @returns false when there is one */
export const createFile = (path: string, text: string): boolean => {
  try {
    writeFileSync(path, text, { flag: 'wx' })
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

/**
 * Says in the lock file that nobody holds the folder; does nothing when another process has taken it over.
 */
const writeReleased = (folder: string, path: string, mine: string): void => {
  const draft = draftIn(folder)
  try {
    if (readLock(path) !== mine) return
    writeFileSync(draft, RELEASED)
    renameSync(draft, path)
  } catch {
    // The disk is full, or the folder is gone. The next process sees that this one is gone, or that it does
    // not hold the folder.
  } finally {
    rmSync(draft, { force: true })
  }
}

/** The store of tracking removes what a crash leaves under such names. */
const draftIn = (folder: string): string => join(folder, `writing-${randomUUID()}`)

const codeOf = (error: unknown): string => String((error as NodeJS.ErrnoException).code)
