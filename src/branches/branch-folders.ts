import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { layoutName } from '../decisions/log/log-layouts.ts'

/*
 * Stores of states on one log, in the folder of `state_store.path`:
 *
 *     <states>/                                  those that the log began with
 *     <states>/branches/0f3a9c1b22d47e60/        those of another layout, named by it
 *     <states>/branches/.building-0f3a9c1b22…/   being made by `vigia state migrate`
 */

const BRANCHES = 'branches'
const BUILDING = '.building-'

/** Where the states of a layout lie beside others. */
export const branchFolder = (states: string, layoutKey: string): string =>
  join(states, BRANCHES, layoutName(layoutKey))

/** Where they are made: what is found there at a start is no store. */
export const buildingFolder = (states: string, layoutKey: string): string =>
  join(states, BRANCHES, `${BUILDING}${layoutName(layoutKey)}`)

/** Folders of all branches beside the states in `states`. */
export const branchFolders = async (states: string): Promise<readonly string[]> => {
  const names = await readdir(join(states, BRANCHES)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names
    .filter((name) => /^[0-9a-f]{16}$/.test(name))
    .sort()
    .map((name) => join(states, BRANCHES, name))
}

const FILES = ['data.mdb', 'lock.mdb']

/** Frees the disk of a store that is closed: its folder stays, and is that of an empty store. */
export const removeStates = async (folder: string): Promise<void> => {
  for (const name of FILES) await rm(join(folder, name), { force: true })
}

/** Bytes of a store on the disk; 0 where there is none. */
export const bytesOfStates = async (folder: string): Promise<number> =>
  (await stat(join(folder, FILES[0]!)).catch(() => undefined))?.size ?? 0
