/** Where a record stands in the log. */
export interface LogPosition {
  /** Name of the segment: the sequence number of its first record, twelve digits, and an ending. */
  readonly segment: string
  readonly offset: number
}

/** A record as the log has it. */
export interface LogRecord {
  readonly sequence: number
  readonly payload: Uint8Array
  readonly position: LogPosition
}

/**
 * What an acknowledgement promises. `process`: the record survives the end of this process, kill -9 included.
 * `power`: it is on the disk, and survives a power failure.
 */
export type Durability = 'process' | 'power'

/** What stands in a segment after its last whole record. */
export interface LogRest {
  /** Byte at which it begins. */
  readonly offset: number
  readonly bytes: number
  /** Why it has been a record; undefined where a writer is at it, or was interrupted. */
  readonly damage: string | undefined
}

/** A log that somebody else may be writing, as its readers see it. */
export interface LogReader {
  /** Records after `sequence`, oldest first; half a record at the end is not there yet. */
  read(after: number): AsyncIterable<LogRecord>
  /** Names of the segments that are there now, oldest first. */
  segments(): Promise<readonly string[]>
  /** Records of one of them, none when it is gone; of the last one, half a record is not there yet. */
  readSegment(segment: string): AsyncIterable<LogRecord>
  /** What follows the last whole record of a segment; undefined when nothing does, or the segment is gone. */
  readRest(segment: string): Promise<LogRest | undefined>
  readDocument(name: string): Promise<string | undefined>
  /** Names of all documents. */
  documentNames(): Promise<readonly string[]>
}

/**
 * A durable list of records in the order in which they were appended. One process writes it.
 *
 * Laws (`predictionLogLaws`, `testing/`):
 * 1. A record whose `append` has resolved is read again, byte for byte, after the process was killed.
 * 2. Records are read in the order of `append`, whatever was interrupted; half a record at the end is as if
 *    it had never been appended.
 * 3. When a write fails (the disk is full), the promises of all records in it and after it are rejected, none
 *    of them is read afterwards, and the log takes no record until `resume`: what comes later may have been
 *    decided in view of what was lost.
 * 4. Sequence numbers are whole and rise, over restarts and removals too: `append` throws at once for
 *    another. `lastSequence` is that of the last durable record.
 * 5. An ended segment has what was appended before `rotate`. A removed one is gone with its records; the one
 *    that is written to is never removed.
 * 6. A document is replaced whole; names are lower-case letters, digits and -.
 */
export interface PredictionLog {
  /** Sequence number of the last durable record; 0 without one. */
  readonly lastSequence: number
  /**
   * Takes a record at once and in order; resolves with its place when it is durable. @throws
   * SERVING_LOG_FAILED
   */
  append(sequence: number, payload: Uint8Array): Promise<LogPosition>
  /**
   * Takes records again after a failed write, from `lastSequence` on. @throws SERVING_LOG_FAILED while it
   * still could not write them
   */
  resume(): void
  /**
   * Records after `sequence`, oldest first.
   *
   * @param from place of a record up to `after`: what stands before it need not be read
   */
  read(after: number, from?: LogPosition): AsyncIterable<LogRecord>
  /** One record; undefined when its segment is gone. */
  readAt(position: LogPosition): Promise<LogRecord | undefined>
  /**
   * Ends the current segment, so that what stands in it can be archived. @returns names of all ended
   * segments, oldest first
   */
  rotate(): Promise<readonly string[]>
  /** Records of one ended segment. */
  readSegment(segment: string): AsyncIterable<LogRecord>
  /** Removes ended segments. */
  remove(segments: readonly string[]): Promise<void>
  /** A named text that records refer to, kept beside them; replaced whole. */
  writeDocument(name: string, text: string): Promise<void>
  readDocument(name: string): Promise<string | undefined>
  /** Bytes of all segments. */
  size(): Promise<number>
  close(): Promise<void>
}
