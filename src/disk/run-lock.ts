import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { VigiaError } from '../errors.ts'

/** Who runs, as the composition root knows it. */
export interface RunOwner {
  readonly processId: number
  readonly host: string
  /** Whether a process of this host still runs. */
  isAlive(processId: number): boolean
}

interface Lock {
  readonly processId: number
  readonly host: string
  readonly sinceMs: number
}

const LOCK_FILE = 'lock.json'

/**
 * Runs `work` as the only run in `folder`, which exists.
 *
 * A lock whose process of this host is gone was left by a crash and is taken over. A lock of another host
 * cannot be judged from here, so it counts as held.
 *
 * @throws PIPELINE_LOCKED when another run holds the folder
 */
export const withRunLock = async <T>(
  folder: string,
  owner: RunOwner,
  nowMs: number,
  work: () => Promise<T>,
): Promise<T> => {
  const path = join(folder, LOCK_FILE)
  const mine = JSON.stringify({ processId: owner.processId, host: owner.host, sinceMs: nowMs } satisfies Lock)
  if (!(await tryCreate(path, mine))) {
    await removeStale(path, owner)
    if (!(await tryCreate(path, mine))) throw lockedBy(folder, parse(await readText(path)))
  }
  try {
    return await work()
  } finally {
    await rm(path, { force: true })
  }
}

const tryCreate = async (path: string, content: string): Promise<boolean> => {
  try {
    await writeFile(path, content, { flag: 'wx' })
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

const removeStale = async (path: string, owner: RunOwner): Promise<void> => {
  const text = await readText(path)
  if (!isStale(parse(text), owner)) return
  // Renaming happens once even when two runs find the same stale lock; who moved a fresh one by mistake puts
  // it back.
  const aside = `${path}.stale-${owner.processId}`
  await rename(path, aside).catch(() => undefined)
  if ((await readText(aside)) !== text) await rename(aside, path).catch(() => undefined)
  await rm(aside, { force: true })
}

/** A lock that cannot be read was cut short by a crash of the machine. */
const isStale = (lock: Lock | undefined, owner: RunOwner): boolean =>
  lock === undefined || (lock.host === owner.host && !owner.isAlive(lock.processId))

const readText = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '')

const parse = (text: string): Lock | undefined => {
  try {
    return JSON.parse(text) as Lock
  } catch {
    return undefined
  }
}

const lockedBy = (folder: string, lock: Lock | undefined): VigiaError =>
  new VigiaError('PIPELINE_LOCKED', {
    folder,
    process: lock?.processId ?? 'unknown',
    host: lock?.host ?? 'unknown',
    since: lock === undefined ? 'an unknown time' : new Date(lock.sinceMs).toISOString(),
    lock: join(folder, LOCK_FILE),
  })
