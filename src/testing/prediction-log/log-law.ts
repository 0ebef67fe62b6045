import { ok } from 'node:assert/strict'
import type { LogReader, LogRecord, PredictionLog } from '../../ports/prediction-log.ts'
import { closingAfter, lawMaker } from '../law.ts'

export { nextTurn } from '../../foundation/next-turn.ts'

/** Where a log lives, empty at first. */
export interface LogPlace {
  /** Opens it as a new process would, after the one before has closed it or was killed. */
  open(): Promise<PredictionLog>
  /** As another process sees it. */
  reader(): LogReader
  /** Makes every write of more than a few bytes fail until it is undone. */
  readonly disk?: { fill(): void; free(): void }
}

/** A prediction log, as its laws open it. */
export interface PredictionLogSubject {
  /** Makes a new, empty place. */
  create(): Promise<LogPlace>
  /** Why no write can be made to fail here, which skips those laws; absent where every place has a `disk`. */
  readonly noFullDisk?: string
}

interface Tools {
  readonly place: LogPlace
  /** The first process's log. */
  readonly log: PredictionLog
  /** Closes a log and opens its place again, as the next process. */
  readonly reopen: (log: PredictionLog) => Promise<PredictionLog>
}

export const law = lawMaker<PredictionLogSubject, Tools>(async (subject, check) => {
  const place = await subject.create()
  let last = await place.open()
  const reopen: Tools['reopen'] = async (log) => {
    await log.close()
    last = await place.open()
    return last
  }
  await closingAfter(
    () => check({ place, log: last, reopen }),
    () => last.close(),
  )
})

export const noFullDisk = ({ noFullDisk: reason }: PredictionLogSubject): string | undefined => reason

export const diskOf = ({ disk }: LogPlace): NonNullable<LogPlace['disk']> => {
  ok(disk, 'the place has no `disk` that can be filled; say why in `noFullDisk`')
  return disk
}

export const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i)

export const all = async (records: AsyncIterable<LogRecord>): Promise<LogRecord[]> => {
  const found: LogRecord[] = []
  for await (const record of records) found.push(record)
  return found
}

export const recordOf = (record: LogRecord | undefined) =>
  record && [record.sequence, new TextDecoder().decode(record.payload)]

export const textsOf = async (records: AsyncIterable<LogRecord>): Promise<string[]> =>
  (await all(records)).map(({ payload }) => new TextDecoder().decode(payload))
