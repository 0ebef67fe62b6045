import type { TrainingSettings } from '../../config/training-config.ts'
import { VigiaError } from '../../errors.ts'
import { hasCosts } from '../../evaluation/cost.ts'
import { costMatrix } from './candidate-figures.ts'
import { enabledModels } from './model-settings.ts'

/**
 * Finds before any work what would stop a run only after its features were computed.
 *
 * @throws PIPELINE_NO_MODEL when no model is enabled; CONFIG_COSTS_MISSING
 */
export const checkChoices = (settings: Pick<TrainingSettings, 'models' | 'search' | 'evaluation'>): void => {
  if (enabledModels(settings.models).length === 0)
    throw new VigiaError('PIPELINE_NO_MODEL', { reason: 'none is enabled' })
  requireCosts(settings)
}

/**
 * Whoever chooses by cost has to say what costs.
 *
 * @throws CONFIG_COSTS_MISSING naming the setting that goes by costs while all of them are 0
 */
const requireCosts = ({ search, evaluation }: Pick<TrainingSettings, 'search' | 'evaluation'>): void => {
  if (hasCosts(costMatrix({ evaluation }))) return
  const asked = [
    ['search.scoring', search.scoring, 'expected_cost'],
    ['evaluation.choose_by', evaluation.choose_by, 'expected_cost'],
    ['evaluation.threshold', evaluation.threshold, 'min_cost'],
  ].find(([, value, byCost]) => value === byCost)
  if (asked !== undefined)
    throw new VigiaError('CONFIG_COSTS_MISSING', { setting: asked[0]!, got: asked[1]! })
}
