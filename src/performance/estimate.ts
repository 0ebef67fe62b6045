/** A figure with the ends of its 95 % interval. */
export interface Estimate {
  readonly value: number
  readonly low: number
  readonly high: number
}

const Z = 1.959963984540054

/**
 * A share `count / of` with Wilson's interval (1927), which also holds for few and for none. NaN and 0 to 1
 * where `of` is 0.
 */
export const shareWithInterval = (count: number, of: number): Estimate => {
  if (of === 0) return { value: Number.NaN, low: 0, high: 1 }
  const share = count / of
  const middle = (share + (Z * Z) / (2 * of)) / (1 + (Z * Z) / of)
  const half = (Z * Math.sqrt((share * (1 - share)) / of + (Z * Z) / (4 * of * of))) / (1 + (Z * Z) / of)
  return {
    value: share,
    low: count === 0 ? 0 : middle - half,
    high: count === of ? 1 : middle + half,
  }
}

/** The value at `share` of sorted values, between two of them linearly (Hyndman and Fan's type 7). */
export const quantileOf = (sorted: Float64Array, share: number): number => {
  if (sorted.length === 0) return Number.NaN
  const at = share * (sorted.length - 1)
  const below = sorted[Math.floor(at)]!
  return below + (at - Math.floor(at)) * (sorted[Math.ceil(at)]! - below)
}

/** `value` between the 2.5 % and the 97.5 % quantile of draws; draws that are not finite are left out. */
export const estimateFrom = (value: number, draws: readonly number[]): Estimate => {
  const sorted = Float64Array.from(draws.filter((draw) => Number.isFinite(draw))).sort()
  return { value, low: quantileOf(sorted, 0.025), high: quantileOf(sorted, 0.975) }
}
