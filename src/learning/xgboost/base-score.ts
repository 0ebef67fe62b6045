import { log } from '../../foundation/elementary/logarithm.ts'
import { type Parts, refuse } from '../imported/parts.ts'
import { isBefore, type XgboostVersion } from './version.ts'

const WHERE = 'learner.learner_model_param.base_score'

/**
 * The margin that all scores begin with, from `base_score`, which is a probability. Numbers are texts in the
 * parameters: `"5E-1"`, and since 3.1 `"[5E-1]"`. Computed in floats, as XGBoost does.
 *
 * - Since 3.2 a probability below 1e-6 counts as 1e-6, and one above 1 - 1e-6 as that, whatever the file
 *   says.
 * - Since 3.1 a model without trees whose base_score was not set (`boost_from_average`) begins with the
 *   number itself instead of its margin: with 0.5 every row has a probability of 0.62.
 *
 * @throws LEARNING_IMPORT_REFUSED where it is no probability, or so near to 0 that the margin is infinite
 */
export const readBaseMargin = (parameters: Parts, version: XgboostVersion, trees: number): number => {
  const text = String(parameters['base_score']).trim()
  const share = Math.fround(Number(text.replace(/^\[(.*)\]$/, '$1') || Number.NaN))
  if (!(share > 0 && share < 1)) refuse(WHERE, `is ${text}; allowed: one probability between 0 and 1`)
  if (trees === 0 && !isBefore(version, [3, 1]) && String(parameters['boost_from_average'] ?? '1') !== '0')
    return share
  const bounded = isBefore(version, [3, 2]) ? share : Math.min(Math.max(share, LEAST), GREATEST)
  const margin = Math.fround(-log(Math.fround(Math.fround(1 / bounded) - 1)))
  return Number.isFinite(margin) ? margin : refuse(WHERE, `is ${text}, with which every row scores the same`)
}

const LEAST = Math.fround(1e-6)
const GREATEST = Math.fround(1 - LEAST)
