/** A day of 24 hours in milliseconds, whatever a calendar or a time zone says. */
export const DAY_MS = 86_400_000

/** Whole days of 24 hours from `firstMs` to each of `timesMs`; below 0 before it. */
export const daysSince = (firstMs: number, timesMs: Float64Array): Int32Array =>
  Int32Array.from(timesMs, (timeMs) => Math.floor((timeMs - firstMs) / DAY_MS))

/** `2026-01-31` of a whole number of days since 1970-01-01. */
export const dateOf = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10)

/** Midnight (UTC) of a day such as 2026-01-31, epoch milliseconds; undefined where there is no such day. */
export const dayStartOf = (text: string): number | undefined => {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN
  // Some days that are none are read as the first of the next month.
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text) ? ms : undefined
}
