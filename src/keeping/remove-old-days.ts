import { rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type CatalogEntry, readCatalog, rewriteCatalog } from '../decisions/log/archive-catalog.ts'
import { readLogBeginning, writeLogBeginning } from '../decisions/log/log-beginning.ts'
import { DAY_MS } from '../foundation/days.ts'
import type { PredictionLog } from '../ports/prediction-log.ts'

export interface RemoveOldDaysParts {
  /** Folder of log and archive. */
  readonly folder: string
  readonly log: Pick<PredictionLog, 'readDocument' | 'writeDocument'>
  /** Last records of the snapshots that can be used, ascending. */
  readonly snapshots: readonly number[]
  /** Whether the snapshot of that record is as it was written; asked before the log begins with it. */
  readonly isWhole: (sequence: number) => Promise<boolean>
  /** What was decided before this time may go, epoch milliseconds. */
  readonly beforeMs: number
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
  const { folder, log } = parts
  const catalog = await readCatalog(folder)
  const { first: earlier } = await readLogBeginning(log)
  const first = await beginningFor(parts, catalog, earlier)
  if (first > earlier) await writeLogBeginning(log, { first })
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
  earlier: number,
): Promise<number> => {
  let oldThrough = 0
  for (const entry of catalog) {
    if (!isOlder(entry, beforeMs)) break
    oldThrough = Math.max(oldThrough, entry.last)
  }
  const candidates = snapshots.filter((sequence) => sequence <= oldThrough && sequence >= earlier)
  for (const sequence of candidates.reverse()) if (await isWhole(sequence)) return sequence + 1
  return earlier
}

/** Whether the UTC days of all its files are over by then. */
const isOlder = ({ files }: CatalogEntry, beforeMs: number): boolean =>
  files.every(({ name }) => {
    const day = /\/date=(\d{4}-\d{2}-\d{2})\//.exec(name)?.[1]
    return day !== undefined && Date.parse(`${day}T00:00:00Z`) + DAY_MS <= beforeMs
  })
