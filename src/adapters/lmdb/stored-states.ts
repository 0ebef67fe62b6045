import type { Database, GetOptions, Key } from 'lmdb'
import type { EntityKey, StateChange, StoredState } from '../../ports/state-store.ts'
import { asBuffer, type LmdbDatabases } from './lmdb-databases.ts'

/*
 * How a state stands in LMDB. One that fits in a page is one value: its version (8 bytes, little-endian
 * double), then its bytes, as in every store of before. A longer one is a head with a negative version, and
 * parts in the database `parts`, each of one page:
 *
 *     states-<kind>   token                 -> -version, number of bytes, number of parts (doubles)
 *     parts           kind, 0, token, place -> bytes of the state from place x PART_BYTES on
 *
 * In the key of a part, `kind` is UTF-8, `token` 8 bytes and `place` 4, big-endian: parts stand in their
 * order.
 *
 * LMDB puts a value that is longer than a page on pages that follow each other. Pages become free one here,
 * one there; where no run of them is long enough the file grows, and each commit goes through the list of all
 * that are free (docs/decisions/2026-11-30-states-in-parts-of-a-page.md). Any free page takes a part.
 */

/** A page of 4,096 bytes without LMDB's header. */
export const PART_BYTES = 4072

const DOUBLE_BYTES = 8
const PLACE_BYTES = 4
const HEAD = { version: 0, bytes: 8, parts: 16, end: 24 } as const

type Databases = Pick<LmdbDatabases, 'statesOf' | 'parts'>

/** What stands in a store of a key: its version and how many parts it has; both 0 where there is nothing. */
export interface StoredHead {
  readonly version: number
  readonly parts: number
}

export const headOf = ({ statesOf }: Databases, { kind, token }: EntityKey): StoredHead => {
  const stored = statesOf(kind).getBinaryFast(token)
  if (stored === undefined) return { version: 0, parts: 0 }
  const version = stored.readDoubleLE(HEAD.version)
  return version >= 0 ? { version, parts: 0 } : { version: -version, parts: stored.readDoubleLE(HEAD.parts) }
}

export interface ReadOptions {
  /** Of a view; left out: the one that LMDB has for this turn. */
  readonly transaction?: ReturnType<LmdbDatabases['root']['useReadTransaction']>
  /** Gives room for so many bytes of a state; left out: room that nobody else uses. */
  readonly room?: (bytes: number) => Uint8Array
}

/**
 * A value as LMDB hands it out: its bytes are those of the next read too, and its `length` alone says how
 * many of them it has (lmdb 3.5.6, whose types do not have the options of `getBinaryFast`).
 */
const readFast = <K extends Key>(
  database: Database<Buffer, K>,
  key: K,
  { transaction }: ReadOptions,
): Buffer | undefined => {
  const read: (key: K, options?: GetOptions) => Buffer | undefined = database.getBinaryFast
  return read.call(database, key, transaction && { transaction })
}

/**
 * The state of a key, copied: the bytes that LMDB hands out are those of the next read too. All of it is read
 * in one turn, which is one read transaction, so its parts are of one version.
 *
 * @throws Error when a part is missing
 */
export const readState = (
  databases: Databases,
  key: EntityKey,
  options: ReadOptions = {},
): StoredState | undefined => {
  const { kind, token } = key
  const stored = readFast(databases.statesOf(kind), token, options)
  if (stored === undefined) return undefined
  const version = stored.readDoubleLE(HEAD.version)
  if (version >= 0) return { version, bytes: new Uint8Array(stored.subarray(DOUBLE_BYTES, stored.length)) }
  const length = stored.readDoubleLE(HEAD.bytes)
  const bytes = options.room?.(length) ?? new Uint8Array(length)
  const parts = stored.readDoubleLE(HEAD.parts)
  const partKey = keyOfParts(key)
  let at = 0
  for (let place = 0; place < parts; place++) {
    const part = readFast(databases.parts, placed(partKey, place), options)
    if (part === undefined) throw new Error(`part ${place} of ${parts} of a ${kind}'s state is missing`)
    bytes.set(part.subarray(0, part.length), at)
    at += part.length
  }
  if (at !== bytes.length) throw new Error(`a ${kind}'s state has ${at} bytes of ${bytes.length}`)
  return { version: -version, bytes }
}

/**
 * The state whose value or head `stored` a walk has found.
 *
 * `stored` is the walk's own copy, as LMDB gives it of a range.
 *
 * @param options with the walk's read transaction, where it has one of its own
 * @returns undefined when it has gone since
 */
export const stateFound = (
  databases: Databases,
  key: EntityKey,
  stored: Buffer,
  options?: ReadOptions,
): StoredState | undefined => {
  const version = stored.readDoubleLE(HEAD.version)
  // Head and parts are read again, together: they are of one moment.
  if (version < 0) return readState(databases, key, options)
  const bytes = stored.subarray(DOUBLE_BYTES)
  return { version, bytes: options?.room === undefined ? new Uint8Array(bytes) : bytes }
}

/**
 * Writes a state with the version after the expected one; its bytes stay as they are until that is done.
 *
 * @returns what LMDB promises of each write
 */
export const putState = (
  databases: Databases,
  { key, bytes, expected }: StateChange,
  before: StoredHead,
): Promise<boolean>[] => {
  const { token } = key
  const states = databases.statesOf(key.kind)
  if (DOUBLE_BYTES + bytes.length <= PART_BYTES) {
    const value = Buffer.allocUnsafe(DOUBLE_BYTES + bytes.length)
    value.writeDoubleLE(expected + 1, 0)
    value.set(bytes, DOUBLE_BYTES)
    return [states.put(token, value), ...removeParts(databases, key, 0, before)]
  }
  const count = Math.ceil(bytes.length / PART_BYTES)
  const head = Buffer.allocUnsafe(HEAD.end)
  head.writeDoubleLE(-(expected + 1), HEAD.version)
  head.writeDoubleLE(bytes.length, HEAD.bytes)
  head.writeDoubleLE(count, HEAD.parts)
  const all = asBuffer(bytes)
  const partKey = keyOfParts(key)
  const writes = [states.put(token, head)]
  for (let place = 0; place < count; place++) {
    const part = all.subarray(place * PART_BYTES, (place + 1) * PART_BYTES)
    writes.push(databases.parts.put(placed(partKey, place), part))
  }
  return [...writes, ...removeParts(databases, key, count, before)]
}

/** Removes a state. @returns what LMDB promises of each write */
export const removeState = (databases: Databases, key: EntityKey, before: StoredHead): Promise<boolean>[] => [
  databases.statesOf(key.kind).remove(key.token),
  ...removeParts(databases, key, 0, before),
]

const removeParts = (
  { parts }: Databases,
  key: EntityKey,
  from: number,
  before: StoredHead,
): Promise<boolean>[] => {
  const partKey = keyOfParts(key)
  const count = Math.max(0, before.parts - from)
  return Array.from({ length: count }, (_, i) => parts.remove(placed(partKey, from + i)))
}

/** Key of the parts of a state, whose place `placed` writes. */
const keyOfParts = ({ kind, token }: EntityKey): Buffer => {
  const kindBytes = Buffer.byteLength(kind)
  const key = Buffer.alloc(kindBytes + 1 + DOUBLE_BYTES + PLACE_BYTES)
  key.write(kind)
  key.writeUInt32BE(Math.floor(token / 2 ** 32), kindBytes + 1)
  key.writeUInt32BE(token % 2 ** 32, kindBytes + 1 + DOUBLE_BYTES / 2)
  return key
}

/** The same key with that place in it: LMDB copies a key at once. */
const placed = (key: Buffer, place: number): Buffer => {
  key.writeUInt32BE(place, key.length - PLACE_BYTES)
  return key
}
