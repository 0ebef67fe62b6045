import { appliedOf, stateOf } from '../../src/decisions/states/stored-state.ts'
import { HEADER } from '../../src/features/state/layout.ts'
import type { StoredState } from '../../src/ports/state-store.ts'
import { readLogOnDisk } from './log-on-disk.ts'
import type { Contents } from './owned-store.ts'
import { bytesOf, type Replay } from './replayed.ts'
import type { Site } from './site.ts'

const numberIn = (contents: Contents, name: string): number => {
  const stored = contents.get(`receipt/log/${name}`)
  return stored === undefined ? 0 : Number(Buffer.from(stored.bytes).toString('utf8'))
}

/** How far the store says that it is. */
export const frontierOf = (
  contents: Contents,
): { readonly savedThrough: number; readonly storedUpTo: number } => ({
  savedThrough: numberIn(contents, 'saved-through'),
  storedUpTo: numberIn(contents, 'stored-up-to'),
})

/**
 * Watches each save of an owned store: it has nothing that the log might still lose, and its numbers never
 * fall.
 */
export const watchSaves = (site: Site): void => {
  let before = { savedThrough: 0, storedUpTo: 0 }
  site.folder.onSave = (contents, changed) => {
    const isSynced = site.setup.durability === 'power'
    const { last } = readLogOnDisk(site, '/log', isSynced)
    const { savedThrough, storedUpTo } = frontierOf(contents)
    if (site.isLossy) return
    if (savedThrough > storedUpTo)
      site.broken(`savedThrough ${savedThrough} is beyond storedUpTo ${storedUpTo}`)
    if (storedUpTo > last) site.broken(`the store says ${storedUpTo}, and the log ends with ${last}`)
    for (const [name, value] of changed)
      if (value !== undefined && name.startsWith('state/') && appliedOf(value.bytes) > last)
        site.broken(`${name} has record ${appliedOf(value.bytes)}, and the log ends with ${last}`)
    if (savedThrough < before.savedThrough || storedUpTo < before.storedUpTo)
      if (!isSetBack(site)) site.broken(`savedThrough ${savedThrough} falls from ${before.savedThrough}`)
    before = { savedThrough, storedUpTo }
  }
}

/** A power failure may take the last transactions of a store. */
const isSetBack = (site: Site): boolean => site.machine.story.some((line) => line.includes('the power fails'))

/** After closing every stored state has all of its records, and is what the log gives. */
export const checkStored = (site: Site, replay: Replay): void => {
  const { contents } = site.folder
  for (const [name, { applied, touched, state }] of replay.states) {
    if (applied === 0) continue
    const stored = contents.get(name)
    // It has expired, and the store has lost it.
    if (stored === undefined && state.data[state.base + HEADER.next] === 0) continue
    const last = stored === undefined ? 0 : appliedOf(stored.bytes)
    if (last < applied || last > touched)
      site.broken(`${name} ends with record ${last} after closing, not ${applied}`)
    if (stored !== undefined) checkBytes(site, replay, name, stored)
  }
}

export const checkBytes = (site: Site, replay: Replay, name: string, stored: StoredState): void => {
  const truth = replay.states.get(name)!
  if (Buffer.compare(bytesOf(replay, truth), stateOf(stored.bytes)) !== 0)
    site.broken(`${name} is not what the log gives`)
}
