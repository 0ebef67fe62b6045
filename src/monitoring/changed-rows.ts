import type { DayProfile } from '../drift/profile-book.ts'
import type { ProfileColumn } from '../drift/profile-layout.ts'
import { mergeProfiles } from '../drift/window-profile.ts'
import { binOf } from '../model/reference-profile.ts'

/** Bins of a column of which a day has more than the days before, by their place among its counts. */
export type GrownBins = ReadonlySet<number>

/** Groups that bins of numbers are put together in: a single one is mostly chance. */
const GROUPS = 10

/**
 * The bins in which the day's share has grown most against the days before: rows that are in them show what
 * has changed. Empty without days before.
 */
export const grownBins = (
  column: ProfileColumn,
  day: DayProfile,
  before: readonly DayProfile[],
): GrownBins => {
  const base = mergeProfiles(before.map(({ profile }) => profile))
  if (base === undefined || base.rows === 0 || day.profile.rows === 0) return new Set()
  const [counts, usual] = [day.profile.countsOf(column), base.countsOf(column)]
  const scale = day.profile.rows / base.rows
  let [most, grown]: [number, readonly number[]] = [0, []]
  for (const group of groupsOf(column, usual)) {
    const more = group.reduce((sum, bin) => sum + counts[bin]! - usual[bin]! * scale, 0)
    if (more > most) [most, grown] = [more, group]
  }
  return new Set(grown)
}

/**
 * Places that are compared together: each code by itself, numbers in tenths, missing values by themselves.
 */
const groupsOf = ({ bins, size }: ProfileColumn, usual: Uint32Array): readonly (readonly number[])[] => {
  const places = Array.from({ length: size }, (_, bin) => bin)
  if (bins.kind === 'categorical') return places.map((bin) => [bin])
  const values = usual.subarray(0, size - 1).reduce((sum, count) => sum + count, 0)
  const groups: number[][] = [[]]
  let seen = 0
  for (const bin of places.slice(0, -1)) {
    groups.at(-1)!.push(bin)
    seen += usual[bin]!
    if (seen >= (values * groups.length) / GROUPS && bin < size - 2) groups.push([])
  }
  return [...groups, [size - 1]]
}

/** The place of a value among the counts of its column, as `countInto` finds it. */
export const placeOf = ({ bins, size }: ProfileColumn, value: number): number => {
  if (!Number.isFinite(value)) return size - 1
  if (bins.kind === 'categorical') {
    const place = bins.codes.indexOf(value)
    return place < 0 ? size - 2 : place
  }
  return binOf(bins.edges, value)
}
