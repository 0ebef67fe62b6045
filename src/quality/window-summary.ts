import { type Rest, restOfUsers } from './without-few.ts'

/** What a window of rows, a day, is judged by: small plain data, so that a history of them is kept. */
export interface WindowSummary {
  /** Start of the day by the clock that hours are told by. */
  readonly startMs: number
  readonly rows: number
  /** Shares of all rows: with an id that came before, and that came later than a bank's rows should. */
  readonly duplicates: number
  readonly late: number
  /** The two without the few users who have most of them; left out where users are not told apart. */
  readonly withoutFew?: { readonly duplicates: Rest; readonly late: Rest }
  /** Rows by hour of the day, 24 counts. */
  readonly rowsByHour: readonly number[]
  readonly fields: Readonly<Record<string, FieldSummary>>
}

export type FieldSummary = NumberSummary | CategorySummary

export interface NumberSummary {
  readonly kind: 'number'
  /** Rows with a value. Shares below are of them, 0 where there are none. */
  readonly present: number
  /** Share of all rows without a value. */
  readonly missing: number
  /** Outside the range that the training saw. */
  readonly outOfRange: number
  /** The two without the few users who have most of them; left out where users are not told apart. */
  readonly withoutFew?: { readonly missing: Rest; readonly outOfRange: Rest }
  /** At `QUANTILES`; NaN without values. */
  readonly quantiles: readonly number[]
  /** Of the most frequent value. */
  readonly topShare: number
  /** Without decimals. */
  readonly whole: number
  /** Whole multiples of 100: amounts of minor units whose decimals are 0. */
  readonly hundreds: number
  /** By currency or category, where one was given: rows and median. */
  readonly groups: Readonly<Record<string, { readonly rows: number; readonly median: number }>>
}

export interface CategorySummary {
  readonly kind: 'category'
  readonly present: number
  readonly missing: number
  /** Not among the values that the training saw. */
  readonly unknown: number
  /** The two without the few users who have most of them; left out where users are not told apart. */
  readonly withoutFew?: { readonly missing: Rest; readonly unknown: Rest }
  readonly topShare: number
  /** Of each value of at least `LEAST_SHARE`. */
  readonly shares: Readonly<Record<string, number>>
}

export const QUANTILES = [0.05, 0.25, 0.5, 0.75, 0.95] as const
const LEAST_SHARE = 0.005

/** Rows of one day. */
export interface WindowRows {
  readonly startMs: number
  readonly timesMs: Float64Array
  /** 1 where the id of the row came before. */
  readonly isDuplicate: Uint8Array
  /** 1 where the row came later than rows should. */
  readonly isLate: Uint8Array
  /**
   * Who each row is of: a number for each user, NaN where nobody is known. Then what a few users do alone is
   * no fault of the feed. Left out: rows are as many users.
   */
  readonly users?: Float64Array
  readonly fields: Readonly<Record<string, NumberColumn | CategoryColumn>>
}

export interface NumberColumn {
  readonly kind: 'number'
  /** NaN is missing. */
  readonly values: Float64Array
  /** Least and greatest value of the training, both included. */
  readonly range: readonly [number, number]
  /** Currency or category of each row, where medians are to be told by it. */
  readonly groups?: readonly string[]
}

export interface CategoryColumn {
  readonly kind: 'category'
  /** null is missing. */
  readonly values: readonly (string | null)[]
  /** Values of the training. */
  readonly known: ReadonlySet<string>
}

const HOUR_MS = 3_600_000

type RestOf = ReturnType<typeof restOfUsers>

/** The summary of a day's rows. O(n log n) by number field, O(n) by category. */
export const summarizeWindow = (window: WindowRows): WindowSummary => {
  const { startMs, timesMs, isDuplicate, isLate } = window
  const rows = timesMs.length
  const restOf = window.users && restOfUsers(window.users)
  const rowsByHour = Array<number>(24).fill(0)
  for (const timeMs of timesMs) rowsByHour[((Math.floor((timeMs - startMs) / HOUR_MS) % 24) + 24) % 24]!++
  return {
    startMs,
    rows,
    duplicates: shareOf(isDuplicate),
    late: shareOf(isLate),
    ...(restOf && {
      withoutFew: {
        duplicates: restOf((row) => isDuplicate[row] === 1),
        late: restOf((row) => isLate[row] === 1),
      },
    }),
    rowsByHour,
    fields: Object.fromEntries(
      Object.entries(window.fields).map(([name, column]) => [
        name,
        column.kind === 'number' ? summarizeNumbers(column, restOf) : summarizeCategories(column, restOf),
      ]),
    ),
  }
}

const shareOf = (flags: Uint8Array): number =>
  flags.length === 0 ? 0 : flags.reduce((sum, flag) => sum + flag, 0) / flags.length

const summarizeNumbers = ({ values, range, groups }: NumberColumn, restOf: RestOf): NumberSummary => {
  const isOutside = (value: number): boolean => value < range[0] || value > range[1]
  const isMissing = (row: number): boolean => Number.isNaN(values[row])
  const sorted = values.filter((value) => !Number.isNaN(value)).sort()
  const present = sorted.length
  let [outside, whole, hundreds, top, run] = [0, 0, 0, 0, 0]
  for (let at = 0; at < present; at++) {
    const value = sorted[at]!
    if (isOutside(value)) outside++
    if (Number.isInteger(value)) whole++
    if (value % 100 === 0) hundreds++
    run = at > 0 && value === sorted[at - 1] ? run + 1 : 1
    top = Math.max(top, run)
  }
  const of = (count: number): number => (present === 0 ? 0 : count / present)
  return {
    kind: 'number',
    present,
    missing: values.length === 0 ? 0 : 1 - present / values.length,
    outOfRange: of(outside),
    ...(restOf && {
      withoutFew: {
        missing: restOf(isMissing),
        outOfRange: restOf(
          (row) => isOutside(values[row]!),
          (row) => !isMissing(row),
        ),
      },
    }),
    quantiles: QUANTILES.map((share) => quantileAt(sorted, share)),
    topShare: of(top),
    whole: of(whole),
    hundreds: of(hundreds),
    groups: groups === undefined ? {} : mediansByGroup(values, groups),
  }
}

const quantileAt = (sorted: Float64Array, share: number): number =>
  sorted.length === 0 ? Number.NaN : sorted[Math.floor(share * (sorted.length - 1))]!

const mediansByGroup = (values: Float64Array, groups: readonly string[]): NumberSummary['groups'] => {
  const members = new Map<string, number[]>()
  values.forEach((value, row) => {
    if (Number.isNaN(value)) return
    const list = members.get(groups[row]!)
    if (list === undefined) members.set(groups[row]!, [value])
    else list.push(value)
  })
  return Object.fromEntries(
    [...members].map(([group, list]) => [
      group,
      { rows: list.length, median: quantileAt(Float64Array.from(list).sort(), 0.5) },
    ]),
  )
}

const summarizeCategories = ({ values, known }: CategoryColumn, restOf: RestOf): CategorySummary => {
  const counts = new Map<string, number>()
  let [present, unknown] = [0, 0]
  for (const value of values) {
    if (value === null) continue
    present++
    if (!known.has(value)) unknown++
    counts.set(value, (counts.get(value) ?? 0) + 1)
  }
  const shares = [...counts].map(([value, count]): [string, number] => [value, count / present])
  return {
    kind: 'category',
    present,
    missing: values.length === 0 ? 0 : 1 - present / values.length,
    unknown: present === 0 ? 0 : unknown / present,
    ...(restOf && {
      withoutFew: {
        missing: restOf((row) => values[row] === null),
        unknown: restOf(
          (row) => !known.has(values[row]!),
          (row) => values[row] !== null,
        ),
      },
    }),
    topShare: shares.reduce((most, [, share]) => Math.max(most, share), 0),
    shares: Object.fromEntries(shares.filter(([, share]) => share >= LEAST_SHARE)),
  }
}
