/** Figures that scores announce, if they are right. */
export interface ExpectedFigures {
  /** Frauds of all decisions. */
  readonly frauds: number
  readonly recall: number
  readonly precision: number
  /** Σ (recall gained) x precision of the expected frauds, ties as one step. */
  readonly averagePrecision: number
  /** What these figures are blind to. It belongs beside them wherever they are shown. */
  readonly caveat: typeof CAVEAT
}

const CAVEAT =
  'Estimated from scores alone: it shows what changed in who comes, and cannot see a change of what is fraud ' +
  'among those with the same features (P(y|x)). Only labels can.'

/**
 * Performance without labels: each decision is taken as the fraction of a fraud that its calibrated score
 * says (confidence-based performance estimation, CBPE). Right while scores are calibrated and P(y|x) stays;
 * when frauds change sides it does not move.
 *
 * @param scores calibrated probabilities, 0 to 1
 * @param flagged 1 where an alert was raised
 * @param counts decisions that each of them stands for; left out: 1
 */
export const expectedFigures = (
  scores: Float64Array,
  flagged: Uint8Array,
  counts?: Float64Array,
): ExpectedFigures => {
  let [frauds, found, alerts] = [0, 0, 0]
  for (let row = 0; row < scores.length; row++) {
    const times = counts === undefined ? 1 : counts[row]!
    frauds += times * scores[row]!
    if (flagged[row] === 0) continue
    alerts += times
    found += times * scores[row]!
  }
  return {
    frauds,
    recall: found / frauds,
    precision: found / alerts,
    averagePrecision:
      counts === undefined
        ? expectedAveragePrecision(scores, frauds)
        : countedAveragePrecision(scores, counts, frauds),
    caveat: CAVEAT,
  }
}

const expectedAveragePrecision = (scores: Float64Array, frauds: number): number => {
  const rising = scores.toSorted()
  let [sum, found, before] = [0, 0, 0]
  for (let at = rising.length - 1; at >= 0; at--) {
    found += rising[at]!
    if (at > 0 && rising[at - 1] === rising[at]) continue
    sum += ((found - before) * found) / (rising.length - at)
    before = found
  }
  return sum / frauds
}

/** The same where rows stand for several decisions. */
const countedAveragePrecision = (scores: Float64Array, counts: Float64Array, frauds: number): number => {
  const falling = Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]!)
  let [sum, found, before, selected] = [0, 0, 0, 0]
  for (let at = 0; at < falling.length; at++) {
    const row = falling[at]!
    found += counts[row]! * scores[row]!
    selected += counts[row]!
    if (at + 1 < falling.length && scores[falling[at + 1]!] === scores[row]) continue
    sum += ((found - before) * found) / selected
    before = found
  }
  return sum / frauds
}
