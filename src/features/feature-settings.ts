import type { FeaturesSettings } from '../config/sections/features.ts'
import type { LabelsSettings } from '../config/sections/labels.ts'
import { VigiaError } from '../errors.ts'
import { parseDuration } from '../foundation/duration.ts'
import { binaryExponent, powerOfTwo } from '../foundation/elementary/whole-powers.ts'
import { isTimeZone } from '../foundation/time-zone.ts'
import { AMOUNTS_ABOVE_ZERO, type AmountRules, featureAmounts } from '../transaction/amount-rules.ts'
import type { Entity } from '../transaction/entities.ts'
import { ENTITY_KINDS, type EntityKind, type StandardKind } from '../transaction/entity-kind.ts'
import { readAggregates } from './aggregates/aggregate-feature.ts'
import { readDerived } from './derived/derived-feature.ts'
import type { FamilyOptions, KnownData } from './feature.ts'
import { type FittedFeatures, VOCABULARY_FIELDS } from './fitted-features.ts'
import type { StateLimits } from './state/layout.ts'
import type { NamedWindow } from './state/named-window.ts'

/** The configuration of features, in the engine's own terms. */
export interface FeatureSettings {
  readonly timeZone: string
  /** By which transactions are read; those in `options` are of what features see. */
  readonly amounts: AmountRules
  readonly options: FamilyOptions
  /** Length in milliseconds by window name. */
  readonly windowMs: ReadonlyMap<string, number>
  /**
   * Transactions of which nobody tells a label within the delay are genuine from then on; absent: unknown.
   */
  readonly unlabelled?: 'genuine_after_delay'
  /** There are no states of users, and no features of them. */
  readonly withoutUsers?: boolean
  /** By kind of entity: the standard ones, and those of the bank's own. */
  readonly limits: Readonly<Record<StandardKind, StateLimits> & Record<EntityKind, StateLimits>>
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  readonly amountBands: number
  readonly vocabularySize: number
}

/** Every category field, and nothing of the bank's own. */
export const ALL_FIELDS: KnownData = {
  categories: VOCABULARY_FIELDS,
  attributes: [],
  entities: [],
  standardEntities: [],
}

/**
 * Reads the `features` and `labels` sections of a checked configuration.
 *
 * @param amounts the rules by which the transactions are read: they say which features of amounts there are
 * @param known what there is to make features of (default: every category field, nothing of the bank's own)
 * @throws FEATURES_TIME_ZONE_UNKNOWN when the runtime has no such zone
 * @throws FEATURES_DERIVED_INVALID when a derived feature has a name that it may not have
 * @throws FEATURES_AGGREGATE_INVALID when an aggregate has a name or a setting that it may not have
 */
export const readFeatureSettings = (
  features: FeaturesSettings,
  labels: LabelsSettings,
  amounts: AmountRules,
  known: KnownData = ALL_FIELDS,
): FeatureSettings => {
  if (!isTimeZone(features.time_zone)) {
    throw new VigiaError('FEATURES_TIME_ZONE_UNKNOWN', { got: features.time_zone })
  }
  const windows = ascending(features.windows)
  const riskWindows = ascending(features.risk_windows)
  const aggregates = readAggregates(features.aggregates, { ...known, windows: features.windows })
  const ownWindows = ascending([
    ...[...known.entities, ...known.standardEntities].flatMap((one) => [...one.windows, ...one.riskWindows]),
    ...aggregates.flatMap((one) => one.windows),
  ])
  const limits = (ringEvents: number): StateLimits => ({
    ringEvents: powerOfTwoBelow(ringEvents),
    dimensionValues: powerOfTwoBelow(features.state.remembered_values),
    latenessMs: parseDuration(features.allowed_lateness),
    labelDelayMs: parseDuration(labels.delay),
    ...forgetAfter(features.state.forget_after),
  })
  return {
    timeZone: features.time_zone,
    amounts,
    options: {
      windows: windows.map(({ name }) => name),
      riskWindows: riskWindows.map(({ name }) => name),
      businessHours: features.business_hours,
      night: features.night,
      categories: known.categories,
      attributes: known.attributes,
      amounts: featureAmounts(amounts),
      entities: known.entities,
      standardEntities: known.standardEntities,
      derived: readDerived(features.derived),
      aggregates,
      ...(known.reversals && { reversals: true }),
      ...(known.foldsCategories && { foldsCategories: true }),
    },
    windowMs: new Map([...windows, ...riskWindows, ...ownWindows].map(({ name, ms }) => [name, ms])),
    limits: {
      user: limits(features.state.user_transactions),
      merchant: limits(features.state.merchant_transactions),
      device: limits(features.state.device_transactions),
      ...Object.fromEntries(known.entities.map(({ name, transactions }) => [name, limits(transactions)])),
    },
    include: features.include,
    exclude: features.exclude,
    ...(labels.unlabelled === 'genuine_after_delay' && { unlabelled: labels.unlabelled }),
    ...(known.withoutUsers && { withoutUsers: true }),
    amountBands: features.amount_bands,
    vocabularySize: features.vocabulary_size,
  }
}

/** Of models from before it was a setting, nothing is said. */
const forgetAfter = (text: string | undefined): Pick<StateLimits, 'forgetAfterMs'> =>
  text === undefined || text === 'never' ? {} : { forgetAfterMs: parseDuration(text) }

/** What the training data had, as it was fitted. */
export const knownData = ({
  vocabularies,
  attributes = [],
  entities = [],
  withoutUsers,
  reversals,
}: FittedFeatures): KnownData => ({
  categories: VOCABULARY_FIELDS.filter((name) => Object.hasOwn(vocabularies, name)),
  attributes,
  ...splitEntities(entities),
  withoutUsers: withoutUsers === true,
  ...(reversals && { reversals }),
})

/** Entities of the bank's own apart from what is added to the standard ones. */
export const splitEntities = (
  entities: readonly Entity[],
): Pick<KnownData, 'entities' | 'standardEntities'> => {
  const isStandard = ({ name }: Entity): boolean => ENTITY_KINDS.includes(name as StandardKind)
  return {
    entities: entities.filter((entity) => !isStandard(entity)),
    standardEntities: entities.filter(isStandard),
  }
}

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
const powerOfTwoBelow = (limit: number): number => powerOfTwo(binaryExponent(limit))
