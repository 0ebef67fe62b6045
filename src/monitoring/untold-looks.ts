import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Look } from '../alerts/take-look.ts'
import { syncFolderAsync } from '../disk/sync-folder.ts'
import { writeAtomically } from '../disk/write-atomically.ts'
import type { LookFigures } from './look-figures.ts'

/** What came of a look: plain data. */
export interface TakenLook {
  readonly look: Look
  readonly figures: LookFigures
}

/** A look that the alerts have not heard of, and the time that it is for, epoch milliseconds. */
export interface UntoldLook extends TakenLook {
  readonly atMs: number
}

/** Looks that were taken and not told yet: a file each, so that no alert is lost and no look taken again. */
export interface UntoldLooks {
  /** On the disk when it resolves. @throws DATASET_NOT_WRITABLE, DATASET_NO_SPACE */
  keep(untold: UntoldLook): Promise<void>
  /** The oldest first. One that cannot be read is removed: what it was of is looked at again. */
  list(): Promise<readonly UntoldLook[]>
  remove(atMs: number): Promise<void>
  /**
   * Keeps one that the alerts refuse apart, in `refused` beside the others, with the reason: no later one
   * waits for it. @throws DATASET_NOT_WRITABLE, DATASET_NO_SPACE
   */
  setAside(untold: UntoldLook, reason: string): Promise<void>
}

export const untoldLooks = (folder: string): UntoldLooks => {
  const pathOf = (atMs: number): string => join(folder, `${atMs}.json`)
  const remove = (atMs: number): Promise<void> => rm(pathOf(atMs), { force: true }).catch(ofNoFolder)
  const write = async (to: string, untold: UntoldLook | RefusedLook): Promise<void> => {
    await mkdir(to, { recursive: true })
    const text = JSON.stringify(untold)
    const path = join(to, `${untold.atMs}.json`)
    await writeAtomically(path, (temporary) => writeFile(temporary, text, { flush: true }))
    await syncFolderAsync(to)
  }
  return {
    keep: (untold) => write(folder, untold),
    async list() {
      const names = await readdir(folder).catch(() => [])
      const times = names.flatMap((name) => NAME.exec(name)?.[1] ?? []).map(Number)
      const looks: UntoldLook[] = []
      for (const atMs of times.sort((a, b) => a - b)) {
        const untold = await readUntold(pathOf(atMs))
        if (untold === undefined) await remove(atMs)
        else looks.push(untold)
      }
      return looks
    },
    remove,
    async setAside(untold, reason) {
      await write(join(folder, 'refused'), { ...untold, reason })
      await remove(untold.atMs)
    },
  }
}

interface RefusedLook extends UntoldLook {
  readonly reason: string
}

const NAME = /^(\d+)\.json$/

/** Where there can be no files, none need be removed. */
const ofNoFolder = (error: NodeJS.ErrnoException): void => {
  if (error.code !== 'ENOTDIR') throw error
}

const readUntold = async (path: string): Promise<UntoldLook | undefined> => {
  const text = await readFile(path, 'utf8')
  try {
    return JSON.parse(text) as UntoldLook
  } catch {
    return undefined
  }
}
