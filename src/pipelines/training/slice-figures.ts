import { averagePrecision } from '../../evaluation/average-precision.ts'
import { confusionAt, precisionOf, recallOf } from '../../evaluation/confusion.ts'
import { rocAuc } from '../../evaluation/roc-auc.ts'
import type { Slice, SliceGroup } from './evaluation-report.ts'
import type { Slicing } from './slice-rows.ts'

/**
 * What scores are worth on each slice of the rows; a figure is null where it is not defined. O(n log n) for
 * each slicing.
 */
export const sliceFigures = (
  { by, names, nameOfRow }: Slicing,
  labels: Uint8Array,
  scores: Float64Array,
  threshold: number,
): SliceGroup => {
  const rowsOf = new Map<string, number[]>(names.map((name) => [name, []]))
  nameOfRow.forEach((name, row) => {
    if (name !== null) rowsOf.get(name)!.push(row)
  })
  return {
    by,
    slices: [...rowsOf]
      .filter(([, rows]) => rows.length > 0)
      .map(([name, rows]) =>
        figuresOf(
          name,
          Uint8Array.from(rows, (row) => labels[row]!),
          Float64Array.from(rows, (row) => scores[row]!),
          threshold,
        ),
      ),
  }
}

const figuresOf = (name: string, labels: Uint8Array, scores: Float64Array, threshold: number): Slice => {
  const confusion = confusionAt(labels, scores, threshold)
  return {
    name,
    rows: labels.length,
    frauds: confusion.truePositive + confusion.falseNegative,
    flagged: confusion.truePositive + confusion.falsePositive,
    rocAuc: defined(rocAuc(labels, scores)),
    averagePrecision: defined(averagePrecision(labels, scores)),
    precision: defined(precisionOf(confusion)),
    recall: defined(recallOf(confusion)),
  }
}

const defined = (value: number): number | null => (Number.isNaN(value) ? null : value)
