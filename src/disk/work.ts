import { noProgress, type ReportProgress } from '../foundation/progress.ts'
import type { DatabaseSettings } from './database.ts'

/** What a job may use while it runs, how it is told to stop, and how it tells how far it has come. */
export interface Work {
  /** Stops the job when it is aborted; nothing half done stays under its final name. */
  readonly signal: AbortSignal
  readonly reportProgress: ReportProgress
  /** Threads, memory and spill folder of each database that the job opens. */
  readonly database: DatabaseSettings
}

/** For a job that nobody watches: it is never told to stop, and its progress is told to nobody. */
export const unwatched = (): Pick<Work, 'signal' | 'reportProgress'> => ({
  signal: new AbortController().signal,
  reportProgress: noProgress,
})

/** Work on such databases that nobody watches. */
export const unwatchedWork = (database: DatabaseSettings): Work => ({ ...unwatched(), database })
