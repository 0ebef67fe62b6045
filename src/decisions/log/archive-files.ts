import { appendFile, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Which sequence numbers the entries of a file have, both inclusive. */
export interface SequenceRange {
  readonly first: number
  readonly last: number
}

/** Which files of an archive may have the decision of a number. */
export interface ArchiveFiles {
  /** Paths; most often one. */
  candidates(sequence: number): Promise<readonly string[]>
  /** There may be other files than before: they are listed again when they are needed. */
  changed(): void
}

/** A file, by its path below `predictions/`, with `/`. */
interface NamedFile {
  readonly name: string
  /** Number of the first record of the segment that it was made from. */
  readonly segment: number
}

/**
 * Files of a log whose records have the numbers of its decisions: that of one process with states of its own.
 * The name of a file begins with the number of its segment's first record, no record of the segment has a
 * lower one and no later segment begins below its last, so the name says it, and nothing is opened.
 */
export const filesByName = (folder: string): ArchiveFiles => {
  const listed = listOnce(async () => {
    const files = await listFiles(folder)
    const bySegment = new Map<number, string[]>()
    for (const { name, segment } of files) {
      const names = bySegment.get(segment) ?? []
      names.push(pathOf(folder, name))
      bySegment.set(segment, names)
    }
    return { bySegment, segments: [...bySegment.keys()].sort((a, b) => a - b) }
  })
  return {
    candidates: async (sequence) => {
      const { bySegment, segments } = await listed.get()
      const after = firstWhere(segments, (segment) => segment > sequence)
      return bySegment.get(segments[after - 1] ?? -1) ?? []
    },
    changed: listed.forget,
  }
}

/**
 * Files of a log among those of several processes that share their states: the numbers of its decisions were
 * given by the store, so each file is asked for its lowest and highest once. What they answered is kept in
 * `predictions/ranges.jsonl`, a line a file, and asked again where that is missing.
 *
 * @param rangeOf reads a file's numbers
 */
export const filesByRange = (
  folder: string,
  rangeOf: (path: string) => Promise<SequenceRange>,
): ArchiveFiles => {
  const known = new Map<string, SequenceRange>()
  const keptIn = join(folder, 'predictions', 'ranges.jsonl')
  let isRead = false
  const listed = listOnce(async () => {
    if (!isRead) for (const [name, range] of await readRanges(keptIn)) known.set(name, range)
    isRead = true
    const found: { readonly path: string; readonly range: SequenceRange }[] = []
    let added = ''
    for (const { name } of await listFiles(folder)) {
      const path = pathOf(folder, name)
      // A file that was written anew has another size.
      const { size } = await stat(path)
      const key = `${name} ${size}`
      const range = known.get(key) ?? (await rangeOf(path))
      if (!known.has(key)) added += `${JSON.stringify({ file: key, ...range })}\n`
      known.set(key, range)
      found.push({ path, range })
    }
    // It only saves work: without it the files are asked again.
    if (added !== '') await appendFile(keptIn, added).catch(() => undefined)
    return found
  })
  return {
    candidates: async (sequence) => {
      const files = await listed.get()
      const isIn = ({ range }: (typeof files)[number]): boolean =>
        range.first <= sequence && sequence <= range.last
      return files.filter(isIn).map(({ path }) => path)
    },
    changed: listed.forget,
  }
}

const pathOf = (folder: string, name: string): string => `${folder.replaceAll('\\', '/')}/predictions/${name}`

const listFiles = async (folder: string): Promise<NamedFile[]> => {
  const names = await readdir(join(folder, 'predictions'), { recursive: true }).catch(() => [])
  return names
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => name.endsWith('.parquet'))
    .map((name) => ({ name, segment: Number.parseInt(name.slice(name.lastIndexOf('/') + 1), 10) }))
}

const readRanges = async (path: string): Promise<[string, SequenceRange][]> => {
  const lines = (await readFile(path, 'utf8').catch(() => '')).split('\n')
  return lines.flatMap((line): [string, SequenceRange][] => {
    try {
      const { file, first, last } = JSON.parse(line) as { file: string } & SequenceRange
      return [[file, { first, last }]]
    } catch {
      // The last line of a process that was killed while it wrote it.
      return []
    }
  })
}

/** Makes something when it is first asked for, and again after `forget`. What fails is made again. */
const listOnce = <T>(make: () => Promise<T>): { get(): Promise<T>; forget(): void } => {
  let made: Promise<T> | undefined
  const forget = (): void => {
    made = undefined
  }
  return {
    get: () => {
      const making = made ?? make()
      made = making
      making.catch(() => {
        if (made === making) made = undefined
      })
      return making
    },
    forget,
  }
}

/** Place of the first that is so, of a list in which all after it are. */
const firstWhere = (sorted: readonly number[], isSo: (value: number) => boolean): number => {
  let [from, to] = [0, sorted.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if (isSo(sorted[middle]!)) to = middle
    else from = middle + 1
  }
  return from
}
