import { statSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { VigiaError } from '../../errors.ts'
import type { StoreFolder } from './store-folder.ts'

/** The process that writes, and how another one's life is told. */
export interface StoreOwner {
  readonly processId: number
  readonly host: string
  isAlive(processId: number): boolean
}

const PREFIX = 'lock-'
const RELEASED = 'released'
/** Nothing that is done under the lock takes a hundredth of this; an older lock was left behind. */
const STALE_MS = 60_000
const PATIENCE_MS = 120_000

/**
 * Does `work` while no other process does so in this store.
 *
 * Locks are numbered files. The one with the highest number says who holds the store, or that it was
 * released; who wants it makes the next number, which only one can. The highest is never removed, so that a
 * lock which was taken over is not mistaken for a newer one, and who was slow between looking and making sees
 * that its number is no longer the highest, and withdraws.
 *
 * @throws TRACKING_UNREACHABLE when it is held for two minutes
 */
export const withStoreLock = async <T>(
  folder: StoreFolder,
  owner: StoreOwner,
  now: () => number,
  work: () => T,
): Promise<T> => {
  const started = now()
  for (let tries = 0; ; tries++) {
    const number = takeLock(folder, owner, now())
    if (number !== undefined) {
      try {
        return work()
      } finally {
        folder.write(lockPath(folder, number), RELEASED)
      }
    }
    if (now() - started > PATIENCE_MS)
      throw new VigiaError('TRACKING_UNREACHABLE', {
        location: folder.root,
        reason: 'another process has been writing to it for two minutes',
      })
    await pause(Math.min(50, 1 + tries) * (0.5 + Math.random()))
  }
}

/** The number of the lock that was taken; undefined when somebody holds the store. */
const takeLock = (folder: StoreFolder, owner: StoreOwner, nowMs: number): number | undefined => {
  const numbers = lockNumbers(folder)
  const last = numbers.at(-1) ?? 0
  if (last > 0 && isHeld(folder, last, owner, nowMs)) return undefined
  const { processId, host } = owner
  if (!folder.writeOnce(lockPath(folder, last + 1), JSON.stringify({ processId, host }))) return undefined
  // The number was free because it had been used and removed: others have taken the store since.
  if (lockNumbers(folder).at(-1) !== last + 1) {
    removeLock(folder, last + 1)
    return undefined
  }
  for (const old of numbers) removeLock(folder, old)
  return last + 1
}

/** From the lowest to the highest. */
const lockNumbers = (folder: StoreFolder): number[] =>
  folder
    .list(folder.bin, 'file')
    .flatMap((name) => (name.startsWith(PREFIX) ? [Number(name.slice(PREFIX.length))] : []))
    .sort((a, b) => a - b)

const removeLock = (folder: StoreFolder, number: number): void => {
  try {
    unlinkSync(lockPath(folder, number))
  } catch {
    // Another process has removed it.
  }
}

const isHeld = (folder: StoreFolder, number: number, owner: StoreOwner, nowMs: number): boolean => {
  const path = lockPath(folder, number)
  const text = folder.read(path)
  // Gone: a newer one was made since the folder was listed.
  if (text === undefined) return true
  if (text === RELEASED) return false
  const { processId, host } = JSON.parse(text) as { processId: number; host: string }
  if (host === owner.host && !owner.isAlive(processId)) return false
  try {
    return nowMs - statSync(path).mtimeMs < STALE_MS
  } catch {
    return true
  }
}

const lockPath = (folder: StoreFolder, number: number): string =>
  join(folder.bin, `${PREFIX}${String(number).padStart(12, '0')}`)
