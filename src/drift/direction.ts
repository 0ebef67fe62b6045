import { sin } from '../foundation/elementary/trigonometry.ts'
import type { Series } from './series.ts'

/** What a series is called: `mean`, `share of category 7`. */
export const nameOfSeries = ({ measure, code }: Series): string => {
  switch (measure) {
    case 'mean':
      return 'mean'
    case 'spread':
      return 'spread'
    case 'above_q95':
      return 'share above q95'
    case 'above_q99':
      return 'share above q99'
    case 'alerts':
      return 'share of alerts'
    case 'missing':
      return 'share of missing values'
    case 'category':
      return `share of category ${code}`
    case 'unseen':
      return 'share of unseen categories'
    case 'volume':
      return 'share of all rows'
  }
}

/** What a series did, in words: `share of alerts is 2.31 %, where 1.05 % was expected`. */
export const directionOf = (series: Series, value: number, expected: number): string => {
  if (series.isShare)
    return `${nameOfSeries(series)} is ${percent(value)}, where ${percent(expected)} was expected`
  const apart = value - expected
  const size = `${Math.abs(apart).toFixed(3)} standard deviations of ranks`
  if (series.measure === 'mean')
    return `values are ${apart < 0 ? 'lower' : 'higher'} than expected by ${size}`
  return `values are ${apart < 0 ? 'closer together' : 'more spread out'} than expected by ${size}`
}

/** A share from its angle. */
const percent = (angle: number): string => {
  const half = sin(Math.max(0, Math.min(Math.PI, angle)) / 2)
  return `${(100 * half * half).toFixed(2)} %`
}
