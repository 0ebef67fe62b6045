import type { LogReader, PredictionLog } from '../../ports/prediction-log.ts'

/**
 * Where a log begins. Records before it were removed on purpose (`prediction_log.keep`), and their absence is
 * no hole; whatever else is missing is one.
 */
export interface LogBeginning {
  /** First number that the log still has for certain, inclusive; 1: nothing was ever removed. */
  readonly first: number
  /**
   * Last record, inclusive, of the snapshot that it begins with; absent: the one before `first`. Of servers
   * that share their states it is a number of the store, of which each log has some, and counts its own.
   */
  readonly after?: number
}

/** What was decided up to here, inclusive, may have gone from the log; a replay begins after it. */
export const goneThrough = ({ first, after = first - 1 }: LogBeginning): number => after

const BEGINNING_DOCUMENT = 'beginning'

const FROM_THE_FIRST: LogBeginning = { first: 1 }

export const readLogBeginning = async (log: Pick<LogReader, 'readDocument'>): Promise<LogBeginning> => {
  const text = await log.readDocument(BEGINNING_DOCUMENT)
  return text === undefined ? FROM_THE_FIRST : (JSON.parse(text) as LogBeginning)
}

/**
 * From now on nobody misses what is before. Durable when it resolves, so what is removed after it may stay
 * half removed.
 */
export const writeLogBeginning = (
  log: Pick<PredictionLog, 'writeDocument'>,
  beginning: LogBeginning,
): Promise<void> => log.writeDocument(BEGINNING_DOCUMENT, JSON.stringify(beginning))
