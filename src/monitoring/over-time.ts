import type { DayProfile } from '../drift/profile-book.ts'
import type { ProfileColumn } from '../drift/profile-layout.ts'

/** What a feature was like on one day, for pictures. */
export type DayOfFeature = { readonly day: number; readonly missing: number } & (
  | {
      readonly kind: 'numeric'
      /** Upper edges of the reference's bins that hold the day's quantiles; null without a value. */
      readonly p10: number | null
      readonly median: number | null
      readonly p90: number | null
    }
  | {
      readonly kind: 'categorical'
      /** Share of each followed code among the values, and of all others. */
      readonly shares: readonly { readonly code: number | null; readonly share: number }[]
    }
)

/** Codes that are followed one by one. */
const MOST_CODES = 6

/** A column day by day; days without rows are left out. */
export const overTime = (column: ProfileColumn, days: readonly DayProfile[]): readonly DayOfFeature[] => {
  const codes = commonCodes(column, days)
  return days.flatMap(({ day, profile }) => {
    if (profile.rows === 0) return []
    const counts = profile.countsOf(column)
    const missing = counts.at(-1)! / profile.rows
    return column.bins.kind === 'numeric'
      ? { day, missing, kind: 'numeric', ...quantiles(column.bins.edges, counts) }
      : { day, missing, kind: 'categorical', shares: shares(codes, counts) }
  })
}

const quantiles = (edges: readonly number[], counts: Uint32Array) => ({
  p10: quantile(edges, counts, 0.1),
  median: quantile(edges, counts, 0.5),
  p90: quantile(edges, counts, 0.9),
})

/** Values above the last edge are shown there: no profile says how far above they are. */
const quantile = (edges: readonly number[], counts: Uint32Array, share: number): number | null => {
  const values = counts.subarray(0, -1)
  const wanted = share * values.reduce((sum, count) => sum + count, 0)
  if (wanted === 0) return null
  let seen = 0
  for (let bin = 0; bin < edges.length; bin++) {
    seen += values[bin]!
    if (seen >= wanted) return edges[bin]!
  }
  return edges.at(-1) ?? null
}

/** Places of the codes with the most values over all days, in the order of the reference. */
const commonCodes = ({ bins, from, size }: ProfileColumn, days: readonly DayProfile[]) => {
  if (bins.kind === 'numeric') return []
  const sums = new Float64Array(size)
  for (const { profile } of days)
    for (let bin = 0; bin < size; bin++) sums[bin]! += profile.counts[from + bin]!
  return bins.codes
    .map((code, bin) => ({ code, bin }))
    .sort((a, b) => sums[b.bin]! - sums[a.bin]!)
    .slice(0, MOST_CODES)
    .sort((a, b) => a.bin - b.bin)
}

const shares = (
  codes: readonly { readonly code: number; readonly bin: number }[],
  counts: Uint32Array,
): { readonly code: number | null; readonly share: number }[] => {
  const all = counts.subarray(0, -1).reduce((sum, count) => sum + count, 0)
  const followed = codes.map(({ code, bin }) => ({ code, share: all === 0 ? 0 : counts[bin]! / all }))
  const others = 1 - followed.reduce((sum, { share }) => sum + share, 0)
  return all === 0 ? followed : [...followed, { code: null, share: Math.max(0, others) }]
}
