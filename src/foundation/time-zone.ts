/** Zone offsets change only at multiples of this, so one look-up serves a quarter of an hour. */
const QUARTER_MS = 15 * 60_000

/**
 * The local time of an IANA time zone (`Europe/Madrid`), from the runtime's own zone data.
 *
 * Offsets are looked up once per quarter of an hour and remembered.
 */
export interface TimeZone {
  readonly name: string
  /** Milliseconds to add to UTC at `epochMs` to get local wall time. */
  offsetMs(epochMs: number): number
}

/** Is `name` a zone that this runtime knows? */
export const isTimeZone = (name: string): boolean => {
  // The default is not asked for: the first look-up loads the zone data.
  if (name === 'UTC') return true
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name })
    return true
  } catch {
    return false
  }
}

/** @throws RangeError when the runtime knows no such zone; ask `isTimeZone` first. */
export const createTimeZone = (name: string): TimeZone => {
  if (name === 'UTC') return { name, offsetMs: () => 0 }
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: name,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  const lookUp = (epochMs: number): number => {
    const part: Record<string, number> = {}
    for (const { type, value } of format.formatToParts(epochMs)) part[type] = Number(value)
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part
    return Date.UTC(year, month - 1, day, hour, minute, second) - epochMs
  }
  const known = new Map<number, number>()
  let lastQuarter = Number.NaN
  let lastOffset = 0
  return {
    name,
    offsetMs(epochMs) {
      const quarter = Math.floor(epochMs / QUARTER_MS)
      if (quarter !== lastQuarter) {
        let offset = known.get(quarter)
        if (offset === undefined) {
          offset = lookUp(quarter * QUARTER_MS)
          known.set(quarter, offset)
        }
        lastQuarter = quarter
        lastOffset = offset
      }
      return lastOffset
    },
  }
}
