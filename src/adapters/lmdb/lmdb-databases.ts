import { type Database, open, type RootDatabase } from 'lmdb'
import { type ByKind, byKind, ENTITY_KINDS, type EntityKind } from '../../transaction/entity-kind.ts'

/** The databases in the folder of a store. */
export interface LmdbDatabases {
  /** The environment that holds the others: transactions over all of them, flushing, closing. */
  readonly root: RootDatabase<Uint8Array, string>
  /** States of a kind, or their heads, by token (`stored-states.ts`). */
  readonly statesOf: (kind: EntityKind) => Database<Buffer, number>
  /** Parts of states that are longer than a page. */
  readonly parts: Database<Buffer, Buffer>
  /** Kinds that have had states: the standard ones, and others by what `kinds` has. */
  readonly knownKinds: () => readonly EntityKind[]
  /** Kinds of a bank's own that have had states. */
  readonly kinds: Database<string, string>
  /** Receipts by id. */
  readonly receipts: Database<Buffer, string>
  /** Notes by name. */
  readonly notes: Database<string, string>
  /** Who may write: one entry, whose version is the owner's. */
  readonly owner: Database<string, string>
}

/** Room for so many kinds of entities, and what else there is. */
export const MOST_DATABASES = 256

/**
 * Entries of LMDB's list of free pages that a writer takes into memory, and keeps between transactions. The
 * package's own bounds are 50,000 and 75,000: a store of 3 GB that had been backed up under load, so that
 * pages became free that were still read, went through them in each commit for far longer than it wrote. Not
 * in the package's types or documents (lmdb 3.5.6, src/env.cpp).
 */
const FREE_PAGES: object = { maxFreeSpaceToLoad: 5000, maxFreeSpaceToRetain: 10_000 }

/**
 * Opens the databases; makes them where there are none, unless they are only read.
 *
 * @param freePages bounds of the list of free pages
 * @throws what LMDB says
 */
export const openDatabases = (folder: string, readOnly = false, freePages = FREE_PAGES): LmdbDatabases => {
  const root: LmdbDatabases['root'] = open({
    path: folder,
    maxDbs: MOST_DATABASES,
    // A turn's batch has a promise that nobody hears: a transaction that fails would end the process.
    eventTurnBatching: false,
    encoding: 'binary',
    noSubdir: false,
    readOnly,
    ...freePages,
  })
  const opened = new Map<EntityKind, Database<Buffer, number>>()
  const statesOf = (kind: EntityKind): Database<Buffer, number> => {
    const known = opened.get(kind)
    if (known !== undefined) return known
    const states = root.openDB<Buffer, number>({ name: `states-${kind}`, encoding: 'binary' })
    opened.set(kind, states)
    return states
  }
  for (const kind of ENTITY_KINDS) statesOf(kind)
  const kinds = root.openDB<string, string>({ name: 'kinds', encoding: 'string' })
  return {
    root,
    statesOf,
    parts: root.openDB<Buffer, Buffer>({ name: 'parts', encoding: 'binary', keyEncoding: 'binary' }),
    kinds,
    knownKinds: () => [...ENTITY_KINDS, ...kinds.getKeys()],
    receipts: root.openDB<Buffer, string>({ name: 'receipts', encoding: 'binary' }),
    notes: root.openDB<string, string>({ name: 'notes', encoding: 'string' }),
    owner: root.openDB<string, string>({ name: 'owner', encoding: 'string', useVersions: true }),
  }
}

/**
 * Copies the databases in `folder` to the folder `to`, which is there, as they are at one moment between two
 * transactions, while another process may be writing them.
 *
 * @param isCompact without the pages that nothing uses; otherwise pages stay where they are
 * @throws what LMDB says
 */
export const copyDatabases = async (folder: string, to: string, isCompact: boolean): Promise<void> => {
  const source = open({ path: folder, maxDbs: MOST_DATABASES, noSubdir: false, readOnly: true })
  try {
    await source.backup(to, isCompact)
  } finally {
    await source.close()
  }
}

/** Number of states of each kind. */
export const countOf = ({ knownKinds, statesOf }: LmdbDatabases): ByKind<number> =>
  byKind(knownKinds(), (kind) => entriesOf(statesOf(kind)))

const entriesOf = (database: Database<Buffer, number>): number =>
  (database.getStats() as { readonly entryCount: number }).entryCount

/** The same bytes as a Buffer. */
export const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
