import { randomUUID } from 'node:crypto'
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { VigiaError } from '../errors.ts'
import { holdLease, type Lease, type LeaseTimes, MACHINE_CLOCKS, MARGIN_MS, momentOf } from './lease.ts'
import {
  createFile,
  type FolderOwner,
  holderOfSingle,
  type LeaseClocks,
  type LockHolder,
  type LockRequest,
  namedByHighest,
  readLock,
  tryLock,
} from './numbered-lock.ts'

export type { Lease } from './lease.ts'
export type { FolderOwner } from './numbered-lock.ts'

/*
 * One process at a time uses a folder. Three ways to ask for it, over one algorithm (`numbered-lock.ts`):
 * hold it until it is released, wait for it to do short work, or run in it.
 *
 * What a process has left that is known to be gone is taken over at once: one of the same process space
 * (`FolderOwner.processSpace`). Of any other only its heartbeat tells: whoever holds or runs beats
 * (`lease.ts`), and whoever comes watches the beat, is refused when it moves, and takes over when it has
 * stood still for the lease and a margin.
 */

/**
 * Servers beat every two seconds. Ten seconds without a beat are a pause that no server has that answers
 * payments; with the margin and the time to look a replacement has the folder within twelve.
 */
export const HELD: LeaseTimes = { leaseMs: 10_000, beatMs: 2_000 }
/** Runs may keep the event loop busy for longer, and nobody waits for an answer. */
const RUNNING: LeaseTimes = { leaseMs: 30_000, beatMs: 2_000 }

export interface HoldOptions {
  /**
   * Told when another process has taken the folder over, as after this one stood still; what `Lease.check`
   * throws from then on.
   */
  readonly onLost?: (error: Error) => void
  /** What `watchFolder` has seen. */
  readonly seen?: SeenBeat
}

/**
 * Makes `folder` this process's own until it is released. Waits for as long as the lease of a holder that is
 * silent takes.
 *
 * @throws SERVING_FOLDER_IN_USE when another process holds it and lives, and when this one does already
 */
export const holdFolder = (
  folder: string,
  owner: FolderOwner,
  { onLost, seen }: HoldOptions = {},
): Promise<Lease> =>
  acquire(heldLock(folder, owner), {
    times: HELD,
    refuse: ({ processId, host }, lock) =>
      new VigiaError('SERVING_FOLDER_IN_USE', { folder, processId, host, lock }),
    lost: (holder, reason) =>
      new VigiaError('SERVING_LEASE_LOST', { folder, reason, holder: describe(holder) }),
    ...(onLost && { onLost }),
    ...(seen && { seen }),
  })

/**
 * Looks who holds a folder, so that the time until `holdFolder` counts as waiting: who needs two folders
 * waits for both at once.
 *
 * @returns undefined when nobody does, or without a heartbeat
 */
export const watchFolder = (folder: string, owner: FolderOwner): SeenBeat | undefined => {
  const holder = existsSync(folder) ? namedByHighest(heldLock(folder, owner)) : undefined
  return holder && seenBeat(holder, owner.clocks ?? MACHINE_CLOCKS)
}

const heldLock = (folder: string, owner: FolderOwner): LockRequest => ({
  folder,
  prefix: 'in-use-',
  ending: '.json',
  owner,
})

const describe = (holder: LockHolder | undefined): string =>
  holder === undefined ? 'nobody' : `process ${holder.processId} on ${holder.host}`

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
  const started = now()
  for (let tries = 0; ; tries++) {
    const isLeftBehind = (_: LockHolder, lock: string): boolean =>
      tries % LOOKS_BETWEEN_AGES === 0 && ageMs(folder, lock) >= STALE_MS
    const attempt = tryLock({ folder, prefix: 'lock-', ending: '', owner, isLeftBehind })
    if (attempt.kind === 'taken') {
      try {
        return work()
      } finally {
        attempt.taken.release()
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

/** The age of a lock costs a file: it is asked for at once, then some times a second. */
const LOOKS_BETWEEN_AGES = 8

/**
 * How long ago a lock was made, in milliseconds, by the clock that its file system dates files by: the clocks
 * of two hosts may differ.
 */
const ageMs = (folder: string, lock: string): number => {
  const probe = join(folder, `writing-${randomUUID()}`)
  try {
    writeFileSync(probe, '')
    const made = statSync(lock, { throwIfNoEntry: false })
    return made === undefined ? 0 : statSync(probe).mtimeMs - made.mtimeMs
  } finally {
    rmSync(probe, { force: true })
  }
}

/**
 * Runs `work` as the only run in `folder`. Waits for as long as the lease of a run that is silent takes.
 *
 * @param nowMs epoch milliseconds: since when the run holds the folder
 * @param work is handed what throws PIPELINE_LOCKED when another run has taken the folder over: to be asked
 * before something is put in its place
 * @throws PIPELINE_LOCKED when another run holds the folder and lives, one of this process too
 */
export const withRunLock = async <T>(
  folder: string,
  owner: FolderOwner,
  nowMs: number,
  work: (assertHeld: () => void) => Promise<T>,
): Promise<T> => {
  const refuse = (holder: Described, lock: string) => runLockedBy(folder, holder, lock)
  const lease = await acquire(
    { folder, prefix: 'lock-', ending: '', owner, sinceMs: nowMs },
    {
      times: RUNNING,
      refuse,
      lost: (holder) => refuse(holder ?? UNKNOWN, join(folder, 'lock-…')),
    },
  )
  try {
    const releaseSingle = lockSingleFile(folder, owner, nowMs)
    try {
      return await work(() => lease.check())
    } finally {
      releaseSingle()
    }
  } finally {
    lease.release()
  }
}

/**
 * `lock.json` is the lock of versions before the numbered ones, which look at nothing else. It is respected
 * when one of them made it, and then made by this process, so that they respect this run.
 */
const lockSingleFile = (folder: string, owner: FolderOwner, nowMs: number): (() => void) => {
  const path = join(folder, 'lock.json')
  const { processId, host } = owner
  const token = randomUUID()
  const mine = JSON.stringify({ processId, host, sinceMs: nowMs, isNumbered: true, token })
  while (!createFile(path, mine)) {
    const text = readLock(path) ?? ''
    // One that says `isNumbered` is a leftover: whoever made it would hold the numbered lock.
    const holder = text.includes('"isNumbered":true') ? undefined : holderOfSingle(text, owner)
    if (holder !== undefined) throw runLockedBy(folder, holder, path)
    rmSync(path, { force: true })
  }
  return () => {
    // A run that took the folder over has made its own.
    if (readLock(path) === mine) rmSync(path, { force: true })
  }
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

const UNKNOWN: Described = { processId: 'unknown', host: 'an unknown host' }

/** Others may be faster a few times, as when all processes of a machine start at once. */
const MOST_TRIES = 100
/** How often a beat that stands still is looked at. */
const LOOK_MS = 200
/** People are told that something is waited for when the next beat should have been there. */
const TELL_AFTER_MS = 3_000
/** A lock that asks for more patience was not written by Vigía. */
const LONGEST_LEASE_MS = 600_000

/** What a use makes of the ways in which a folder is not had. */
interface Acquiring {
  readonly times: LeaseTimes
  readonly refuse: (holder: Described, lock: string) => VigiaError
  readonly lost: (holder: LockHolder | undefined, reason: string) => VigiaError
  readonly onLost?: (error: Error) => void
  readonly seen?: SeenBeat
}

/** A beat that a waiter has seen: it moves, or has stood still since then. */
export interface SeenBeat {
  readonly token: string | undefined
  readonly beat: string
  /** By the waiter's monotonic clock. */
  readonly sinceMs: number
  /** For how long it must stand still until it is taken over. */
  readonly patienceMs: number
}

const seenBeat = (
  { token, beat, leaseMs = HELD.leaseMs }: LockHolder,
  clocks: LeaseClocks,
): SeenBeat | undefined =>
  beat === undefined
    ? undefined
    : {
        token,
        beat,
        sinceMs: clocks.monotonicMs(),
        patienceMs: Math.min(leaseMs, LONGEST_LEASE_MS) + MARGIN_MS,
      }

/** Takes the lock, waiting while its holder is silent, or throws what `refuse` makes of one that lives. */
const acquire = async (wanted: LockRequest, use: Acquiring): Promise<Lease> => {
  const { owner, folder } = wanted
  const { times, refuse } = use
  let { seen } = use
  const clocks = owner.clocks ?? MACHINE_CLOCKS
  let isTold = false
  const isSilent = ({ token, beat }: LockHolder): boolean =>
    seen !== undefined &&
    token === seen.token &&
    beat === seen.beat &&
    clocks.monotonicMs() - seen.sinceMs >= seen.patienceMs
  const request: LockRequest = { ...wanted, leaseMs: times.leaseMs, isLeftBehind: isSilent }
  for (let tries = 0; tries < MOST_TRIES; ) {
    const since = momentOf(clocks)
    const attempt = tryLock(request)
    if (attempt.kind === 'taken') return holdLease({ ...use, ...attempt, request, since, clocks })
    if (attempt.kind === 'overtaken') {
      tries++
      continue
    }
    const { holder, lock, isOwn } = attempt
    const { token, beat } = holder
    const isMoving = seen !== undefined && (token !== seen.token || beat !== seen.beat)
    seen ??= seenBeat(holder, clocks)
    // One without a heartbeat, of an earlier version, cannot be told from a dead one.
    if (isOwn || isMoving || seen === undefined) throw refuse(holder, lock)
    if (!isTold && clocks.monotonicMs() - seen.sinceMs >= TELL_AFTER_MS) {
      isTold = true
      owner.onWaiting?.(folder, holder, seen.patienceMs)
    }
    await clocks.pause(LOOK_MS)
  }
  throw refuse(UNKNOWN, join(folder, `${wanted.prefix}…${wanted.ending}`))
}
