import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { type FolderOwner, holdFolder } from '../../disk/folder-lock.ts'
import { VigiaError } from '../../errors.ts'
import type { Durability, PredictionLog } from '../../ports/prediction-log.ts'
import { GroupCommit } from './group-commit.ts'
import { readDocument, writeDocument } from './log-documents.ts'
import { LogTail, recoverTail } from './log-tail.ts'
import { readRecordAt, readRecords, readSegments } from './segment-files.ts'
import { segmentPath, segmentsFolder, segmentsIn } from './segment-names.ts'
import { syncFolder } from './sync-folder.ts'

/*
 * A write-ahead log: a decision is durable here before its answer is given, and states are made from it again
 * after a crash. Its records stand in segments, append-only files of which the last one grows.
 *
 * | file | owns |
 * | --- | --- |
 * | this one | the folder while the log is open, and its life from opening to closing |
 * | `group-commit.ts` | what waits to be written, the frontier, failures |
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
}

/**
 * Opens the log in a folder, which nobody else may write until it is closed.
 *
 * @throws SERVING_FOLDER_IN_USE, SERVING_LOG_DAMAGED, SERVING_LOG_FAILED
 */
export const openSegmentLog = async (options: SegmentLogOptions): Promise<PredictionLog> => {
  const { folder, durability } = options
  const failed = (error: unknown): VigiaError => logFailed(folder, error)
  const { release, tail, lastSequence } = openTail(options)
  const commit = new GroupCommit(tail, durability, lastSequence, failed)
  let isClosed = false
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
    read: (after) =>
      readSegments(folder, after, (name) => (name === tail.current?.name ? { end: tail.current.size } : {})),
    readAt: ({ segment, offset }) => guarded(() => readRecordAt(folder, segment, offset)),
    rotate: async () => {
      throwIfClosed()
      await commit.flush()
      return commit.atRest(() => {
        // What a failed write has left must not become part of an ended segment.
        if (commit.failure !== undefined) tail.cutOff()
        tail.end()
        return tail.endedSegments()
      })
    },
    readSegment: (segment) => readRecords(folder, segment),
    remove: (segments) =>
      commit.atRest(() => {
        throwIfClosed()
        tail.remove(segments, commit.frontier.durable)
      }),
    writeDocument: (name, text) => guarded(() => writeDocument(folder, name, text, durability)),
    readDocument: (name) => guarded(() => readDocument(folder, name)),
    size: () => guarded(() => bytesOf(folder)),
    close: async () => {
      if (isClosed) return
      isClosed = true
      await commit.flush()
      await commit.atRest(() => tail.close()).finally(release)
    },
  }
}

/** Takes the folder and finds the end of the log in it. `lastSequence`: of its last record (inclusive). */
const openTail = (
  options: SegmentLogOptions,
): { readonly release: () => void; readonly tail: LogTail; readonly lastSequence: number } => {
  const { folder, durability } = options
  let release: (() => void) | undefined
  try {
    const isNew = !existsSync(folder)
    release = holdFolder(folder, options.owner)
    mkdirSync(segmentsFolder(folder), { recursive: true })
    if (durability === 'power') syncFolder(folder)
    if (durability === 'power' && isNew) syncFolder(dirname(folder))
    const { lastSequence, current } = recoverTail(folder, durability)
    return { release, tail: new LogTail(options, current), lastSequence }
  } catch (error) {
    release?.()
    throw logFailed(folder, error)
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
