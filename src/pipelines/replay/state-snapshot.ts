import { closeSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { EntityKind } from '../../transaction/entity-kind.ts'
import type { EntityShard } from './entity-shard.ts'
import type { CarriedTime } from './label-feed.ts'

/** Kinds in the order in which their files are written. */
const KINDS: readonly EntityKind[] = ['user', 'merchant', 'device']
/** Bytes gathered before a write. */
const BUFFER_BYTES = 1 << 20
/** Token (float64) and length in bytes (float64), little-endian, before each state. */
const ENTRY_HEADER_BYTES = 16

/** One state of a snapshot. */
export interface SnapshotEntry {
  readonly token: number
  readonly bytes: Uint8Array
}

const shardFile = (folder: string, kind: EntityKind, index: number): string =>
  join(folder, `${kind}.${index}.part`)

/** File of all states of one kind, ascending by token, in a snapshot's folder. */
export const snapshotFile = (folder: string, kind: EntityKind): string => join(folder, `${kind}.states`)

/** Names of all files of a snapshot. */
export const SNAPSHOT_FILES: readonly string[] = [...KINDS.map((kind) => `${kind}.states`), 'pending.labels']

/** Writes one worker's states; `mergeShards` makes one file a kind of them. */
export const writeShard = (shard: EntityShard, folder: string, index: number): void => {
  for (const kind of KINDS) writeEntries(shardFile(folder, kind, index), shard.statesOf(kind))
}

/** Gives a worker its share of the states in a snapshot's folder. */
export const readShard = (shard: EntityShard, folder: string): void => {
  for (const kind of KINDS) {
    for (const entry of readEntries(snapshotFile(folder, kind))) shard.addState(kind, entry)
  }
}

/** File of the clock (first word) and the labels that were not due when the replay ended, in a snapshot's folder. */
const pendingFile = (folder: string): string => join(folder, 'pending.labels')

/** Writes where a replay ended; the file gets its name by `publishSnapshot`. */
export const writeCarriedTime = (folder: string, { clock, labels }: CarriedTime): void => {
  const words = new Float64Array(1 + labels.length)
  words[0] = clock
  words.set(labels, 1)
  writeFileSync(`${pendingFile(folder)}.unfinished`, new Uint8Array(words.buffer))
}

export const readCarriedTime = (folder: string): CarriedTime => {
  const words = new Float64Array(new Uint8Array(readFileSync(pendingFile(folder))).buffer)
  return { clock: words[0] ?? Number.NEGATIVE_INFINITY, labels: words.subarray(1) }
}

const unfinishedFile = (folder: string, kind: EntityKind): string =>
  `${snapshotFile(folder, kind)}.unfinished`

/**
 * Merges the sorted files of `count` workers: the result does not depend on how many there were. The files get their names by
 * `publishSnapshot`.
 */
export const mergeShards = (folder: string, count: number): void => {
  for (const kind of KINDS) {
    const parts = Array.from({ length: count }, (_, index) => shardFile(folder, kind, index))
    writeEntries(unfinishedFile(folder, kind), merge(parts.map((path) => readEntries(path))))
    for (const path of parts) rmSync(path)
  }
}

/** Gives the files of `mergeShards` their names. */
export const publishSnapshot = (folder: string): void => {
  for (const kind of KINDS) renameSync(unfinishedFile(folder, kind), snapshotFile(folder, kind))
  renameSync(`${pendingFile(folder)}.unfinished`, pendingFile(folder))
}

/** Removes what `count` workers may have left before the snapshot was published. */
export const discardSnapshot = (folder: string, count: number): void => {
  rmSync(`${pendingFile(folder)}.unfinished`, { force: true })
  for (const kind of KINDS) {
    rmSync(unfinishedFile(folder, kind), { force: true })
    for (let index = 0; index < count; index++) rmSync(shardFile(folder, kind, index), { force: true })
  }
}

function* merge(sources: Generator<SnapshotEntry>[]): Generator<SnapshotEntry> {
  const heads = sources.map((source) => source.next())
  for (;;) {
    let least = -1
    heads.forEach((head, index) => {
      if (head.done) return
      if (least < 0 || head.value.token < (heads[least]!.value as SnapshotEntry).token) least = index
    })
    if (least < 0) return
    yield heads[least]!.value as SnapshotEntry
    heads[least] = sources[least]!.next()
  }
}

const writeEntries = (path: string, entries: Iterable<SnapshotEntry>): void => {
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
