import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { snapshotFile } from '../../src/artifacts/state-snapshot.ts'
import { unwatchedWork } from '../../src/disk/work.ts'
import type { FeatureSettings } from '../../src/features/feature-settings.ts'
import type { FittedFeatures } from '../../src/features/fitted-features.ts'
import { type ReplayOptions, type ReplayResult, replay } from '../../src/replay/replay.ts'

/** What a replay of history is given. */
export interface History {
  readonly prepared: string
  readonly settings: FeatureSettings
  readonly fitted: FittedFeatures
  /** All that was said of the labels of some transactions, where there is such a file. */
  readonly labelHistory?: string
}

/** What a replay left: its folder, the file of features in it, and the SHA-256 of each file that it wrote. */
export interface Replayed {
  readonly result: ReplayResult
  readonly folder: string
  readonly out: string
  readonly hashes: Readonly<Record<string, string>>
}

/** Replays `history` into a new folder of that name under `folder`: features and all final states. */
export const replayInto = async (
  folder: string,
  name: string,
  history: History,
  how: Pick<ReplayOptions, 'workers' | 'batchRows'>,
): Promise<Replayed> => {
  const statesOut = join(folder, name)
  mkdirSync(statesOut)
  const out = join(statesOut, 'features.parquet')
  const result = await replay({ ...history, ...how, out, statesOut, work: unwatchedWork(databaseIn(folder)) })
  const files = [out, ...Object.keys(result.counts.entities).map((kind) => snapshotFile(statesOut, kind))]
  return {
    result,
    folder: statesOut,
    out,
    hashes: Object.fromEntries(files.map((file) => [file.slice(statesOut.length + 1), sha256(file)])),
  }
}

export const databaseIn = (folder: string) => ({
  threads: 2,
  memoryLimit: '2GB',
  tempDirectory: join(folder, 'tmp'),
})

export const sha256 = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex')
