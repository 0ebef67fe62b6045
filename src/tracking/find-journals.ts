import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { RunStatus } from '../ports/experiment-tracker.ts'
import { JOURNAL_FILE, readJournal, TRACKING_FOLDER } from './journal.ts'
import { ROOT_RUN } from './journal-entry.ts'

/** A journal of a run folder. */
export interface JournalSummary {
  readonly folder: string
  readonly runKey: string
  readonly experiment: string
  /** Hash of the configuration. */
  readonly settings: string
  readonly startTimeMs: number
  /** RUNNING as long as no end stands in it. */
  readonly status: RunStatus
}

/** The journals in a run folder whose run was begun, the latest first; none where there are none. */
export const listJournals = async (runFolder: string): Promise<readonly JournalSummary[]> => {
  const names = await readdir(join(runFolder, TRACKING_FOLDER)).catch(() => [])
  const summaries = await Promise.all(names.map((name) => summarise(join(runFolder, TRACKING_FOLDER, name))))
  return summaries
    .filter((summary) => summary !== undefined)
    .sort((a, b) => b.startTimeMs - a.startTimeMs || (a.folder < b.folder ? -1 : 1))
}

const summarise = async (folder: string): Promise<JournalSummary | undefined> => {
  const entries = (await readJournal(folder)).flatMap(({ entry }) => (entry ? [entry] : []))
  const begin = entries.find((entry) => entry.op === 'begin')
  const run = entries.find((entry) => entry.op === 'run' && entry.run === ROOT_RUN)
  if (begin?.op !== 'begin' || run?.op !== 'run') return undefined
  const { runKey, experiment, settings } = begin
  const last = entries.findLast((entry) => entry.op === 'status' && entry.run === ROOT_RUN)
  const status = last?.op === 'status' ? last.status : 'RUNNING'
  return { folder, runKey, experiment, settings, startTimeMs: run.startTimeMs, status }
}

/**
 * The run that a command with these settings goes on with: the latest of the folder, when it was killed or
 * interrupted and the configuration is the same.
 */
export const findContinuable = (
  journals: readonly JournalSummary[],
  settings: string,
): JournalSummary | undefined => {
  const [latest] = journals
  const isOpen = latest?.status === 'RUNNING' || latest?.status === 'KILLED'
  return isOpen && latest.settings === settings ? latest : undefined
}

/**
 * Run folders in `directory`, and in folders within it, that have recorded something; none where there is no
 * such folder.
 */
export const findTrackedFolders = async (directory: string): Promise<readonly string[]> => {
  const found: string[] = []
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => [])
  for (const entry of entries)
    if (
      entry.isFile() &&
      entry.name === JOURNAL_FILE &&
      basename(dirname(entry.parentPath)) === TRACKING_FOLDER
    )
      found.push(dirname(dirname(entry.parentPath)))
  return [...new Set(found)].sort()
}
