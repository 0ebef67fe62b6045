/** A day of 24 hours in milliseconds, whatever a calendar or a time zone says. */
export const DAY_MS = 86_400_000

/** Whole days of 24 hours from `firstMs` to each of `timesMs`; below 0 before it. */
export const daysSince = (firstMs: number, timesMs: Float64Array): Int32Array =>
  Int32Array.from(timesMs, (timeMs) => Math.floor((timeMs - firstMs) / DAY_MS))
