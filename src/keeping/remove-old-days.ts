import { rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type CatalogEntry, readCatalog, rewriteCatalog } from '../decisions/log/archive-catalog.ts'
import {
  goneThrough,
  type LogBeginning,
  readLogBeginning,
  writeLogBeginning,
} from '../decisions/log/log-beginning.ts'
import { DAY_MS } from '../foundation/days.ts'
import type { PredictionLog } from '../ports/prediction-log.ts'

export interface RemoveOldDaysParts {
  /** Folder of log and archive. */
  readonly folder: string
  readonly log: Pick<PredictionLog, 'readDocument' | 'writeDocument'>
  /** Last records of the snapshots that the log may begin with, ascending. */
  readonly snapshots: readonly number[]
  /** Whether the snapshot of that record is as it was written; asked before the log begins with it. */
  readonly isWhole: (sequence: number) => Promise<boolean>
  /** What was decided before this time may go, epoch milliseconds. */
  readonly beforeMs: number
  /**
   * Highest number in an archived segment, as snapshots count; left out: they count as the log does. With
   * servers that share their states, numbers are those of the store, and a log has some of them.
   */
  readonly lastOf?: (entry: CatalogEntry) => Promise<number>
}

/** What a removal came to. */
export interface RemovedDays {
  /** Where the log begins now. */
  readonly first: number
  readonly records: number
  readonly files: number
}

/**
 * Removes the days of the archive that are too old, as far as a snapshot lets it: the log begins right after
 * one from then on, so that a replay still has states to begin with.
 *
 * 1. The document that says where the log begins. From here on nobody misses what is before.
 * 2. The files, oldest first.
 * 3. Their lines in the catalog.
 *
 * Interrupted anywhere, the log opens, and the next removal goes on where this one was.
 */
export const removeOldDays = async (parts: RemoveOldDaysParts): Promise<RemovedDays> => {
  const { folder, log, lastOf } = parts
  const catalog = await readCatalog(folder)
  const earlier = await readLogBeginning(log)
  const beginning =
    lastOf === undefined
      ? await beginningFor(parts, catalog, earlier)
      : await beginningOfShared(parts, lastOf, catalog, earlier)
  const { first } = beginning
  if (first > earlier.first) await writeLogBeginning(log, beginning)
  const gone = catalog.filter(({ last }) => last < first)
  if (gone.length === 0) return { first, records: 0, files: 0 }
  const days = new Set<string>()
  let files = 0
  for (const { name } of gone.flatMap((entry) => entry.files)) {
    await rm(join(folder, name), { force: true })
    days.add(dirname(join(folder, name)))
    files++
  }
  // Those that have files of other segments stay.
  for (const day of days) await rmdir(day).catch(() => undefined)
  await rewriteCatalog(
    folder,
    catalog.filter(({ last }) => last >= first),
  )
  return { first, records: gone.reduce((sum, { records }) => sum + records, 0), files }
}

/** The number after the latest snapshot before which everything is too old. */
const beginningFor = async (
  { snapshots, isWhole, beforeMs }: RemoveOldDaysParts,
  catalog: readonly CatalogEntry[],
  earlier: LogBeginning,
): Promise<LogBeginning> => {
  let oldThrough = 0
  for (const entry of catalog) {
    if (!isOlder(entry, beforeMs)) break
    oldThrough = Math.max(oldThrough, entry.last)
  }
  const candidates = snapshots.filter((sequence) => sequence <= oldThrough && sequence >= earlier.first)
  for (const sequence of candidates.reverse()) if (await isWhole(sequence)) return { first: sequence + 1 }
  return earlier
}

/**
 * The first segment that has a later record than the latest snapshot, or that is not too old. Segments are
 * looked at one by one, as long as they go, so what stays costs nothing.
 */
const beginningOfShared = async (
  { snapshots, isWhole, beforeMs }: RemoveOldDaysParts,
  lastOf: NonNullable<RemoveOldDaysParts['lastOf']>,
  catalog: readonly CatalogEntry[],
  earlier: LogBeginning,
): Promise<LogBeginning> => {
  for (const after of snapshots.filter((sequence) => sequence >= goneThrough(earlier)).reverse()) {
    let { first } = earlier
    for (const entry of catalog) {
      if (entry.last < first) continue
      if (!isOlder(entry, beforeMs) || (await lastOf(entry)) > after) break
      first = entry.last + 1
    }
    if (first === earlier.first) return earlier
    if (await isWhole(after)) return { first, after }
  }
  return earlier
}

/** Whether the UTC days of all its files are over by then. */
const isOlder = ({ files }: CatalogEntry, beforeMs: number): boolean =>
  files.every(({ name }) => {
    const day = /\/date=(\d{4}-\d{2}-\d{2})\//.exec(name)?.[1]
    return day !== undefined && Date.parse(`${day}T00:00:00Z`) + DAY_MS <= beforeMs
  })
