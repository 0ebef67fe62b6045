import { type DataFault, type FaultKind, findingOf } from './data-fault.ts'
import { limitOf, spreadOf } from './spread.ts'
import type { FieldSummary, WindowSummary } from './window-summary.ts'

/** A share that a fault raises, and by how much at least. */
interface ShareFault {
  readonly kind: FaultKind
  readonly least: number
  readonly shareOf: (field: FieldSummary) => number | null
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
  { kind: 'missing', least: 0.01, shareOf: ({ missing }) => missing },
  { kind: 'out_of_range', least: 0.01, shareOf: ofNumbers('outOfRange') },
  {
    kind: 'unknown_categories',
    least: 0.01,
    shareOf: (field) => (field.kind === 'category' && field.present >= LEAST_PRESENT ? field.unknown : null),
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

/** Shares that have risen beyond what the history's days were: at least twice their odds too. */
export const shareFaults = (history: readonly WindowSummary[], today: WindowSummary): DataFault[] => [
  ...FEED_FAULTS.flatMap(({ kind, least, name }) =>
    risen(
      kind,
      null,
      history.map((day) => day[name]),
      today[name],
      today.rows,
      least,
    ),
  ),
  ...Object.entries(today.fields).flatMap(([name, field]) =>
    FIELD_FAULTS.flatMap(({ kind, least, shareOf, nearlyAll }) => {
      const share = shareOf(field)
      const before = history.flatMap(({ fields }) => shareOf(fields[name]!) ?? [])
      if (share === null || before.length < history.length / 2) return []
      if (nearlyAll !== undefined && (share < nearlyAll.from || Math.max(...before) > nearlyAll.before))
        return []
      const rows = kind === 'missing' ? today.rows : field.present
      return risen(kind, name, before, share, rows, least)
    }),
  ),
]

const risen = (
  kind: FaultKind,
  field: string | null,
  before: readonly number[],
  share: number,
  rows: number,
  least: number,
): DataFault[] => {
  const spread = spreadOf(before)
  const { middle } = spread
  // Half a row more, so that a share that never was has a chance of its own.
  const typical = (middle * rows + 0.5) / (rows + 1)
  const chance = Math.sqrt((typical * (1 - typical)) / Math.max(1, rows))
  const limit = limitOf(spread, chance, least)
  const isTwice = share * (1 - typical) >= 2 * typical * (1 - share)
  if (rows === 0 || share - middle <= limit || !isTwice) return []
  return [findingOf(kind, field, share - middle, { share, usual: middle, limit: middle + limit, rows })]
}
