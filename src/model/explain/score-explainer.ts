import { VigiaError } from '../../errors.ts'
import { planFeatures } from '../../features/feature-plan.ts'
import { featureSettingsOfModel } from '../../features/feature-settings.ts'
import type { FittedFeatures } from '../../features/fitted-features.ts'
import type { Artifact } from '../artifact.ts'
import { createExplainer } from './create-explainer.ts'
import { type Reason, reasonsFor } from './reasons.ts'

/** Explains the scores of one artifact in words. */
export interface ScoreExplainer {
  /** Names in the order of the vector. */
  readonly featureNames: readonly string[]
  /** The `top` strongest reasons for the score of the vector `vector[at...]`, as `reasonsFor` ranks them. */
  reasonsOne(vector: ArrayLike<number>, top: number, at?: number): Reason[]
}

/**
 * The explainer of `artifact`: contributions from its model, words from the records of its features.
 *
 * @throws MODEL_ARTIFACT_REFUSED naming `where` when the model reads a feature that the artifact's settings
 * do not compute
 */
export const createScoreExplainer = (
  { manifest, model }: Pick<Artifact, 'manifest' | 'model'>,
  where: string,
): ScoreExplainer => {
  const { featureNames } = model
  const fitted = manifest.fitted.features as FittedFeatures
  const settings = featureSettingsOfModel(manifest.featureSettings, fitted)
  const planned = new Map(planFeatures(settings).features.map(({ feature }) => [feature.name, feature]))
  const features = featureNames.map((name) => {
    const feature = planned.get(name)
    if (feature !== undefined) return feature
    const reason = `its settings compute no feature "${name}"`
    throw new VigiaError('MODEL_ARTIFACT_REFUSED', { where, file: 'manifest.json', reason })
  })
  const explainer = createExplainer(model)
  const contributions = new Float64Array(features.length)
  return {
    featureNames,
    reasonsOne: (vector, top, at = 0) => {
      explainer.explainOne(vector, at, contributions)
      return reasonsFor({ vector, at, contributions, features, fitted }, top)
    },
  }
}
