import { VigiaError } from '../errors.ts'

/** One row of a table, as far as it is found by it. */
export interface IndexedRow {
  /** By which its values are found. */
  readonly place: number
  /** In the files of the table, from 1; for people. */
  readonly sourceRow: number
  /** What it is found by, joined; the same for all rows where there is only a range. */
  readonly key: string
  /** Range that it stands for, both ends in it: numbers, or addresses as texts. */
  readonly from?: number | string
  readonly to?: number | string
  /** From when it holds, epoch milliseconds; -Infinity: always. */
  readonly validFromMs: number
  /** Until when it holds, itself not in it; Infinity: until the next. */
  readonly validToMs: number
  /** When it came into the table; -Infinity: it was there from the first. */
  readonly knownFromMs: number
}

/** Finds the row of a table that a transaction saw. */
export interface TableIndex {
  /** How many keys there are. */
  readonly keys: number
  /**
   * The place of the newest row of `key` that held and was known at `timeMs`, -1 where there is none.
   *
   * Of rows that were known by then the one that holds from latest counts, and of several that hold from the
   * same time the one that came last: a correction. A row that came late counts from when it came.
   *
   * @param value what lies in the range, where rows have one
   */
  find(key: string, timeMs: number, value?: number | string): number
}

/** An entry of a key's timeline, or a range of it. */
interface Entry {
  readonly row: IndexedRow
  /** From when it is the answer. */
  readonly fromMs: number
}

/** Takes the rows of a table one by one, so that what reads them can do other things between. */
export interface TableIndexBuilder {
  /**
   * Rows without a range: those of one key come one behind another; in what order does not matter.
   *
   * @throws DATASET_TABLE_ROWS_CLASH when two rows with other values would both be the answer
   */
  add(row: IndexedRow): void
  /** @throws DATASET_TABLE_ROWS_CLASH */
  finish(): TableIndex
}

/**
 * @param most how many rows come at most
 * @param isSame whether the rows at two places have the same values: then it does not matter which is found
 */
export const tableIndexBuilder = (
  table: string,
  most: number,
  isSame: (place: number, other: number) => boolean,
): TableIndexBuilder => {
  const clash = (row: IndexedRow, other: IndexedRow, what: string): VigiaError =>
    new VigiaError('DATASET_TABLE_ROWS_CLASH', {
      table,
      key: row.key === '' ? '' : ` with the key ${row.key.replaceAll(KEY_SEPARATOR, ', ')}`,
      rows: `${other.sourceRow} and ${row.sourceRow}`,
      what,
    })
  const entriesOf = (rows: readonly IndexedRow[]): readonly Entry[] =>
    rows[0]!.from === undefined
      ? timelineOf(rows, (row, other) => {
          if (row.validToMs === other.validToMs && isSame(row.place, other.place)) return
          throw clash(row, other, 'hold from the same time')
        })
      : rangesOf(rows, (row, other) => {
          if (row.from === other.from && row.to === other.to && isSame(row.place, other.place)) return
          throw clash(row, other, 'have ranges that overlap')
        })
  const index = new SortedIndex(most)
  let waiting: IndexedRow[] = []
  /** Ranges wait until the end: those of IPv4 and of IPv6 come among each other, and are two keys. */
  const ranges = new Map<string, IndexedRow[]>()
  const close = (): void => {
    if (waiting.length > 0) index.append(waiting[0]!.key, entriesOf(waiting))
    waiting = []
  }
  return {
    add: (row) => {
      if (row.from !== undefined) {
        const known = ranges.get(row.key)
        if (known === undefined) ranges.set(row.key, [row])
        else known.push(row)
        return
      }
      if (waiting.length > 0 && waiting[0]!.key !== row.key) close()
      waiting.push(row)
    },
    finish: () => {
      close()
      for (const [key, rows] of ranges) index.append(key, entriesOf(rows))
      return index
    },
  }
}

/** Between the parts of a key; no text of a transaction has it. */
export const KEY_SEPARATOR = '\u0000'

type Refuses = (row: IndexedRow, other: IndexedRow) => void

/** The rows of a key that are the answer at some time, in the order of those times. */
const timelineOf = (rows: readonly IndexedRow[], refuse: Refuses): readonly Entry[] => {
  const entries = rows
    .map((row): Entry => ({ row, fromMs: Math.max(row.validFromMs, row.knownFromMs) }))
    .sort(
      (a, b) =>
        order(a.fromMs, b.fromMs) ||
        order(a.row.validFromMs, b.row.validFromMs) ||
        order(a.row.knownFromMs, b.row.knownFromMs),
    )
  const timeline: Entry[] = []
  for (const entry of entries) {
    const before = timeline.at(-1)
    const newer = before === undefined ? 1 : compareNews(entry.row, before.row)
    // What was known before holds from later: this one came too late to ever be the answer.
    if (newer < 0) continue
    if (newer === 0) {
      refuse(entry.row, before!.row)
      continue
    }
    if (before !== undefined && before.fromMs === entry.fromMs) timeline.pop()
    timeline.push(entry)
  }
  return timeline
}

/** Above 0 when the first holds from later, or from the same time and came later. */
const compareNews = (row: IndexedRow, other: IndexedRow): number =>
  order(row.validFromMs, other.validFromMs) || order(row.knownFromMs, other.knownFromMs)

/** Not by subtraction: both may be infinite. */
const order = (a: number | string, b: number | string): number => (a < b ? -1 : a > b ? 1 : 0)

/** The ranges of a key in their order, none in another. */
const rangesOf = (rows: readonly IndexedRow[], refuse: Refuses): readonly Entry[] => {
  const entries: Entry[] = []
  const compare = (a: IndexedRow, b: IndexedRow) => order(a.from!, b.from!) || order(a.to!, b.to!)
  const isSorted = rows.every((row, at) => at === 0 || compare(rows[at - 1]!, row) <= 0)
  for (const row of isSorted ? rows : [...rows].sort(compare)) {
    const before = entries.at(-1)?.row
    if (before !== undefined && row.from! <= before.to!) refuse(row, before)
    else entries.push({ row, fromMs: Number.NEGATIVE_INFINITY })
  }
  return entries
}

/** Entries of all keys, one key's behind another's, so that a key costs one number. */
class SortedIndex implements TableIndex {
  private readonly firstOf = new Map<string, number>()
  private readonly places: Int32Array
  private readonly fromMs: Float64Array
  private readonly validToMs: Float64Array
  /** Behind the last entry of the key whose first entry stands here. */
  private readonly ends: Int32Array
  private readonly lows: (number | string)[] = []
  private readonly highs: (number | string)[] = []

  private at = 0

  constructor(most: number) {
    this.places = new Int32Array(most)
    this.fromMs = new Float64Array(most)
    this.validToMs = new Float64Array(most)
    this.ends = new Int32Array(most)
  }

  append(key: string, entries: readonly Entry[]): void {
    if (this.firstOf.has(key)) throw new Error(`the rows of ${JSON.stringify(key)} do not come together`)
    const first = this.at
    for (const { row, fromMs } of entries) {
      this.places[this.at] = row.place
      this.fromMs[this.at] = fromMs
      this.validToMs[this.at] = row.validToMs
      if (row.from !== undefined) {
        this.lows[this.at] = row.from
        this.highs[this.at] = row.to!
      }
      this.at++
    }
    this.firstOf.set(key, first)
    this.ends[first] = this.at
  }

  get keys(): number {
    return this.firstOf.size
  }

  find(key: string, timeMs: number, value?: number | string): number {
    const first = this.firstOf.get(key)
    if (first === undefined) return -1
    const end = this.ends[first]!
    if (this.lows.length > 0) {
      if (value === undefined) return -1
      const at = lastAtMost(this.lows, value, first, end)
      return at < first || value > this.highs[at]! ? -1 : this.places[at]!
    }
    const at = lastAtMost(this.fromMs, timeMs, first, end)
    return at < first || timeMs >= this.validToMs[at]! ? -1 : this.places[at]!
  }
}

/** The last place from `first` to before `end` whose value is at most `value`; below `first`: none is. */
const lastAtMost = (
  values: ArrayLike<number | string>,
  value: number | string,
  first: number,
  end: number,
): number => {
  let low = first
  let high = end
  while (low < high) {
    const middle = (low + high) >>> 1
    if (values[middle]! <= value) low = middle + 1
    else high = middle
  }
  return low - 1
}
