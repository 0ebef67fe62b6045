import { allVersions, findVersion } from '../artifacts/find-version.ts'
import { ARTIFACT_TAG } from '../artifacts/version-artifact.ts'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import { encodeDays } from '../drift/days-encoding.ts'
import { daysWithoutScores } from '../drift/days-without-scores.ts'
import { profileLayoutOf, scoreLayoutOf } from '../drift/profile-layout.ts'
import type { World } from '../foundation/world.ts'
import type { FeatureTable } from '../learning/feature-table.ts'
import type { ArtifactFiles } from '../model/artifact.ts'
import { deriveArtifact } from '../model/derive-artifact.ts'
import type { ReferenceProfile } from '../model/reference-profile.ts'
import { monitoredModel } from '../monitoring/monitored-model.ts'
import { registerArtifact } from '../pipelines/promotion/register-artifact.ts'
import type { ModelVersion } from '../ports/model-registry.ts'
import type { TrackingStore } from '../ports/tracking-store.ts'
import type { DerivedVersion, Episode, ThresholdProposal } from '../retraining/episode.ts'
import type { ProposedEpisode } from '../retraining/retraining-works.ts'

/** Kind of a version that is another one with another threshold (tag `vigia.kind`). */
const KIND = 'threshold'

/** Longest text of a tag: as much as people read. */
const MOST_TOLD = 500

export interface DerivedVersionOptions {
  readonly store: TrackingStore
  /** Registered name. */
  readonly model: string
  readonly experiment: string
  readonly champion: LoadedModel
  /** Rows that the ONNX file in floats is compared on: read when the version is not there yet. */
  readonly judgedOn: () => Promise<FeatureTable>
  readonly world: Pick<World, 'now'>
}

/**
 * The champion with the threshold and calibration of an episode's proposal, as a version of its own: made
 * and registered, or found where that was done before. Its tags say of which champion, why, and by which
 * look.
 */
export const derivedVersion = async (
  episode: ProposedEpisode,
  options: DerivedVersionOptions,
): Promise<DerivedVersion> => {
  const { store, model, experiment, champion, judgedOn, world } = options
  const { threshold, id } = episode
  const versions = await allVersions(store.registry, model)
  const found = versions.find(
    ({ tags }) =>
      tags['vigia.kind'] === KIND &&
      tags['vigia.retraining'] === id &&
      tags['vigia.threshold'] === String(threshold.threshold),
  )
  if (found !== undefined) return tellDerived(found)
  const made = await registerArtifact({
    store,
    model,
    experiment,
    runName: `threshold ${threshold.threshold} for ${threshold.champion}`,
    files: derivedArtifact(champion, threshold, await judgedOn(), episode),
    where: `${threshold.champion} with the threshold ${threshold.threshold}`,
    tags: {
      'vigia.kind': KIND,
      'vigia.model': champion.description.title,
      'vigia.derived_from': threshold.champion,
      'vigia.derived_from_sha256': champion.description.sha256,
      'vigia.trigger': episode.kind,
      'vigia.derived_why': episode.why.slice(0, MOST_TOLD),
      'vigia.threshold_before': String(threshold.present),
      'vigia.calibration': threshold.calibrationWhy.slice(0, MOST_TOLD),
      'vigia.retraining': id,
      'vigia.look': episode.lastLook,
      ...(await trainingDataOf(store, model, threshold)),
    },
    world,
  })
  return tellDerived(made)
}

const tellDerived = ({ name, version, tags }: ModelVersion): DerivedVersion => ({
  source: `models:/${name}/${version}`,
  version: String(version),
  key: tags[ARTIFACT_TAG]!.slice(0, 16),
})

/** The model has learnt from the rows that the champion has. */
const trainingDataOf = async (
  { registry }: TrackingStore,
  model: string,
  { champion }: ThresholdProposal,
): Promise<Readonly<Record<string, string>>> => {
  const prefix = `models:/${model}/`
  if (!champion.startsWith(prefix)) return {}
  const { tags } = await findVersion(registry, model, champion.slice(prefix.length))
  const learnt = tags['vigia.training_data_sha256']
  return learnt === undefined ? {} : { 'vigia.training_data_sha256': learnt }
}

/** The files of that artifact. What its features were like from day to day is what the champion's were. */
export const derivedArtifact = (
  champion: LoadedModel,
  { threshold, present, alertsPerDay, days, calibration, calibrationWhy }: ThresholdProposal,
  judgedOn: FeatureTable,
  { lastLook }: Pick<Episode, 'lastLook'>,
): ArtifactFiles => {
  const { artifact } = champion
  const daysFor = (reference: ReferenceProfile): Uint8Array => {
    const features = champion.scorer.featureNames
    const layout = profileLayoutOf(reference, { features, threshold })
    const { trainingDays } = monitoredModel(champion)
    return encodeDays(daysWithoutScores(trainingDays, layout, scoreLayoutOf(reference, threshold)))
  }
  return deriveArtifact(artifact, {
    threshold,
    thresholdChoice: `${alertsPerDay.toFixed(1)} alerts a day on ${days} days of decisions, by the look ${lastLook}; it was ${present}`,
    ...(calibration !== null && {
      calibration: { method: 'platt', slope: calibration.slope, intercept: calibration.intercept },
      calibrationChoice: calibrationWhy,
    }),
    judgedOn,
    ...(artifact.days !== undefined && { daysFor }),
  })
}
