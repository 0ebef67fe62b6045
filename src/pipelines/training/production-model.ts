import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { readArtifact } from '../../artifacts/artifact-folder.ts'
import type { FittedCleaning } from '../../dataset/cleaning.ts'
import { VigiaError } from '../../errors.ts'
import type { FittedFeatures } from '../../features/fitted-features.ts'
import { canonicalJson } from '../../foundation/canonical-json.ts'
import type { Artifact } from '../../model/artifact.ts'

/** What a run's features were computed with. */
export interface FeatureOrigin {
  /** Names of all computed features. */
  readonly names: readonly string[]
  readonly settings: { readonly features: unknown; readonly labels: unknown; readonly amounts?: unknown }
  readonly fitted: { readonly features: FittedFeatures; readonly cleaning: FittedCleaning }
}

/** The model in production, or why it cannot be compared on the run's rows. */
export type ProductionModel =
  | { readonly artifact: Artifact; readonly title: string }
  | { readonly reason: string }

/**
 * Loads the model in production to score the run's own test rows. The run's features are the model's only
 * when both were computed in the same way: with the same settings, vocabularies, bands and cleaning.
 * Otherwise its scores would be those of other inputs.
 *
 * `folder` is an artifact, or a run folder that holds one in `package/`.
 */
export const loadProduction = async (folder: string, origin: FeatureOrigin): Promise<ProductionModel> => {
  try {
    const artifact = await readArtifact(await artifactIn(folder))
    const reason = whyOtherFeatures(artifact, origin)
    return reason === undefined ? { artifact, title: artifact.manifest.model.title } : { reason }
  } catch (error) {
    if (!(error instanceof VigiaError)) throw error
    return { reason: error.message }
  }
}

/** Why the features of `origin` are not those that the model was trained on; undefined when they are. */
export const whyOtherFeatures = (
  { manifest }: Pick<Artifact, 'manifest'>,
  { names, settings, fitted }: FeatureOrigin,
): string | undefined => {
  const missing = manifest.features.names.filter((name) => !names.includes(name))
  if (missing.length > 0) return `this run does not compute its feature ${missing.join(', ')}`
  const differs = (a: unknown, b: unknown) => canonicalJson(a) !== canonicalJson(b)
  if (differs(manifest.featureSettings.features, settings.features))
    return 'its features were computed with other settings (features)'
  if (differs(manifest.featureSettings.labels, settings.labels))
    return 'its features were computed with other settings (labels)'
  if (differs(manifest.featureSettings.amounts ?? null, settings.amounts ?? null))
    return 'its amounts were read by other rules (amounts)'
  if (differs(manifest.fitted.features, fitted.features))
    return 'its vocabularies or amount bands were fitted on other training rows'
  if (differs(manifest.fitted.cleaning, fitted.cleaning))
    return 'its rows were cleaned with what other training rows say'
  return undefined
}

/** The file whose content says which artifact is in production; none where there is none. */
export const productionSources = async (folder: string): Promise<readonly string[]> => {
  const checksums = join(await artifactIn(folder), 'checksums.json')
  return (await stat(checksums).catch(() => undefined)) === undefined ? [] : [checksums]
}

const artifactIn = async (folder: string): Promise<string> => {
  const inside = join(folder, 'package')
  return (await stat(inside).catch(() => undefined))?.isDirectory() ? inside : folder
}
