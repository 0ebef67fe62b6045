import { randomUUID } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { type FolderOwner, workInFolder } from '../../disk/folder-lock.ts'
import { syncFolder } from '../../disk/sync-folder.ts'
import { type ErrorCode, VigiaError } from '../../errors.ts'
import type { Journal } from '../../ports/journal.ts'

/** Where a journal lies, and who writes it. */
export interface FileJournalOptions {
  /** Made when it is not there. */
  readonly folder: string
  readonly owner: FolderOwner
  readonly now: () => number
  /** The error of what is kept there. */
  readonly failure: Extract<
    ErrorCode,
    'ALERT_JOURNAL_FAILED' | 'RETRAINING_JOURNAL_FAILED' | 'SCHEDULE_JOURNAL_FAILED'
  >
}

const JOURNAL_FILE = 'journal.jsonl'

/** Whether anything was ever written into the journal of a folder. Touches nothing. */
export const hasFileJournal = (folder: string): boolean => existsSync(join(folder, JOURNAL_FILE))

/**
 * A journal in `journal.jsonl` of a folder: one JSON line an entry, brought to the disk before anybody is
 * told. Its history is in `history.jsonl` beside it, which nothing here reads.
 *
 * Processes take turns under the lock of the folder. The first line is the name of this writing: a journal
 * that is replaced has another, by which other handles know that they have to begin again. A last line
 * without its end was cut short by a crash, nobody was told of it, and it is cut off.
 *
 * @throws `failure` from each call, where the folder cannot be used
 */
export const openFileJournal = <Entry>({
  folder,
  owner,
  now,
  failure,
}: FileJournalOptions): Journal<Entry> => {
  const path = join(folder, JOURNAL_FILE)
  const historyPath = join(folder, 'history.jsonl')
  const place: Place = { generation: '', offset: 0 }

  const failed = (error: unknown): VigiaError => {
    const reason = error instanceof Error ? error.message : String(error)
    return new VigiaError(failure, { location: folder, reason }, { cause: error })
  }
  const attempt = <T>(work: () => T): T => {
    try {
      return work()
    } catch (error) {
      throw failed(error)
    }
  }

  return {
    location: folder,
    transact: async (work) => {
      attempt(() => mkdirSync(folder, { recursive: true }))
      // What `work` throws is no failure of the journal, and goes through as it is.
      let thrown: unknown
      const locked = () => {
        const file = attempt(() => openWhole(path))
        const before = { ...place }
        let isDone = false
        try {
          const { lines, isAnew } = attempt(() => readUnseen(file, place))
          const unseen = attempt(() => lines.map((line) => JSON.parse(line) as Entry))
          const { append, replace, history = [], result } = run(() => work(unseen, isAnew))
          if (history.length > 0) attempt(() => appendHistory(historyPath, history))
          if (replace !== undefined) attempt(() => replaceAll(path, replace, place))
          else if (append !== undefined) attempt(() => appendLine(file, append, place))
          isDone = true
          return result
        } finally {
          // Whose call failed has not taken in what was read for it: the next one reads it again.
          if (!isDone) Object.assign(place, before)
          closeSync(file)
        }
      }
      const run = <T>(call: () => T): T => {
        try {
          return call()
        } catch (error) {
          thrown = error
          throw error
        }
      }
      try {
        return await workInFolder(folder, { owner, now, location: folder }, locked)
      } catch (error) {
        if (error === thrown || (error instanceof VigiaError && error.code === failure)) throw error
        throw failed(error)
      }
    },
  }
}

/** How far a handle has read, and of which writing. */
interface Place {
  generation: string
  offset: number
}

const LINE_END = 0x0a

/** Opens the journal, or begins one. */
const openWhole = (path: string): number => {
  if (existsSync(path)) return openSync(path, 'r+')
  writeWhole(path, `${JSON.stringify({ journal: randomUUID() })}\n`)
  return openSync(path, 'r+')
}

const readUnseen = (file: number, place: Place): { lines: readonly string[]; isAnew: boolean } => {
  const { size } = fstatSync(file)
  const head = readRange(file, 0, Math.min(size, LONGEST_HEAD))
  const headEnd = head.indexOf(LINE_END) + 1
  const generation = head.toString('utf8', 0, headEnd)
  const isAnew = generation !== place.generation
  if (isAnew) {
    place.generation = generation
    place.offset = headEnd
  }
  const rest = readRange(file, place.offset, size)
  const whole = rest.lastIndexOf(LINE_END) + 1
  if (whole < rest.length) ftruncateSync(file, place.offset + whole)
  place.offset += whole
  const lines = rest.toString('utf8', 0, whole).split('\n').slice(0, -1)
  return { lines, isAnew }
}

/** The first line is a UUID with its name. */
const LONGEST_HEAD = 256

const readRange = (file: number, start: number, end: number): Buffer => {
  const bytes = Buffer.alloc(Math.max(0, end - start))
  for (let at = 0; at < bytes.length; ) {
    const read = readSync(file, bytes, at, bytes.length - at, start + at)
    if (read === 0) return bytes.subarray(0, at)
    at += read
  }
  return bytes
}

const appendLine = (file: number, entry: unknown, place: Place): void => {
  const bytes = Buffer.from(`${JSON.stringify(entry)}\n`)
  try {
    for (let at = 0; at < bytes.length; )
      at += writeSync(file, bytes, at, bytes.length - at, place.offset + at)
    fsyncSync(file)
  } catch (error) {
    // A full disk must not leave the beginning of a line, which the next one would be written behind.
    ftruncateSync(file, place.offset)
    throw error
  }
  place.offset += bytes.length
}

/** A line that a crash cut short is closed, so that no other is written behind it. */
const appendHistory = (path: string, lines: readonly object[]): void => {
  const file = openSync(path, 'a+')
  try {
    const { size } = fstatSync(file)
    const isCut = size > 0 && readRange(file, size - 1, size)[0] !== LINE_END
    const text = `${isCut ? '\n' : ''}${lines.map((line) => `${JSON.stringify(line)}\n`).join('')}`
    writeAll(file, Buffer.from(text))
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  syncFolder(join(path, '..'))
}

const replaceAll = (path: string, entry: unknown, place: Place): void => {
  const head = `${JSON.stringify({ journal: randomUUID() })}\n`
  const text = `${head}${JSON.stringify(entry)}\n`
  writeWhole(path, text)
  place.generation = head
  place.offset = Buffer.byteLength(text)
}

const writeWhole = (path: string, text: string): void => {
  const temporary = `${path}.tmp`
  const file = openSync(temporary, 'w')
  try {
    writeAll(file, Buffer.from(text))
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(temporary, path)
  syncFolder(join(path, '..'))
}

const writeAll = (file: number, bytes: Buffer): void => {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
}
