import { exp } from '../foundation/elementary/exponential.ts'
import { log } from '../foundation/elementary/logarithm.ts'
import { type DataFault, findingOf } from './data-fault.ts'
import { limitOf, spreadOf } from './spread.ts'
import { type NumberSummary, QUANTILES, type WindowSummary } from './window-summary.ts'

/** Cents for units, thousandths, seconds for minutes and minutes for hours; and back. */
const FACTORS = [100, 1000, 60, 3600]

/** How far the logarithm of a ratio may lie from that of a factor: half of the way from 60 to 100. */
const NEAREST = 0.25

/** Rows of a group below which its median says nothing. */
const LEAST_ROWS = 30

/**
 * Fields whose values have become another unit's: the ratio of the day's median to the usual one is near 100,
 * 1,000, 60 or 3,600, or one over that, far beyond what the ratio of any day was, and the quartiles say the
 * same. Where the groups of a field (currencies) tell, also of some groups alone.
 */
export const unitFaults = (history: readonly WindowSummary[], today: WindowSummary): DataFault[] =>
  Object.entries(today.fields).flatMap(([name, field]) => {
    if (field.kind !== 'number') return []
    const before = history.map(({ fields }) => fields[name] as NumberSummary)
    const whole = unitOf(
      before.map(({ quantiles }) => quantiles),
      field.quantiles,
      field.present,
    )
    if (whole !== null)
      return [
        findingOf('unit', name, whole.ratio, { factor: whole.factor, rows: field.present, groups: 'all' }),
      ]
    const changed = Object.entries(field.groups).flatMap(([group, { rows, median }]) => {
      const medians = before.flatMap(({ groups }) => {
        const then = groups[group]
        return then === undefined || then.rows < LEAST_ROWS ? [] : [[then.median]]
      })
      const unit = medians.length < history.length / 2 ? null : unitOf(medians, [median], rows)
      return unit === null ? [] : [{ group, rows, factor: unit.factor, ratio: unit.ratio }]
    })
    const [first] = changed
    if (first === undefined) return []
    const rows = changed.reduce((sum, group) => sum + group.rows, 0)
    const groups = changed.map(({ group }) => group).join(', ')
    return [findingOf('unit', name, first.ratio, { factor: first.factor, rows, groups })]
  })

const MEDIAN_AT = QUANTILES.indexOf(0.5)

/** By quantiles (of which the middle one leads), or by a median alone. */
const unitOf = (
  before: readonly (readonly number[])[],
  today: readonly number[],
  rows: number,
): { readonly ratio: number; readonly factor: number } | null => {
  if (rows < LEAST_ROWS) return null
  const lead = today.length === 1 ? 0 : MEDIAN_AT
  const shiftAt = (at: number): { shift: number; limit: number } | null => {
    const usual = before.map((quantiles) => quantiles[at]!).filter((value) => value > 0)
    if (!(today[at]! > 0) || usual.length < before.length / 2) return null
    const spread = spreadOf(usual.map(log))
    const shift = log(today[at]!) - spread.middle
    return { shift, limit: limitOf(spread, 0, 1, shift > 0 ? 'above' : 'below') }
  }
  const led = shiftAt(lead)
  if (led === null || Math.abs(led.shift) <= led.limit) return null
  const factor = FACTORS.flatMap((of) => [of, 1 / of]).find((of) => Math.abs(led.shift - log(of)) <= NEAREST)
  if (factor === undefined) return null
  const others = today.length === 1 ? [] : [lead - 1, lead + 1].map(shiftAt)
  // Quartiles are looser than the median: of few values, and not of one sort.
  const agree = others.every((other) => other === null || Math.abs(other.shift - log(factor)) <= 2 * NEAREST)
  return agree ? { ratio: exp(led.shift), factor } : null
}
