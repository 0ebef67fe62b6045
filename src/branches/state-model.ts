import type { FittedCleaning } from '../dataset/cleaning.ts'
import { invariantBroken } from '../decisions/invariant-broken.ts'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import type { ModelDocument } from '../decisions/log/model-document.ts'
import { featureSettingsOfModel } from '../features/feature-settings.ts'
import type { FittedFeatures } from '../features/fitted-features.ts'

/**
 * What a log says of a model, as far as states need it: they can follow the log though nobody has the model
 * any more. It cannot score.
 */
export const stateModel = (document: ModelDocument, layoutKey: string): LoadedModel => {
  const { key, name, version, sha256, computed, identity, statesKey } = document
  const fitted = document.fitted as { readonly features: FittedFeatures; readonly cleaning: FittedCleaning }
  const settings = featureSettingsOfModel(
    document.featureSettings as Parameters<typeof featureSettingsOfModel>[0],
    fitted.features,
  )
  const cannotScore = (): never => {
    throw invariantBroken(`model ${name} ${version} is known by its states alone`)
  }
  const riskLevels = { medium: 1, high: 1, critical: 1 }
  return {
    key,
    description: {
      name,
      version,
      title: '',
      threshold: 1,
      riskLevels,
      featureNames: [],
      sha256,
      loadedAtMs: 0,
      source: '',
    },
    artifact: { manifest: { featureSettings: document.featureSettings, fitted: document.fitted } } as never,
    settings,
    fitted: fitted.features,
    cleaning: fitted.cleaning,
    scorer: {
      featureNames: [],
      threshold: 1,
      riskLevels,
      scoreOne: cannotScore,
      marginOne: cannotScore,
      scoreMany: cannotScore,
      isFlagged: cannotScore,
      riskLevel: cannotScore,
    },
    explainer: { featureNames: [], reasonsOne: cannotScore },
    computed,
    identity,
    statesKey,
    layoutKey,
  }
}
