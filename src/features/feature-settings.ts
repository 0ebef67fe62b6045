import type { FeaturesSettings } from '../config/sections/features.ts'
import type { LabelsSettings } from '../config/sections/labels.ts'
import { VigiaError } from '../errors.ts'
import { parseDuration } from '../foundation/duration.ts'
import { isTimeZone } from '../foundation/time-zone.ts'
import { AMOUNTS_ABOVE_ZERO, type AmountRules } from '../transaction/amount-rules.ts'
import type { EntityKind } from '../transaction/entity-kind.ts'
import type { FamilyOptions, KnownData } from './feature.ts'
import { type FittedFeatures, VOCABULARY_FIELDS } from './fitted-features.ts'
import type { NamedWindow, StateLimits } from './state/layout.ts'

/** The configuration of features, in the engine's own terms. */
export interface FeatureSettings {
  readonly timeZone: string
  readonly options: FamilyOptions
  /** Length in milliseconds by window name. */
  readonly windowMs: ReadonlyMap<string, number>
  readonly limits: Readonly<Record<EntityKind, StateLimits>>
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  readonly amountBands: number
  readonly vocabularySize: number
}

/**
 * Reads the `features` and `labels` sections of a checked configuration.
 *
 * @param amounts the rules by which the transactions are read: they say which features of amounts there are
 * @param known what there is to make features of (default: every category field, no attributes)
 * @throws FEATURES_TIME_ZONE_UNKNOWN when the runtime has no such zone
 */
export const readFeatureSettings = (
  features: FeaturesSettings,
  labels: LabelsSettings,
  amounts: AmountRules,
  known: KnownData = { categories: VOCABULARY_FIELDS, attributes: [] },
): FeatureSettings => {
  if (!isTimeZone(features.time_zone)) {
    throw new VigiaError('FEATURES_TIME_ZONE_UNKNOWN', { got: features.time_zone })
  }
  const windows = ascending(features.windows)
  const riskWindows = ascending(features.risk_windows)
  const limits = (ringEvents: number): StateLimits => ({
    ringEvents: powerOfTwoBelow(ringEvents),
    dimensionValues: powerOfTwoBelow(features.state.remembered_values),
    latenessMs: parseDuration(features.allowed_lateness),
    labelDelayMs: parseDuration(labels.delay),
  })
  return {
    timeZone: features.time_zone,
    options: {
      windows: windows.map(({ name }) => name),
      riskWindows: riskWindows.map(({ name }) => name),
      businessHours: features.business_hours,
      night: features.night,
      categories: known.categories,
      attributes: known.attributes,
      amounts,
    },
    windowMs: new Map([...windows, ...riskWindows].map(({ name, ms }) => [name, ms])),
    limits: {
      user: limits(features.state.user_transactions),
      merchant: limits(features.state.merchant_transactions),
      device: limits(features.state.device_transactions),
    },
    include: features.include,
    exclude: features.exclude,
    amountBands: features.amount_bands,
    vocabularySize: features.vocabulary_size,
  }
}

/** What the training data had, as it was fitted. */
export const knownData = ({ vocabularies, attributes = [] }: FittedFeatures): KnownData => ({
  categories: VOCABULARY_FIELDS.filter((name) => Object.hasOwn(vocabularies, name)),
  attributes,
})

/**
 * The settings that a model carries: those of its manifest or of its document beside a log. One that says
 * nothing of amounts is from when all of them were above 0.
 */
export const featureSettingsOfModel = (
  featureSettings: {
    readonly features: unknown
    readonly labels: unknown
    readonly amounts?: AmountRules | undefined
  },
  fitted: FittedFeatures,
): FeatureSettings =>
  readFeatureSettings(
    featureSettings.features as FeaturesSettings,
    featureSettings.labels as LabelsSettings,
    featureSettings.amounts ?? AMOUNTS_ABOVE_ZERO,
    knownData(fitted),
  )

const ascending = (names: readonly string[]): NamedWindow[] =>
  names.map((name) => ({ name, ms: parseDuration(name) })).sort((a, b) => a.ms - b.ms)

/** The largest power of two that is not above `limit`: ring and tables grow by doubling. */
const powerOfTwoBelow = (limit: number): number => 2 ** Math.floor(Math.log2(limit))
