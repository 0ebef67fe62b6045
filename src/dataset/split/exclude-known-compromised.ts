import { DAY_MS } from '../../foundation/days.ts'
import { PART, type Period, type SplitRows, type TemporalWindows } from './part.ts'

/**
 * Takes users that are already known to be compromised out of validation and test: their cards would be
 * blocked, so finding them again is worth nothing.
 *
 * On each day of a part (24 hours, counted from the part's start) these are the users with a fraud in
 * training, and those with any later fraud whose label is known before that day begins. With a delay of 7
 * days and a test that begins 7 days after training, this is the protocol of the card-fraud handbook. Answers
 * a new array; excluded rows belong to no part.
 */
export const excludeKnownCompromised = (
  parts: Uint8Array,
  rows: SplitRows,
  windows: TemporalWindows,
): Uint8Array => {
  const blockedFromMs = blockedSince(parts, rows, windows.train.fromMs)
  return parts.map((part, row) => {
    const period = periodOf(part, windows)
    if (period === null) return part
    const dayMs = period.fromMs + Math.floor((rows.eventTimesMs[row]! - period.fromMs) / DAY_MS) * DAY_MS
    return blockedFromMs[rows.users[row]!]! < dayMs ? PART.none : part
  })
}

/**
 * By user, the instant since when they are known to be compromised; infinity for the others. Earlier frauds
 * do not count.
 */
const blockedSince = (parts: Uint8Array, rows: SplitRows, trainFromMs: number): Float64Array => {
  const { eventTimesMs, labels, knownAtMs, users } = rows
  const since = new Float64Array(users.reduce((most, user) => Math.max(most, user + 1), 0)).fill(
    Number.POSITIVE_INFINITY,
  )
  for (let row = 0; row < labels.length; row++) {
    if (labels[row] !== 1 || eventTimesMs[row]! < trainFromMs) continue
    // A model cannot be trained before its labels are known, so the frauds of training are known by
    // definition.
    const knownMs = parts[row] === PART.train ? Number.NEGATIVE_INFINITY : knownAtMs[row]!
    const user = users[row]!
    if (knownMs < since[user]!) since[user] = knownMs
  }
  return since
}

const periodOf = (part: number, windows: TemporalWindows): Period | null => {
  if (part === PART.validation) return windows.validation
  return part === PART.test ? windows.test : null
}
