import { pinnedVersion } from '../artifacts/model-source.ts'
import { type StatesIdentity, statesIdentity } from '../artifacts/states-manifest.ts'
import type { FittedCleaning } from '../dataset/cleaning.ts'
import { cleaningOfStates, cleaningRules } from '../dataset/cleaning-of-states.ts'
import { planFeatures } from '../features/feature-plan.ts'
import { type FeatureSettings, featureSettingsOfModel } from '../features/feature-settings.ts'
import type { FittedFeatures } from '../features/fitted-features.ts'
import { canonicalJson } from '../foundation/canonical-json.ts'
import { sha256 } from '../foundation/hash.ts'
import type { Artifact } from '../model/artifact.ts'
import { createScoreExplainer, type ScoreExplainer } from '../model/explain/score-explainer.ts'
import { createScorer, type Scorer } from '../model/scorer.ts'
import type { Entity } from '../transaction/entities.ts'
import type { ServedModel } from './inference-pipeline.ts'

/** A verified artifact, ready to decide. */
export interface LoadedModel {
  /** By which log records name it: 16 hexadecimal digits of its SHA-256. */
  readonly key: string
  readonly description: Omit<ServedModel, 'role'>
  readonly artifact: Artifact
  readonly settings: FeatureSettings
  readonly fitted: FittedFeatures
  readonly cleaning: FittedCleaning
  readonly scorer: Scorer
  readonly explainer: ScoreExplainer
  /** All features that are computed, those among them that the model does not use. */
  readonly computed: readonly string[]
  readonly identity: StatesIdentity
  /** Models with the same one make the same states of the same history: equal layouts, equal cleaning. */
  readonly statesKey: string
  /**
   * Models with the same one can go on from each other's states: equal layouts and rules of cleaning,
   * whatever was fitted anew.
   */
  readonly layoutKey: string
}

/** A model as errors name it. */
export const modelName = ({ description: { name, version } }: LoadedModel): string => `${name} ${version}`

/** Where a model is found again by version: what an alias names has changed since. */
export const pinnedSource = ({
  description,
}: {
  readonly description: Pick<ServedModel, 'name' | 'version' | 'source'>
}): string => pinnedVersion(description)

/** Where an artifact came from, as `GET /model` tells it. */
export interface ModelOrigin {
  readonly name: string
  readonly version: string
  /** A folder in full, or `models:/name@alias`. */
  readonly source: string
  /** Of its `checksums.json`. */
  readonly sha256: string
  readonly loadedAtMs: number
}

/** @throws MODEL_ARTIFACT_REFUSED when the model reads a feature that its settings do not compute */
export const prepareModel = (artifact: Artifact, origin: ModelOrigin): LoadedModel => {
  const { manifest, model } = artifact
  const fitted = manifest.fitted.features as FittedFeatures
  const settings = featureSettingsOfModel(manifest.featureSettings, fitted)
  const cleaning = manifest.fitted.cleaning as FittedCleaning
  const identity = statesIdentity(settings, fitted)
  const { entities, aggregates } = settings.options
  const { sha256: hash, ...named } = origin
  const unlabelled = settings.unlabelled === undefined ? [] : [{ unlabelled: settings.unlabelled }]
  return {
    key: hash.slice(0, 16),
    description: {
      ...named,
      sha256: hash,
      title: manifest.model.title,
      threshold: manifest.threshold,
      riskLevels: manifest.riskLevels,
      featureNames: model.featureNames,
    },
    artifact,
    settings,
    fitted,
    cleaning,
    scorer: createScorer(artifact),
    explainer: createScoreExplainer(artifact, origin.source),
    computed: planFeatures(settings).features.map(({ feature }) => feature.name),
    identity,
    statesKey: sha256(
      canonicalJson([
        identity.layouts,
        cleaningOfStates(cleaning, [...entities, ...aggregates.map(({ of }) => ({ id: [of] }))]),
        ...idsOf(entities),
        ...unlabelled,
      ]),
    ),
    layoutKey: sha256(
      canonicalJson([identity.layouts, cleaningRules(cleaning, entities), ...idsOf(entities), ...unlabelled]),
    ),
  }
}

/** What names the entities of a bank's own: nothing where there are none, as in stores of before. */
const idsOf = (entities: readonly Entity[]): readonly object[] =>
  entities.length === 0 ? [] : [entities.map(({ name, id }) => ({ name, id }))]
