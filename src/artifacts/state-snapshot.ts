import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { ENTITY_KINDS, type EntityKind } from '../transaction/entity-kind.ts'

/** Bytes gathered before a write. */
const BUFFER_BYTES = 1 << 20
/** Token (float64) and length in bytes (float64), little-endian, before each state. */
export const ENTRY_HEADER_BYTES = 16

/** One state of a snapshot. */
export interface SnapshotEntry {
  readonly token: number
  readonly bytes: Uint8Array
}

/** File of all states of one kind, ascending by token, in a snapshot's folder. */
export const snapshotFile = (folder: string, kind: EntityKind): string => join(folder, `${kind}.states`)

/** Name of the file of the clock (first word) and the labels that were not due when the replay ended. */
export const PENDING_FILE = 'pending.labels'

/** Names of all files of a snapshot of these kinds. */
export const snapshotFiles = (kinds: readonly EntityKind[]): readonly string[] => [
  ...kinds.map((kind) => `${kind}.states`),
  PENDING_FILE,
]

/** Names of the files that every snapshot has. */
export const SNAPSHOT_FILES: readonly string[] = snapshotFiles(ENTITY_KINDS)

/** What stands before a state of so many bytes. */
export const encodeEntryHeader = (token: number, length: number): Uint8Array => {
  const bytes = new Uint8Array(ENTRY_HEADER_BYTES)
  const view = new DataView(bytes.buffer)
  view.setFloat64(0, token, true)
  view.setFloat64(8, length, true)
  return bytes
}

/** Writes states as a file of a snapshot; `entries` ascend by token. */
export const writeEntries = (path: string, entries: Iterable<SnapshotEntry>): void => {
  const file = openSync(path, 'w')
  try {
    const buffer = new Uint8Array(BUFFER_BYTES)
    const view = new DataView(buffer.buffer)
    let used = 0
    const flush = (): void => {
      if (used > 0) writeSync(file, buffer, 0, used)
      used = 0
    }
    for (const { token, bytes } of entries) {
      if (used + ENTRY_HEADER_BYTES + bytes.length > BUFFER_BYTES) flush()
      view.setFloat64(used, token, true)
      view.setFloat64(used + 8, bytes.length, true)
      used += ENTRY_HEADER_BYTES
      if (used + bytes.length > BUFFER_BYTES) {
        flush()
        writeSync(file, bytes)
      } else {
        buffer.set(bytes, used)
        used += bytes.length
      }
    }
    flush()
  } finally {
    closeSync(file)
  }
}

/** States by kind and token. */
export type SnapshotStates = ReadonlyMap<EntityKind, ReadonlyMap<number, Uint8Array>>

/** All states of these kinds in a snapshot's folder; they are in memory together. */
export const readSnapshot = (folder: string, kinds: readonly EntityKind[]): SnapshotStates =>
  new Map(
    kinds.map((kind) => {
      const entries = [...readEntries(snapshotFile(folder, kind))]
      return [kind, new Map(entries.map(({ token, bytes }) => [token, bytes]))]
    }),
  )

/** The states in a file that `writeEntries` wrote, in its order. */
export function* readEntries(path: string): Generator<SnapshotEntry> {
  const bytes = readFileSync(path)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  while (at < bytes.length) {
    const token = view.getFloat64(at, true)
    const length = view.getFloat64(at + 8, true)
    at += ENTRY_HEADER_BYTES
    yield { token, bytes: bytes.subarray(at, at + length) }
    at += length
  }
}
