import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  PENDING_FILE,
  readEntries,
  type SnapshotEntry,
  snapshotFile,
  writeEntries,
} from '../artifacts/state-snapshot.ts'
import { withOneNaN } from '../foundation/one-nan.ts'
import type { EntityKind } from '../transaction/entity-kind.ts'
import type { EntityShard } from './entity-shard.ts'
import type { CarriedTime } from './label-feed.ts'

const shardFile = (folder: string, kind: EntityKind, index: number): string =>
  join(folder, `${kind}.${index}.part`)

/** Writes one worker's states; `mergeShards` makes one file a kind of them. */
export const writeShard = (shard: EntityShard, folder: string, index: number): void => {
  for (const kind of shard.kinds) writeEntries(shardFile(folder, kind, index), shard.statesOf(kind))
}

/** Gives a worker its share of the states in a snapshot's folder. */
export const readShard = (shard: EntityShard, folder: string): void => {
  for (const kind of shard.kinds) {
    for (const entry of readEntries(snapshotFile(folder, kind))) shard.addState(kind, entry)
  }
}

const pendingFile = (folder: string): string => join(folder, PENDING_FILE)

/** Writes where a replay ended; the file gets its name by `publishSnapshot`. */
export const writeCarriedTime = (folder: string, { clock, labels }: CarriedTime): void => {
  const words = new Float64Array(1 + labels.length)
  words[0] = clock
  words.set(labels, 1)
  writeFileSync(`${pendingFile(folder)}.unfinished`, new Uint8Array(withOneNaN(words).buffer))
}

export const readCarriedTime = (folder: string): CarriedTime => {
  const words = new Float64Array(new Uint8Array(readFileSync(pendingFile(folder))).buffer)
  return { clock: words[0] ?? Number.NEGATIVE_INFINITY, labels: words.subarray(1) }
}

const unfinishedFile = (folder: string, kind: EntityKind): string =>
  `${snapshotFile(folder, kind)}.unfinished`

/**
 * Merges the sorted files of `count` workers: the result does not depend on how many there were. The files
 * get their names by `publishSnapshot`.
 */
export const mergeShards = (folder: string, kinds: readonly EntityKind[], count: number): void => {
  for (const kind of kinds) {
    const parts = Array.from({ length: count }, (_, index) => shardFile(folder, kind, index))
    writeEntries(unfinishedFile(folder, kind), merge(parts.map((path) => readEntries(path))))
    for (const path of parts) rmSync(path)
  }
}

/** Gives the files of `mergeShards` their names. */
export const publishSnapshot = (folder: string, kinds: readonly EntityKind[]): void => {
  for (const kind of kinds) renameSync(unfinishedFile(folder, kind), snapshotFile(folder, kind))
  renameSync(`${pendingFile(folder)}.unfinished`, pendingFile(folder))
}

/** Removes what `count` workers may have left before the snapshot was published. */
export const discardSnapshot = (folder: string, kinds: readonly EntityKind[], count: number): void => {
  rmSync(`${pendingFile(folder)}.unfinished`, { force: true })
  for (const kind of kinds) {
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
