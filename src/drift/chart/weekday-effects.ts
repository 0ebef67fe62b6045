import { solveCholesky } from '../../foundation/cholesky.ts'
import { type Observations, weekdayOf } from './observations.ts'

/** Level, slope and seven weekdays. */
const PARAMETERS = 9

/**
 * By how much each weekday is above the others, from the days that are not left out, by least squares beside a
 * line in time: a feature that grows would else have its Sundays above its Mondays.
 *
 * Effects are shrunk by 1 - 1 / F of their F statistic (James and Stein, 1961), so weekdays that do not differ
 * get none, and those of few weeks are not believed too much.
 */
export const weekdayEffects = (
  { days, values }: Observations,
  isLeftOut: (at: number) => boolean,
): Float64Array => {
  const used = [...days.keys()].filter((at) => !Number.isNaN(values[at]!) && !isLeftOut(at))
  const degrees = used.length - PARAMETERS + 1
  if (degrees < 1) return new Float64Array(7)
  const middle = used.reduce((sum, at) => sum + days[at]!, 0) / used.length
  const design = used.map((at) => ({
    weekday: weekdayOf(days[at]!),
    time: (days[at]! - middle) / 7,
    value: values[at]!,
  }))
  const line = leastSquares(design, false)
  const full = leastSquares(design, true)
  const withoutEffects = squaresAround(design, line)
  const left = squaresAround(design, full)
  const gain = (withoutEffects - left) / 6
  if (!(gain > 0)) return new Float64Array(7)
  const shrunk = Math.max(0, 1 - left / degrees / gain)
  const effects = full.subarray(2)
  const mean = effects.reduce((sum, effect) => sum + effect, 0) / 7
  return Float64Array.from(effects, (effect) => (effect - mean) * shrunk)
}

interface DesignRow {
  readonly weekday: number
  readonly time: number
  readonly value: number
}

/** A weekday without a day, and the level that seven effects leave open, are held by this much of a ridge. */
const RIDGE = 1e-7

const leastSquares = (design: readonly DesignRow[], withWeekdays: boolean): Float64Array => {
  const size = withWeekdays ? PARAMETERS : 2
  const matrix = new Float64Array(size * size)
  const right = new Float64Array(size)
  for (const { weekday, time, value } of design) {
    const entries: (readonly [number, number])[] = [
      [0, 1],
      [1, time],
    ]
    if (withWeekdays) entries.push([2 + weekday, 1])
    for (const [i, x] of entries) {
      right[i]! += x * value
      for (const [j, y] of entries) matrix[i * size + j]! += x * y
    }
  }
  for (let i = 0; i < size; i++) matrix[i * size + i]! += RIDGE * design.length
  solveCholesky(matrix, right)
  return right
}

const squaresAround = (design: readonly DesignRow[], fitted: Float64Array): number =>
  design.reduce((sum, { weekday, time, value }) => {
    const apart = value - fitted[0]! - fitted[1]! * time - (fitted[2 + weekday] ?? 0)
    return sum + apart * apart
  }, 0)
