import type { ReportProgress } from '../foundation/progress.ts'
import type { DatabaseSettings } from './database.ts'

/** What a job may use while it runs, and how it is told to stop. */
export interface Work {
  /** Stops the job when it is aborted; nothing half done stays under its final name. */
  readonly signal: AbortSignal
  readonly reportProgress: ReportProgress
  /** Threads, memory and spill folder of each database that the job opens. */
  readonly database: DatabaseSettings
}
