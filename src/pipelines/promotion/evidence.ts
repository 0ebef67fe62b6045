import type { PromotionSettings } from '../../config/sections/promotion.ts'
import type { ModelVersion } from '../../ports/model-registry.ts'
import type { GateMeasurements, PromotionGateResult } from './gates.ts'
import type { MeasuredGates } from './measure-gates.ts'
import type { Promotion } from './promotion.ts'

/** What a promotion was decided on: an artifact of the log of decisions, as JSON. */
export interface PromotionEvidence extends GateMeasurements {
  readonly schema: 1
  readonly model: string
  readonly version: number
  readonly decision: Omit<Promotion, 'evidence'>
  readonly gates: readonly PromotionGateResult[]
  /** `promotion` of the configuration. */
  readonly settings: PromotionSettings
  /** The run that made the version; null where it was registered without one. */
  readonly run: { readonly id: string | null; readonly key: string | null }
  /**
   * SHA-256 of each source file by name, or `generated`; of all training rows as one, where the version has
   * it in its tags.
   */
  readonly data: { readonly files: unknown; readonly sha256: string | null }
  /** Of the code that trained it. */
  readonly codeVersion: string | null
}

export const promotionEvidence = (
  version: ModelVersion,
  decision: Omit<Promotion, 'evidence'>,
  gates: readonly PromotionGateResult[],
  { loaded, ...measured }: MeasuredGates,
  settings: PromotionSettings,
): PromotionEvidence => ({
  schema: 1,
  model: version.name,
  version: version.version,
  decision,
  gates,
  ...measured,
  settings,
  run: { id: version.runId ?? null, key: version.tags['vigia.run_key'] ?? null },
  data: { files: loaded?.manifest.data ?? null, sha256: version.tags['vigia.training_data_sha256'] ?? null },
  codeVersion: loaded?.manifest.codeVersion ?? null,
})
