import { type Observations, weekdayOf } from './observations.ts'

/** Seven levels and a slope. */
const PARAMETERS = 8

/**
 * By how much each weekday is above the mean of all, from the days `used` (their places, none without a
 * value), by least squares beside a line in time: a feature that grows would else have its Sundays above its
 * Mondays.
 *
 * Effects are shrunk by 1 - 1 / F of their F statistic (James and Stein, 1961), so weekdays that do not
 * differ get none, and those of few weeks are not believed too much.
 */
export const weekdayEffects = ({ days, values }: Observations, used: Int32Array): Float64Array => {
  const effects = new Float64Array(7)
  const degrees = used.length - PARAMETERS
  if (degrees < 1) return effects
  const weekdays = momentsOf(days, values, used, 7)
  const all = momentsOf(days, values, used, 1)
  const gain = (all.squaresLeft - weekdays.squaresLeft) / 6
  if (!(gain > 0)) return effects
  const shrunk = Math.max(0, 1 - weekdays.squaresLeft / degrees / gain)
  let [mean, known] = [0, 0]
  for (let weekday = 0; weekday < 7; weekday++) {
    if (weekdays.counts[weekday] === 0) continue
    effects[weekday] = weekdays.values[weekday]! - weekdays.slope * weekdays.times[weekday]!
    mean += effects[weekday]!
    known++
  }
  // A weekday without a day stays at 0: it is taken for an average one.
  for (let weekday = 0; weekday < 7; weekday++)
    if (weekdays.counts[weekday]! > 0) effects[weekday] = (effects[weekday]! - mean / known) * shrunk
  return effects
}

/** A level for each group and one slope, by sums within groups (Frisch and Waugh, 1933). */
interface Fit {
  readonly counts: Float64Array
  /** Means of the groups. */
  readonly times: Float64Array
  readonly values: Float64Array
  readonly slope: number
  readonly squaresLeft: number
}

/**
 * Whether a line in time through `rest` (a series without its weekday effects) is evident: its F statistic
 * is above 6, after it was made smaller by (1 + ρ) / (1 - ρ) of the memory around the line (Bartlett,
 * 1946). What wanders goes some way in any two months, and must not be taken for what grows.
 */
export const growsEvidently = (days: Int32Array, rest: Float64Array, used: Int32Array): boolean => {
  const { times, values, slope, squaresLeft } = momentsOf(days, rest, used, 1)
  const degrees = used.length - PARAMETERS - 1
  if (degrees < 1) return false
  let [gain, product] = [0, 0]
  let before = Number.NaN
  for (const at of used) {
    const time = days[at]! - times[0]!
    gain += slope * slope * time * time
    const apart = rest[at]! - values[0]! - slope * time
    if (!Number.isNaN(before)) product += before * apart
    before = apart
  }
  const seen = squaresLeft > 0 ? product / squaresLeft : 0
  const memory = Math.min(MOST_MEMORY, Math.max(0, seen + (2 + 4 * seen) / used.length))
  const noise = (squaresLeft / degrees) * ((1 + memory) / (1 - memory))
  // A line through what never moves is only the rounding of the effects.
  return gain > EVIDENT * noise && gain > 1e-18 * used.length
}

const EVIDENT = 6

/** Around a line through a walk of two months, memory can hardly be told from 1. */
const MOST_MEMORY = 0.98

const momentsOf = (days: Int32Array, values: Float64Array, used: Int32Array, groups: 1 | 7): Fit => {
  const [counts, times, means] = [new Float64Array(7), new Float64Array(7), new Float64Array(7)]
  const groupOf = (at: number): number => (groups === 1 ? 0 : weekdayOf(days[at]!))
  for (const at of used) {
    const group = groupOf(at)
    counts[group]!++
    times[group]! += days[at]!
    means[group]! += values[at]!
  }
  for (let group = 0; group < groups; group++) {
    if (counts[group] === 0) continue
    times[group]! /= counts[group]!
    means[group]! /= counts[group]!
  }
  let [ofTime, ofBoth, ofValue] = [0, 0, 0]
  for (const at of used) {
    const group = groupOf(at)
    const [x, y] = [days[at]! - times[group]!, values[at]! - means[group]!]
    ofTime += x * x
    ofBoth += x * y
    ofValue += y * y
  }
  const slope = ofTime > 0 ? ofBoth / ofTime : 0
  return { counts, times, values: means, slope, squaresLeft: Math.max(0, ofValue - slope * ofBoth) }
}
