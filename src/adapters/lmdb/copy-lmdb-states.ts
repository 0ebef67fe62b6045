import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { nextTurn } from '../../foundation/next-turn.ts'
import type { StatesCopy } from '../../ports/state-store.ts'
import { copyDatabases, openDatabases } from './lmdb-databases.ts'
import { stateFound } from './stored-states.ts'

/** Entries that are read before other work has its turn. */
const TURN_ENTRIES = 1000

/**
 * Copies the states in `folder` to `to`, as they are at one moment between two transactions, while a server
 * may be writing them, and reads every entry of the copy.
 *
 * @throws what LMDB says
 */
export const copyLmdbStates = async (folder: string, to: string): Promise<StatesCopy> => {
  if (!existsSync(join(folder, 'data.mdb'))) throw new Error('there are no states in it')
  await mkdir(to, { recursive: true })
  // Not compacted: pages stay where they are, so the next copy has the same bytes where nothing changed.
  await copyDatabases(folder, to, false)
  const databases = openDatabases(to, true)
  const { root, statesOf, knownKinds, receipts, notes } = databases
  try {
    const kept = new Map<string, string>()
    for (const { key, value } of notes.getRange()) kept.set(key, value)
    const log = new Map<string, Uint8Array>()
    let states = 0
    for (const kind of knownKinds())
      for (const { key: token, value } of statesOf(kind).getRange()) {
        stateFound(databases, { kind, token }, value)
        if (++states % TURN_ENTRIES === 0) await nextTurn()
      }
    let count = 0
    for (const { key, value } of receipts.getRange()) {
      if (key.startsWith('log/')) log.set(key, new Uint8Array(value))
      if (++count % TURN_ENTRIES === 0) await nextTurn()
    }
    return {
      states,
      receipts: count,
      readNote: async (name) => kept.get(name),
      findReceipt: async (id) => log.get(id),
    }
  } finally {
    await root.close()
  }
}
