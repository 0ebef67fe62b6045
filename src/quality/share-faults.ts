import { type DataFault, type FaultKind, findingOf } from './data-fault.ts'
import { limitOf, spreadOf } from './spread.ts'
import type { FieldSummary, WindowSummary } from './window-summary.ts'
import type { Rest } from './without-few.ts'

/** A share that a fault raises, and by how much at least. */
interface ShareFault {
  readonly kind: FaultKind
  readonly least: number
  readonly shareOf: (field: FieldSummary) => number | null
  /** The same without the few users who bring most of it; left out: it is of nearly all rows. */
  readonly restOf?: (field: FieldSummary) => Rest | undefined
  /** Where only a share of nearly all is a fault: the share, and what the history may have had at most. */
  readonly nearlyAll?: { readonly from: number; readonly before: number }
}

const NEARLY_ALL = { from: 0.985, before: 0.95 }

const ofNumbers =
  (name: 'outOfRange' | 'whole' | 'hundreds') =>
  (field: FieldSummary): number | null =>
    field.kind === 'number' && field.present >= LEAST_PRESENT ? field[name] : null

/** Values below which shares of a day say nothing. */
const LEAST_PRESENT = 50

const FIELD_FAULTS: readonly ShareFault[] = [
  {
    kind: 'missing',
    least: 0.01,
    shareOf: ({ missing }) => missing,
    restOf: ({ withoutFew }) => withoutFew?.missing,
  },
  {
    kind: 'out_of_range',
    least: 0.01,
    shareOf: ofNumbers('outOfRange'),
    restOf: (field) => (field.kind === 'number' ? field.withoutFew?.outOfRange : undefined),
  },
  {
    kind: 'unknown_categories',
    least: 0.01,
    shareOf: (field) => (field.kind === 'category' && field.present >= LEAST_PRESENT ? field.unknown : null),
    restOf: (field) => (field.kind === 'category' ? field.withoutFew?.unknown : undefined),
  },
  {
    kind: 'constant',
    least: 0.1,
    shareOf: ({ present, topShare }) => (present >= LEAST_PRESENT ? topShare : null),
    nearlyAll: NEARLY_ALL,
  },
  { kind: 'truncated_decimals', least: 0.1, shareOf: ofNumbers('whole'), nearlyAll: NEARLY_ALL },
  { kind: 'truncated_decimals', least: 0.1, shareOf: ofNumbers('hundreds'), nearlyAll: NEARLY_ALL },
]

const FEED_FAULTS = [
  { kind: 'duplicates', least: 0.005, name: 'duplicates' },
  { kind: 'late', least: 0.02, name: 'late' },
] as const

/**
 * Shares that have risen beyond what the history's days were: at least twice their odds too, and also without
 * the few users who bring most of it. Rows of a user come together, so that one traveller is a share of the
 * rows that chance would never give.
 */
export const shareFaults = (history: readonly WindowSummary[], today: WindowSummary): DataFault[] => [
  ...FEED_FAULTS.flatMap(({ kind, least, name }) =>
    risen(
      { kind, field: null, least },
      history.map((day) => day[name]),
      { share: today[name], rows: today.rows, rest: today.withoutFew?.[name] },
    ),
  ),
  ...Object.entries(today.fields).flatMap(([name, field]) =>
    FIELD_FAULTS.flatMap(({ kind, least, shareOf, restOf, nearlyAll }) => {
      const share = shareOf(field)
      const before = history.flatMap(({ fields }) => shareOf(fields[name]!) ?? [])
      if (share === null || before.length < history.length / 2) return []
      if (nearlyAll !== undefined && (share < nearlyAll.from || Math.max(...before) > nearlyAll.before))
        return []
      const rows = kind === 'missing' ? today.rows : field.present
      return risen({ kind, field: name, least }, before, { share, rows, rest: restOf?.(field) })
    }),
  ),
]

interface Sought {
  readonly kind: FaultKind
  readonly field: string | null
  readonly least: number
}

const risen = (
  { kind, field, least }: Sought,
  before: readonly number[],
  { share, rows, rest }: Rest & { readonly rest: Rest | undefined },
): DataFault[] => {
  const spread = spreadOf(before)
  const { middle } = spread
  const limitFor = (of: number): number => {
    const typical = typicalOf(middle, of)
    return limitOf(spread, Math.sqrt((typical * (1 - typical)) / Math.max(1, of)), least)
  }
  const isRisen = (found: Rest): boolean => {
    const typical = typicalOf(middle, found.rows)
    const isTwice = found.share * (1 - typical) >= 2 * typical * (1 - found.share)
    return found.rows > 0 && found.share - middle > limitFor(found.rows) && isTwice
  }
  if (!isRisen({ share, rows }) || (rest !== undefined && !isRisen(rest))) return []
  const evidence = { share, usual: middle, limit: middle + limitFor(rows), rows }
  return [findingOf(kind, field, share - middle, evidence)]
}

/** Half a row more, so that a share that never was has a chance of its own. */
const typicalOf = (middle: number, rows: number): number => (middle * rows + 0.5) / (rows + 1)
