import { confusionAt } from '../../evaluation/confusion.ts'
import type { ScoredRows } from '../../evaluation/figure.ts'
import { figuresIn, figuresOf } from '../../evaluation/figures.ts'
import { someRows } from '../../evaluation/judged-rows.ts'
import type { Slicing } from '../../fitting/slice-rows.ts'
import type { Slice, SliceGroup } from './evaluation-report.ts'

/**
 * What scores are worth on each slice of the rows; a figure is null where it is not defined. O(n log n) for
 * each slicing.
 */
export const sliceFigures = ({ by, names, nameOfRow }: Slicing, rows: ScoredRows): SliceGroup => {
  const rowsOf = new Map<string, number[]>(names.map((name) => [name, []]))
  nameOfRow.forEach((name, row) => {
    if (name !== null) rowsOf.get(name)!.push(row)
  })
  return {
    by,
    slices: [...rowsOf]
      .filter(([, ofSlice]) => ofSlice.length > 0)
      .map(([name, ofSlice]) => sliceOf(name, someRows(rows, ofSlice))),
  }
}

const FIGURES_OF_SLICES = figuresIn('slices')

const sliceOf = (name: string, rows: ScoredRows): Slice => {
  const { labels, scores, threshold } = rows
  const { truePositive, falsePositive, falseNegative } = confusionAt(labels, scores, threshold)
  return {
    name,
    rows: labels.length,
    frauds: truePositive + falseNegative,
    flagged: truePositive + falsePositive,
    ...figuresOf(rows, FIGURES_OF_SLICES),
  }
}
