import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { type FolderOwner, holdFolder, type Lease, type SeenBeat } from '../../disk/folder-lock.ts'
import { syncFolder } from '../../disk/sync-folder.ts'
import { VigiaError } from '../../errors.ts'
import type { Durability, PredictionLog } from '../../ports/prediction-log.ts'
import { cutEndedSegments } from './cut-ended-segments.ts'
import { GroupCommit } from './group-commit.ts'
import { readDocument, writeDocument } from './log-documents.ts'
import { LogTail, recoverTail } from './log-tail.ts'
import { makeOwnerFolder, type SegmentPlace } from './owner-folder.ts'
import { readRecordAt, readRecords, readSegments } from './segment-files.ts'
import { segmentPath, segmentsFolder, segmentsIn } from './segment-names.ts'
import { syncSegments } from './segment-writer.ts'

/*
 * A write-ahead log: a decision is durable here before its answer is given, and states are made from it again
 * after a crash. Its records stand in segments, append-only files of which the last one grows.
 *
 * | file | owns |
 * | --- | --- |
 * | this one | the folder while the log is open, and its life from opening to closing |
 * | `owner-folder.ts` | the names of files: an owner that was ousted can make and remove none |
 * | `group-commit.ts` | what waits to be written, the frontier, failures |
 * | `cut-ended-segments.ts` | what a power failure leaves of segments that were ended |
 * | `log-tail.ts` | the segment that is written to, recovery of the end after a crash, removal |
 * | `segment-files.ts` | reading, also of another process's log |
 * | `segment-writer.ts`, `record-frame.ts` | bytes of one segment, of one record |
 * | `log-documents.ts` | texts beside the segments |
 */

export interface SegmentLogOptions {
  /** Made when it is not there; the segments lie in its `segments/`. */
  readonly folder: string
  readonly owner: FolderOwner
  readonly durability: Durability
  /** A segment that has so many bytes is ended. */
  readonly segmentBytes: number
  /** Told when another process has taken the log over; nothing can be written from then on. */
  readonly onLost?: (error: Error) => void
  /** What was seen of another owner before. */
  readonly seen?: SeenBeat | undefined
}

/**
 * Opens the log in a folder, which nobody else may write until it is closed. Waits while an owner is silent
 * that may be dead. When another process has taken the log over, every write throws SERVING_LEASE_LOST.
 *
 * @throws SERVING_FOLDER_IN_USE, SERVING_LOG_DAMAGED, SERVING_LOG_FAILED
 */
export const openSegmentLog = async (options: SegmentLogOptions): Promise<PredictionLog> => {
  const { folder, durability } = options
  const failed = (error: unknown): VigiaError => logFailed(folder, error)
  const { lease, place, tail, lastSequence } = await openTail(options)
  const commit = new GroupCommit(tail, durability, lastSequence, failed)
  let isClosed = false
  /** Ended segments that a rotation has brought to the disk. */
  let onDisk: ReadonlySet<string> = new Set()
  const closed = (): VigiaError => failed(new Error('it is closed'))
  const throwIfClosed = (): void => {
    if (isClosed) throw closed()
  }
  const guarded = async <T>(work: () => T | Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw failed(error)
    }
  }
  const whole = (name: string) => (name === tail.current?.name ? { end: tail.current.size } : {})

  return {
    get lastSequence() {
      return commit.frontier.durable
    },
    append: (sequence, payload) => (isClosed ? Promise.reject(closed()) : commit.append(sequence, payload)),
    resume: () => {
      try {
        commit.resume()
      } catch (error) {
        throw failed(error)
      }
    },
    read: (after, from) => readSegments(folder, after, whole, from),
    readAt: ({ segment, offset }) => guarded(() => readRecordAt(folder, segment, offset)),
    rotate: async () => {
      throwIfClosed()
      await commit.flush()
      const ended = await commit.atRest(() => {
        tail.assertOwned()
        // What a failed write has left must not become part of an ended segment.
        if (commit.failure !== undefined) tail.cutOff()
        tail.end()
        return tail.endedSegments()
      })
      if (durability === 'power') return ended
      const others = ended.filter((name) => !onDisk.has(name))
      await guarded(() => syncSegments(folder, others))
      onDisk = new Set(ended)
      return ended
    },
    readSegment: (segment) => readRecords(folder, segment),
    remove: (segments) =>
      commit.atRest(() => {
        throwIfClosed()
        tail.assertOwned()
        tail.remove(segments, commit.frontier.durable)
      }),
    writeDocument: (name, text) => guarded(() => writeDocument(place, name, text)),
    readDocument: (name) => guarded(() => readDocument(folder, name)),
    size: () => guarded(() => bytesOf(folder)),
    close: async () => {
      if (isClosed) return
      isClosed = true
      await commit.flush()
      await commit.atRest(() => tail.close()).finally(() => giveBack(lease, place))
    },
  }
}

/** Takes the folder and finds the end of the log in it. `lastSequence`: of its last record (inclusive). */
const openTail = async (
  options: SegmentLogOptions,
): Promise<{
  readonly lease: Lease
  readonly place: SegmentPlace
  readonly tail: LogTail
  readonly lastSequence: number
}> => {
  const { folder, durability, owner, segmentBytes, onLost, seen } = options
  let lease: Lease | undefined
  let place: SegmentPlace | undefined
  try {
    const isNew = !existsSync(folder)
    const held = await holdFolder(folder, owner, {
      ...(onLost && { onLost }),
      ...(seen && { seen }),
    })
    lease = held
    mkdirSync(segmentsFolder(folder), { recursive: true })
    place = {
      folder,
      durability,
      names: makeOwnerFolder(folder),
      assertOwned: () => held.check(),
      assertInTime: () => held.checkTime(),
    }
    if (durability === 'power' || isNew) syncFolder(folder)
    if (isNew) syncFolder(dirname(folder))
    const { lastSequence, current } = recoverTail(place, held.from === 'silent')
    if (durability === 'process') await cutEndedSegments(place, current?.name)
    return { lease, place, tail: new LogTail(place, segmentBytes, current), lastSequence }
  } catch (error) {
    if (lease !== undefined) giveBack(lease, place)
    throw logFailed(folder, error)
  }
}

/** Whoever has the log by now has removed the owner's folder. */
const giveBack = (lease: Lease, place: SegmentPlace | undefined): void => {
  try {
    place?.names.close()
  } finally {
    lease.release()
  }
}

const logFailed = (folder: string, error: unknown): VigiaError => {
  if (error instanceof VigiaError) return error
  const reason = error instanceof Error ? error.message : String(error)
  return new VigiaError('SERVING_LOG_FAILED', { folder, reason }, { cause: error })
}

/** Bytes of all segments. */
const bytesOf = (folder: string): number =>
  segmentsIn(folder).reduce(
    (sum, name) => sum + (statSync(segmentPath(folder, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  )
