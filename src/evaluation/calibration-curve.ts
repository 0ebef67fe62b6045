import { rowsByScore } from './rows-by-score.ts'

/** Rows of like probability: what was told and what came. */
export interface CalibrationBin {
  readonly rows: number
  readonly meanProbability: number
  readonly fraudShare: number
}

const BINS = 10

/**
 * Rows by rising probability in at most `bins` bins of equal count, ten by default. Empty without rows.
 * O(n log n). Scores must not be NaN.
 */
export const calibrationCurve = (labels: Uint8Array, scores: Float64Array, bins = BINS): CalibrationBin[] => {
  const order = rowsByScore(scores, 'rising')
  const count = Math.min(bins, order.length)
  return Array.from({ length: count }, (_, bin) => {
    const from = Math.floor((bin * order.length) / count)
    const to = Math.floor(((bin + 1) * order.length) / count)
    let probability = 0
    let frauds = 0
    for (let at = from; at < to; at++) {
      probability += scores[order[at]!]!
      frauds += labels[order[at]!]!
    }
    const rows = to - from
    return { rows, meanProbability: probability / rows, fraudShare: frauds / rows }
  })
}

/**
 * Expected calibration error (Naeini et al. 2015): mean distance of told and come, weighted by rows. NaN
 * without rows.
 */
export const calibrationError = (curve: readonly CalibrationBin[]): number => {
  const rows = curve.reduce((sum, bin) => sum + bin.rows, 0)
  return curve.reduce((sum, bin) => sum + bin.rows * Math.abs(bin.meanProbability - bin.fraudShare), 0) / rows
}
