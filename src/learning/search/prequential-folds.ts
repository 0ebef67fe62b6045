import { VigiaError } from '../../errors.ts'
import type { Fold, FoldSettings } from './fold.ts'

/**
 * Folds in time: each learns from the past, waits `gapMs` for labels, and is judged on the `testLengthMs`
 * that follow; the next fold's test follows on. The last one ends with the rows.
 *
 * With f folds, span S, gap G and tests of length L, fold i = 1..f learns from [first, cut) and is judged on
 * [cut + G, cut + G + L), where cut = last - G - (f - i + 1) * L; the last test holds the last row too. L is
 * (S - G) / (f + 1) when `testLengthMs` is null, so that the first fold learns from as long a time as it is
 * judged on. `sliding` learns from [cut - (S - G - f * L), cut): every fold from as long a past as the first.
 *
 * Rows come in arrival order, and some arrive late. A row is learnt from when it and all that arrived before
 * it happened before the cut: what arrived later may have been computed from transactions of the test. So no
 * row that a fold learns from arrived after one that it is judged on.
 *
 * After Dawid (1984), "Statistical theory: the prequential approach"; with a delay, as the card-fraud
 * handbook does (chapter 5).
 *
 * @throws SEARCH_SPAN_TOO_SHORT when nothing would be left to learn from
 */
export const prequentialFolds = (
  eventTimesMs: Float64Array,
  { folds, gapMs, window, testLengthMs }: FoldSettings,
): readonly Fold[] => {
  const { first, last } = rangeOf(eventTimesMs)
  const testLength = testLengthMs ?? (last - first - gapMs) / (folds + 1)
  const learningLength = last - first - gapMs - folds * testLength
  if (!(testLength > 0 && learningLength > 0)) {
    throw new VigiaError('SEARCH_SPAN_TOO_SHORT', {
      spanDays: inDays(Math.max(0, last - first)),
      gapDays: inDays(gapMs),
      folds,
      tests: testLengthMs === null ? 'of equal length' : `of ${inDays(testLengthMs)} days`,
    })
  }
  const latestSoFar = runningMaximum(eventTimesMs)
  const rows = Int32Array.from(eventTimesMs.keys())
  // One computation for the end of a test and the beginning of the next, so that rounding leaves no row
  // between or in both.
  const boundary = (index: number): number => last - (folds - index) * testLength
  return Array.from({ length: folds }, (_, index) => {
    const testFrom = boundary(index)
    const testTo = boundary(index + 1)
    const cut = testFrom - gapMs
    const learnFrom = window === 'sliding' ? cut - learningLength : first
    const isLast = index === folds - 1
    return {
      // Rounding of the first cut must not push the very first row out of a sliding window.
      train: rows.filter(
        (row) => latestSoFar[row]! < cut && (index === 0 || eventTimesMs[row]! >= learnFrom),
      ),
      test: rows.filter((row) => {
        const time = eventTimesMs[row]!
        return time >= testFrom && (isLast || time < testTo)
      }),
    }
  })
}

const rangeOf = (times: Float64Array): { first: number; last: number } => {
  let first = Number.POSITIVE_INFINITY
  let last = Number.NEGATIVE_INFINITY
  for (const time of times) {
    if (time < first) first = time
    if (time > last) last = time
  }
  return { first, last }
}

const runningMaximum = (times: Float64Array): Float64Array => {
  let latest = Number.NEGATIVE_INFINITY
  return times.map((time) => {
    latest = Math.max(latest, time)
    return latest
  })
}

const inDays = (milliseconds: number): number => Math.round(milliseconds / 8_640_000) / 10
