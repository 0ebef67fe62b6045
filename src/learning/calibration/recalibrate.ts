import {
  type Calibration,
  calibratedLoss,
  crossValidatedLoss,
  fitCalibration,
  foldsOf,
} from './calibration.ts'

/** A calibration in the place of another, or why that stays. */
export type Recalibration =
  | { readonly calibration: Extract<Calibration, { readonly method: 'platt' }>; readonly why: string }
  | { readonly calibration: null; readonly why: string }

/**
 * What all rows' log loss must be lower by: the 1 % point of half a chi-squared variable of two degrees of
 * freedom, for two numbers are fitted (Wilks 1938).
 */
const LEAST_GAIN = 4.605

/**
 * Platt's calibration (1999) of a model's raw probabilities on labels of after a change, where its log loss
 * there is lower than that of the present calibration by more than chance. Its own is cross-validated; the
 * present one was fitted on other rows. Two numbers are fitted, since labels are few, and it keeps the order
 * of the raw probabilities strictly: scores that isotonic regression had made equal are apart again.
 *
 * @param labels 1 for fraud and 0; of both kinds
 */
export const recalibrate = (
  labels: ArrayLike<number>,
  raw: Float64Array,
  present: Calibration,
): Recalibration => {
  const anew = crossValidatedLoss('platt', labels, raw, foldsOf(labels, raw.length))
  const stays = calibratedLoss(present, labels, raw)
  const told = `log loss ${anew.toFixed(4)} with Platt's, ${stays.toFixed(4)} with the present one, on ${raw.length} rows`
  const calibration = fitCalibration('platt', labels, raw)
  if (calibration.method !== 'platt' || !(calibration.slope > 0))
    return { calibration: null, why: 'it stays: labels since the change rise with no score' }
  return raw.length * (stays - anew) > LEAST_GAIN
    ? { calibration, why: `Platt's, fitted since the change: ${told}` }
    : { calibration: null, why: `it stays: ${told}` }
}
