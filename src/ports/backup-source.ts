import type { LogReader } from './prediction-log.ts'
import type { StatesCopy } from './state-store.ts'

/** What is copied of a service that may be running. */
export interface BackupSource {
  /**
   * Copies the states in a folder of `lmdb` to another, as they are at one moment. @throws
   * SERVING_STORE_FAILED
   */
  copyStates(folder: string, to: string): Promise<StatesCopy>
  /**
   * Copies the segments of a log to that of another folder: those that are not there yet, or have grown.
   *
   * @param isLast also the one that grows, up to its last whole record
   */
  copySegments(folder: string, to: string, isLast: boolean): Promise<void>
  readLog(folder: string): LogReader
}
