import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { VigiaError } from '../errors.ts'
import {
  createFile,
  type FolderOwner,
  type LockHolder,
  type LockRequest,
  livingHolder,
  readLock,
  tryLock,
} from './numbered-lock.ts'

export type { FolderOwner } from './numbered-lock.ts'

/*
 * One process at a time uses a folder. Three ways to ask for it, over one algorithm (`numbered-lock.ts`):
 * hold it until it is released, wait for it to do short work, or run in it and be refused at once.
 *
 * What a process of this host that is gone has left is taken over. A lock of another host is not, except one
 * that is too old for short work: whether its process lives cannot be seen from here. A container that is
 * replaced gets another host name, so a lock that it left is removed by people; the errors say so.
 */

/**
 * Makes `folder` this process's own until the function that it returns is called.
 *
 * @throws SERVING_FOLDER_IN_USE at once when another process holds it, and when this one does already
 */
export const holdFolder = (folder: string, owner: FolderOwner): (() => void) =>
  lockAtOnce(
    { folder, prefix: 'in-use-', ending: '.json', owner },
    ({ processId, host }, lock) => new VigiaError('SERVING_FOLDER_IN_USE', { folder, processId, host, lock }),
  )

/** Nothing that is done under the lock takes a hundredth of this; an older lock was left behind. */
const STALE_MS = 60_000
const PATIENCE_MS = 120_000

/**
 * Does `work` while no other process works under the lock of `folder`, and waits for it as long as needed.
 * A lock that is a minute old was left behind, whatever its process and host. `work` is synchronous: the lock
 * is released when it returns.
 *
 * @param now wall clock, epoch milliseconds
 * @param location the folder as people know it
 * @throws TRACKING_UNREACHABLE when others hold it for two minutes
 */
export const workInFolder = async <T>(
  folder: string,
  {
    owner,
    now,
    location,
  }: { readonly owner: FolderOwner; readonly now: () => number; readonly location: string },
  work: () => T,
): Promise<T> => {
  const isLeftBehind = (lock: string): boolean =>
    now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? now()) >= STALE_MS
  const started = now()
  for (let tries = 0; ; tries++) {
    const attempt = tryLock({ folder, prefix: 'lock-', ending: '', owner, isLeftBehind })
    if (attempt.kind === 'taken') {
      try {
        return work()
      } finally {
        attempt.release()
      }
    }
    if (now() - started > PATIENCE_MS) {
      const who =
        attempt.kind === 'held' ? `process ${attempt.holder.processId} on ${attempt.holder.host}` : ''
      const reason = `other processes have been writing to it for two minutes${who && `, at last ${who}`}`
      throw new VigiaError('TRACKING_UNREACHABLE', { location, reason })
    }
    await pause(Math.min(50, 1 + tries) * (0.5 + Math.random()))
  }
}

/**
 * Runs `work` as the only run in `folder`.
 *
 * @param nowMs epoch milliseconds: since when the run holds the folder
 * @throws PIPELINE_LOCKED at once when another run holds the folder, one of this process too
 */
export const withRunLock = async <T>(
  folder: string,
  owner: FolderOwner,
  nowMs: number,
  work: () => Promise<T>,
): Promise<T> => {
  const release = lockAtOnce({ folder, prefix: 'lock-', ending: '', owner, sinceMs: nowMs }, (holder, lock) =>
    runLockedBy(folder, holder, lock),
  )
  try {
    const releaseSingle = lockSingleFile(folder, owner, nowMs)
    try {
      return await work()
    } finally {
      releaseSingle()
    }
  } finally {
    release()
  }
}

/**
 * `lock.json` is the lock of versions before the numbered ones, which look at nothing else. It is respected
 * when one of them made it, and then made by this process, so that they respect this run.
 */
const lockSingleFile = (folder: string, owner: FolderOwner, nowMs: number): (() => void) => {
  const path = join(folder, 'lock.json')
  const { processId, host } = owner
  const mine = JSON.stringify({ processId, host, sinceMs: nowMs, isNumbered: true })
  while (!createFile(path, mine)) {
    const text = readLock(path) ?? ''
    // One that says `isNumbered` is a leftover: whoever made it would hold the numbered lock.
    const holder = text.includes('"isNumbered":true') ? undefined : livingHolder(text, owner, false)
    if (holder !== undefined) throw runLockedBy(folder, holder, path)
    rmSync(path, { force: true })
  }
  return () => rmSync(path, { force: true })
}

const runLockedBy = (folder: string, { processId, host, sinceMs }: Described, lock: string): VigiaError =>
  new VigiaError('PIPELINE_LOCKED', {
    folder,
    process: processId,
    host,
    since: sinceMs === undefined ? 'an unknown time' : new Date(sinceMs).toISOString(),
    lock,
  })

/** A holder as an error tells of it. */
type Described = Omit<LockHolder, 'processId'> & { readonly processId: number | 'unknown' }

/** Others may be faster a few times, as when all processes of a machine start at once. */
const MOST_TRIES = 100

/** Takes the lock, or throws what `refuse` makes of its holder. @returns what releases it */
const lockAtOnce = (
  request: LockRequest,
  refuse: (holder: Described, lock: string) => VigiaError,
): (() => void) => {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const attempt = tryLock(request)
    if (attempt.kind === 'taken') return attempt.release
    if (attempt.kind === 'held') throw refuse(attempt.holder, attempt.lock)
  }
  const lock = join(request.folder, `${request.prefix}…${request.ending}`)
  throw refuse({ processId: 'unknown', host: request.owner.host }, lock)
}
