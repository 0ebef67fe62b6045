import { type Calibration, calibrate } from '../learning/calibration/calibration.ts'
import { rawUpTo } from '../learning/calibration/raw-up-to.ts'
import type { FeatureTable } from '../learning/feature-table.ts'
import { type Artifact, type ArtifactFiles, encodeArtifact } from './artifact.ts'
import { onnxFilesOf } from './onnx/onnx-files.ts'
import type { ReferenceProfile } from './reference-profile.ts'
import { rescaledProfile } from './rescaled-profile.ts'

/** What a derived artifact has otherwise. */
export interface ArtifactChanges {
  readonly threshold: number
  /** How it was chosen, for people. */
  readonly thresholdChoice: string
  /** Undefined: that of the artifact stays. */
  readonly calibration?: Calibration
  readonly calibrationChoice?: string
  /** Rows that the ONNX file in floats is compared on, in the order of the model's features. */
  readonly judgedOn: FeatureTable
  /** `days.bin` for that threshold, in the bins of this reference; left out: it says nothing of days. */
  readonly daysFor?: (reference: ReferenceProfile) => Uint8Array
}

/**
 * The files of an artifact that has the same model, features and states, and another threshold and perhaps
 * another calibration: whoever serves the one goes on with the other from the same states.
 *
 * Risk levels stay as they are: they are for people, and decide nothing. Of figures it says nothing, since
 * those of its training were of the threshold before.
 *
 * @throws CANONICAL_JSON_UNSUPPORTED for numbers that are not finite
 */
export const deriveArtifact = (
  { manifest, model, reference }: Artifact,
  { threshold, thresholdChoice, calibration, calibrationChoice, judgedOn, daysFor }: ArtifactChanges,
): ArtifactFiles => {
  const { schema: _, features, onnx: __, reference: ___, ...kept } = manifest
  const present = calibration ?? manifest.calibration
  const rebinned =
    calibration === undefined ? reference : rescored(reference, manifest.calibration, calibration)
  const days = daysFor?.(rebinned)
  return encodeArtifact({
    manifest: {
      ...kept,
      threshold,
      thresholdChoice,
      calibration: present,
      calibrationChoice: calibrationChoice ?? manifest.calibrationChoice,
      metrics: {},
    },
    model,
    categorical: features.categorical,
    ...onnxFilesOf(model, present, threshold, judgedOn),
    reference: rebinned,
    ...(days !== undefined && { days }),
  })
}

/** What scores were like, on the scale of another calibration. */
const rescored = (reference: ReferenceProfile, before: Calibration, after: Calibration): ReferenceProfile => {
  const rescale = (probability: number): number => calibrate(after, rawUpTo(before, probability))
  const { part, profile } = reference.score
  return { ...reference, score: { part, profile: rescaledProfile(profile, rescale) } }
}
