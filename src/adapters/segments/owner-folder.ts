import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Durability } from '../../ports/prediction-log.ts'

const PREFIX = 'owner-'

/**
 * The folder through which names come into the log and go out of it: made by the owner of the log when it
 * takes the log, removed by the next owner. A file appears under its name by being moved out of it, and
 * disappears by being moved into it, so an earlier owner that wakes up between asking whether it still
 * owns the log and changing a name changes nothing: its folder is not there any more.
 */
export interface OwnerFolder {
  /** A new name in it, for a file that will be moved to its place. */
  draft(): string
  /** Moves a draft to `path`. @throws when something is there, and when the owner was ousted */
  place(draft: string, path: string): void
  /** Moves a draft to `path`, in the place of what is there. @throws when the owner was ousted */
  replace(draft: string, path: string): void
  /** Removes the file at `path`; does nothing where there is none. @throws when the owner was ousted */
  remove(path: string): void
  /** Removes the folder. */
  close(): void
}

/** A log, as its owner writes it. */
export interface SegmentPlace {
  /** Of the log. */
  readonly folder: string
  readonly durability: Durability
  readonly names: OwnerFolder
  /** @throws SERVING_LEASE_LOST when another process owns the log */
  readonly assertOwned: () => void
  /** The same as far as clocks tell, without a call of the file system. */
  readonly assertInTime: () => void
}

/** Removes the folders of all earlier owners of the log in `folder`, and makes one. */
export const makeOwnerFolder = (folder: string): OwnerFolder => {
  for (const name of readdirSync(folder)) if (name.startsWith(PREFIX)) removeFolder(join(folder, name))
  const own = join(folder, `${PREFIX}${randomUUID()}`)
  mkdirSync(own)
  let drafts = 0
  const draft = (): string => join(own, String(drafts++))
  return {
    draft,
    place: (from, path) => {
      // Only the owner makes names, so nobody makes this one between the two.
      if (existsSync(path)) throw new Error(`${path} is there already`)
      renameSync(from, path)
    },
    replace: (from, path) => renameSync(from, path),
    remove: (path) => {
      if (!existsSync(path)) return
      const removed = draft()
      renameSync(path, removed)
      rmSync(removed)
    },
    close: () => rmSync(own, { recursive: true, force: true }),
  }
}

/** Whoever still knows its name finds nothing under it from the first moment on. */
const removeFolder = (path: string): void => {
  const away = join(path, '..', `${PREFIX}gone-${randomUUID()}`)
  renameSync(path, away)
  // What its owner made in it at this moment makes the removal fail: it is tried again.
  rmSync(away, { recursive: true, force: true, maxRetries: 10 })
}
