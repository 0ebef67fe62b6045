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
 * 5. A lock is named by a random token. Process id and host name say who holds it, for people; they name no
 *    process, since all containers may have process 1 and one host name.
 *
 * It does not wait, and throws no error of Vigía: that is up to the use.
 */

/** A process that locks folders, and how to tell whether another process is alive. */
export interface FolderOwner {
  readonly processId: number
  /** Name of the host. */
  readonly host: string
  /**
   * Names the space in which process ids are unique: of two processes that say the same, each sees whether
   * the other one runs. Absent where nobody knows: then only a heartbeat tells.
   */
  readonly processSpace?: string
  /** Whether a process of this process space still runs. */
  isAlive(processId: number): boolean
  /** Those of the machine when absent. */
  readonly clocks?: LeaseClocks
  /** Told once, for people, when a folder is waited for because its holder is silent. */
  readonly onWaiting?: (folder: string, holder: LockHolder, mostMs: number) => void
  /**
   * Told once, for people, when a folder was taken over and cannot be written yet, since the process that had
   * it seems to stand still in the middle of a write.
   */
  readonly onStuck?: (folder: string) => void
}

/** Time, as leases need it. */
export interface LeaseClocks {
  /** Milliseconds that never go back; from any beginning. */
  monotonicMs(): number
  /** Epoch milliseconds. Seen to go on where a machine slept and its monotonic clock stood still. */
  wallMs(): number
  pause(ms: number): Promise<void>
  /** Calls `beat` again and again, without keeping the process alive. @returns what ends it */
  every(ms: number, beat: () => Promise<void>): () => void
}

/** Who a lock names. */
export interface LockHolder {
  readonly processId: number
  readonly host: string
  /** Since when, epoch milliseconds, where the use writes it down. */
  readonly sinceMs?: number
  /** Random; of this taking alone. Absent in locks of versions that had none. */
  readonly token?: string
  /** As `FolderOwner` has it. */
  readonly processSpace?: string
  /** How long the holder may be silent, in milliseconds; absent where nothing beats. */
  readonly leaseMs?: number
  /** Changes with each heartbeat; absent where nothing beats. */
  readonly beat?: string
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
  /** Written into the lock when its holder will beat; absent: it will not. */
  readonly leaseMs?: number
  /** Whether a lock file was left behind although its process may be alive; absent: none was. */
  readonly isLeftBehind?: (holder: LockHolder, lock: string) => boolean
}

/** A lock that this process has. */
export interface TakenLock {
  readonly path: string
  readonly number: number
  readonly token: string
  /** Where the beat stands in the file, in bytes; undefined: it has none. */
  readonly beatAt: number | undefined
  /** Says in the file that nobody holds the folder, if it is still this process's own. */
  release(): void
}

/**
 * What a lock was taken from. `free`: nobody held it, or it was released. `gone`: its process is known to
 * have ended. `silent`: nobody knows, so its process may wake up and go on.
 */
export type TakenFrom = 'free' | 'gone' | 'silent'

/**
 * `overtaken`: another process was faster; look again. `lock`: path of the file that names the holder.
 * `isOwn`: this process holds it.
 */
export type LockAttempt =
  | { readonly kind: 'taken'; readonly from: TakenFrom; readonly taken: TakenLock }
  | { readonly kind: 'held'; readonly holder: LockHolder; readonly lock: string; readonly isOwn: boolean }
  | { readonly kind: 'overtaken' }

const DIGITS = 12
const RELEASED = 'released'

/** Lock files by which this process holds folders, as absolute paths, each with its owner. */
const held = new Map<string, string>()

/** Tests play several processes in one. */
const nameOf = ({ processId, host, processSpace }: FolderOwner): string =>
  JSON.stringify([processId, host, processSpace])

/** Tries once to take the lock. @throws what the file system says */
export const tryLock = (request: LockRequest): LockAttempt => {
  mkdirSync(request.folder, { recursive: true })
  const numbers = lockNumbers(request)
  const last = numbers.at(-1) ?? 0
  const found: Found = last === 0 ? { kind: 'free' } : findHolder(request, last)
  if (found.kind === 'removed') return { kind: 'overtaken' }
  if (found.kind === 'held') return { ...found, lock: lockPath(request, last) }
  const below = found.kind === 'free' ? undefined : heldBelow(request, numbers, last)
  if (below !== undefined) return below
  const taken = makeNext(request, last)
  return taken === undefined ? { kind: 'overtaken' } : { kind: 'taken', from: found.kind, taken }
}

/**
 * Takes the number after `own`, which this process has and which ran out: nobody has taken over when `own` is
 * still the highest, and whoever tries at the same time gets the number or does not.
 *
 * @returns undefined when somebody else has taken over
 * @throws what the file system says
 */
export const takeNext = (request: LockRequest, own: TakenLock): TakenLock | undefined => {
  for (;;) {
    if (lockNumbers(request).at(-1) !== own.number) return undefined
    if (parse(readLock(own.path) ?? '')?.token !== own.token) return undefined
    held.delete(resolve(own.path))
    const next = makeNext({ ...request, isLeftBehind: ({ token }) => token === own.token }, own.number)
    if (next !== undefined) return next
    // Somebody made the number too and may have withdrawn since: whoever has it now is seen above.
  }
}

/** Makes the number after `last`. @returns undefined when another process was faster */
const makeNext = (request: LockRequest, last: number): TakenLock | undefined => {
  const { folder, owner, sinceMs, leaseMs } = request
  const { processId, host, processSpace } = owner
  const number = last + 1
  const path = lockPath(request, number)
  const token = randomUUID()
  const beat = leaseMs === undefined ? undefined : beatText(0)
  const text = JSON.stringify({ processId, host, sinceMs, token, processSpace, leaseMs, beat })
  if (!createWhole(folder, path, text)) return undefined
  if (!isMineAlone(request, number)) {
    rmSync(path, { force: true })
    return undefined
  }
  for (const old of lockNumbers(request)) if (old <= last) rmSync(lockPath(request, old), { force: true })
  held.set(resolve(path), nameOf(owner))
  return {
    path,
    number,
    token,
    // The last value of the text: `…"beat":"000000000000"}`.
    beatAt: beat === undefined ? undefined : Buffer.byteLength(text) - beat.length - 2,
    release: () => {
      forgetLock(path)
      writeReleased(folder, path, token)
    },
  }
}

/** This process does not hold that lock any more, whatever its file says. */
export const forgetLock = (path: string): void => {
  held.delete(resolve(path))
}

/** Text of beat number `count`: always of the same length, so that it is replaced in place. */
export const beatText = (count: number): string => String(count).padStart(DIGITS, '0')

/** Token in the text of a lock; undefined where it has none. */
export const tokenOfLock = (text: string): string | undefined => parse(text)?.token

/** Number of the highest lock; 0 without one. @throws what the file system says */
export const highestLock = (request: LockRequest): number => lockNumbers(request).at(-1) ?? 0

/** Who the highest lock names; undefined when nobody, or when it cannot be read. */
export const namedByHighest = (request: LockRequest): LockHolder | undefined => {
  const last = lockNumbers(request).at(-1)
  return last === undefined ? undefined : parse(readLock(lockPath(request, last)) ?? '')
}

/**
 * Whether the lock that was just made counts: it is the highest, and no lower one has a holder.
 *
 * The second matters where there are no hard links: a lock that could not be read, and so was nobody's, may
 * have been one that was being written.
 */
const isMineAlone = (request: LockRequest, mine: number): boolean => {
  const numbers = lockNumbers(request)
  return numbers.at(-1) === mine && heldBelow(request, numbers, mine) === undefined
}

/**
 * A lock of these below `last` that has a holder. A power failure can bring one back that was removed, and
 * cut the highest short: whoever the lower one names must have been silent too before anybody else may count.
 */
const heldBelow = (
  request: LockRequest,
  numbers: readonly number[],
  last: number,
): LockAttempt | undefined => {
  for (const number of numbers.filter((one) => one < last)) {
    const found = findHolder(request, number)
    if (found.kind === 'held') return { ...found, lock: lockPath(request, number) }
  }
  return undefined
}

/** What a lock file says. `removed`: since the folder was listed. */
type Found =
  | { readonly kind: TakenFrom }
  | { readonly kind: 'removed' }
  | { readonly kind: 'held'; readonly holder: LockHolder; readonly isOwn: boolean }

const findHolder = (request: LockRequest, number: number): Found => {
  const path = lockPath(request, number)
  const text = readLock(path)
  if (text === undefined) return { kind: 'removed' }
  const holder = parse(text)
  // A lock that cannot be read was cut short by a power failure: its process has ended, but nobody knows.
  if (holder === undefined) return { kind: text === RELEASED ? 'free' : 'silent' }
  const isOwn = held.get(resolve(path)) === nameOf(request.owner)
  if (!isOwn && isKnownGone(holder, request.owner)) return { kind: 'gone' }
  if (!isOwn && request.isLeftBehind?.(holder, path) === true) return { kind: 'silent' }
  return { kind: 'held', holder, isOwn }
}

/** Whether the process of a lock that is not this process's own is known to have ended. */
const isKnownGone = (holder: LockHolder, owner: FolderOwner): boolean => {
  const { processId, host, token, processSpace } = holder
  if (host !== owner.host) return false
  // Versions without tokens said too little. That a container was started again, and that another one with
  // the same process id and host name runs beside this one, look alike: nobody is let in.
  if (token === undefined) return processId !== owner.processId && !owner.isAlive(processId)
  if (processSpace === undefined || processSpace !== owner.processSpace) return false
  // Two processes of one space never have one id at the same time.
  return processId === owner.processId || !owner.isAlive(processId)
}

/**
 * Who a lock of a version before the numbered ones names; undefined when nobody does, or its process of this
 * host has ended.
 */
export const holderOfSingle = (text: string, owner: FolderOwner): LockHolder | undefined => {
  const holder = parse(text)
  return holder === undefined || isKnownGone(holder, owner) ? undefined : holder
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
const writeReleased = (folder: string, path: string, token: string): void => {
  const draft = draftIn(folder)
  try {
    if (parse(readLock(path) ?? '')?.token !== token) return
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
