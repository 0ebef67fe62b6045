import { appendFile, mkdir, readFile, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeEntry, encodeEntry, type JournalEntry } from './journal-entry.ts'
import { keepArtifact } from './keep-artifact.ts'

/** The journals of a run folder lie in it: `tracking/<run key>/journal.jsonl`. */
export const TRACKING_FOLDER = 'tracking'

export const JOURNAL_FILE = 'journal.jsonl'

/** What a run records, before any tracker has it: append-only, one JSON line an operation. */
export interface Journal {
  /** Absolute; `tracking/<run key>` of the run folder. */
  readonly folder: string
  /** What stood in it when it was opened. */
  readonly before: readonly JournalEntry[]
  /** Written in the order of the calls; on disk (not only in this process) when it returns. */
  append(...entries: readonly JournalEntry[]): Promise<void>
  /**
   * Keeps a copy of the file or folder as it is now. What it returns, appended, puts it at `path` of the
   * run's artifacts.
   *
   * @throws what the file system throws
   */
  keep(run: string, source: string, path: string): Promise<Extract<JournalEntry, { op: 'artifact' }>>
}

/**
 * Opens the journal in `folder`, or begins one. A last line without its end was cut short by a crash and is
 * cut off: whoever wrote it was not told that it was written.
 */
export const openJournal = async (folder: string): Promise<Journal> => {
  const path = join(folder, JOURNAL_FILE)
  await mkdir(folder, { recursive: true })
  const bytes = await readFile(path).catch(() => Buffer.alloc(0))
  const whole = bytes.lastIndexOf(LINE_END) + 1
  if (whole < bytes.length) await truncate(path, whole)
  let written = Promise.resolve()
  const append = (...entries: readonly JournalEntry[]): Promise<void> => {
    if (entries.length === 0) return written
    const lines = entries.map((entry) => `${encodeEntry(entry)}\n`).join('')
    // One after the other, so that lines stand whole and in the order of the calls.
    written = written.then(() => appendFile(path, lines))
    return written
  }
  return {
    folder,
    before: decodeLines(bytes.subarray(0, whole)).flatMap(({ entry }) => (entry ? [entry] : [])),
    append,
    keep: async (run, source, artifactPath) => ({
      op: 'artifact',
      run,
      path: artifactPath,
      ...(await keepArtifact(source, folder)),
    }),
  }
}

/**
 * A line of a journal, and how many bytes it takes with its end. `entry` is absent where the line is none.
 */
export interface JournalLine {
  readonly entry?: JournalEntry
  readonly bytes: number
}

/**
 * The whole lines of a journal from a byte on; none when there is no journal. What is being written is not
 * seen yet.
 */
export const readJournal = async (folder: string, fromByte = 0): Promise<readonly JournalLine[]> => {
  const bytes = await readFile(join(folder, JOURNAL_FILE)).catch(() => Buffer.alloc(0))
  return decodeLines(bytes.subarray(fromByte, bytes.lastIndexOf(LINE_END) + 1))
}

const LINE_END = 0x0a

const decodeLines = (bytes: Buffer): JournalLine[] => {
  const lines: JournalLine[] = []
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(LINE_END, start)
    const entry = decodeEntry(bytes.toString('utf8', start, end))
    lines.push({ ...(entry && { entry }), bytes: end + 1 - start })
    start = end + 1
  }
  return lines
}
