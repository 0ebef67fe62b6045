import { VigiaError } from '../errors.ts'

/**
 * Makes sure that scores can be judged: as many as labels, labels 0 or 1, scores finite and from 0 to 1.
 *
 * @throws EVALUATION_LENGTHS_DIFFER, EVALUATION_LABEL_INVALID, EVALUATION_SCORE_INVALID with the first row
 * that is wrong
 */
export const checkScores = (labels: Uint8Array, scores: Float64Array): void => {
  if (labels.length !== scores.length)
    throw new VigiaError('EVALUATION_LENGTHS_DIFFER', {
      allowed: labels.length,
      got: scores.length,
      what: 'scores',
    })
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row]!
    if (label > 1) throw new VigiaError('EVALUATION_LABEL_INVALID', { got: label, row })
    const score = scores[row]!
    // Written so that NaN, which compares false with everything, is refused too.
    if (!(score >= 0 && score <= 1))
      throw new VigiaError('EVALUATION_SCORE_INVALID', { got: score, row, allowed: '0 to 1' })
  }
}
