import type { TrainingSettings } from '../../config/training-config.ts'
import { VigiaError } from '../../errors.ts'
import { hasCosts } from '../../evaluation/cost.ts'
import { FIGURES, type FigureName, figureNamed } from '../../evaluation/figures.ts'
import { costMatrix } from './judge-rows.ts'
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
 * Whoever chooses by cost, or has a gate for it, has to say what costs.
 *
 * @throws CONFIG_COSTS_MISSING naming the setting that goes by costs while all of them are 0
 */
const requireCosts = ({ search, evaluation }: Pick<TrainingSettings, 'search' | 'evaluation'>): void => {
  if (hasCosts(costMatrix({ evaluation }))) return
  const { choose_by, threshold, gates } = evaluation
  const asked = [
    { setting: 'search.scoring', got: search.scoring, byCosts: needsCosts(search.scoring) },
    { setting: 'evaluation.choose_by', got: choose_by, byCosts: needsCosts(choose_by) },
    { setting: 'evaluation.threshold', got: threshold, byCosts: threshold === 'min_cost' },
    ...FIGURES.map(({ name }) => ({
      setting: `evaluation.gates.${name}`,
      got: gates[name] ?? 'null',
      byCosts: gates[name] !== null && needsCosts(name),
    })),
  ].find(({ byCosts }) => byCosts)
  if (asked !== undefined)
    throw new VigiaError('CONFIG_COSTS_MISSING', { setting: asked.setting, got: asked.got })
}

const needsCosts = (name: FigureName): boolean => figureNamed(name).needs.includes('costs')
