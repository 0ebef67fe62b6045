/** Rows with from <= score < to by class; the last bin holds its end too. */
export interface ScoreBin {
  readonly from: number
  readonly to: number
  readonly genuine: number
  readonly fraud: number
}

/** Counts scores in `bins` bins of equal width over [0, 1]. */
export const scoreHistogram = (labels: Uint8Array, scores: Float64Array, bins: number): ScoreBin[] => {
  const genuine = new Float64Array(bins)
  const fraud = new Float64Array(bins)
  for (let row = 0; row < labels.length; row++) {
    const bin = Math.min(bins - 1, Math.floor(scores[row]! * bins))
    if (labels[row] === 1) fraud[bin]!++
    else genuine[bin]!++
  }
  return Array.from(genuine, (count, bin) => ({
    from: bin / bins,
    to: (bin + 1) / bins,
    genuine: count,
    fraud: fraud[bin]!,
  }))
}
