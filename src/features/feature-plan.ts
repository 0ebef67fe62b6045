import { distance } from 'fastest-levenshtein'
import { VigiaError } from '../errors.ts'
import { createTimeZone } from '../foundation/time-zone.ts'
import { type EntityKind, kindsOf, stateKindOf, stateKindsOf } from '../transaction/entity-kind.ts'
import { FEATURE_FAMILIES } from './families/index.ts'
import type {
  AskedAggregate,
  EntitySource,
  FamilyOptions,
  Feature,
  FeatureFamily,
  FeatureSource,
  FeatureSources,
  FittedLookup,
} from './feature.ts'
import type { FeatureSettings } from './feature-settings.ts'
import { Moment } from './moment.ts'
import type { AggregateNeed } from './state/aggregates/aggregate-layout.ts'
import { createStateLayout, type Dimension, type StateLayout, type StateNeeds } from './state/layout.ts'
import {
  AggregateReading,
  DimensionReading,
  EntityReading,
  RiskReading,
  WindowReading,
} from './state/reading.ts'
import { TransactionEvent } from './transaction-event.ts'

/** A chosen feature with its place in the vector and what it is computed from. */
export interface PlannedFeature {
  readonly feature: Feature
  readonly family: string
  readonly column: number
  readonly source: FeatureSource
}

/** Which features are computed, and what states they need. */
export interface FeaturePlan {
  readonly features: readonly PlannedFeature[]
  /**
   * Layout per kind, and per kind of states where sides share them; absent where no chosen feature reads one.
   * The user's is always there, where the bank knows users: it knows repeats.
   */
  readonly layouts: Readonly<Record<EntityKind, StateLayout | undefined>>
}

/**
 * Chooses features and derives what states must keep from what their `bind` asks for.
 *
 * @throws FEATURES_EXPRESSION_INVALID when a derived feature's expression fits no transaction
 * @throws FEATURES_AGGREGATE_INVALID when an aggregate is of no attribute, or of one that has none like it
 * @throws FEATURES_NAME_TAKEN when an attribute gives a feature a name that another has
 * @throws FEATURES_UNKNOWN when `include` or `exclude` names no feature or family
 * @throws FEATURES_MIXED_SOURCES when a feature reads the states of two entities
 */
export const planFeatures = (
  settings: FeatureSettings,
  families: readonly FeatureFamily[] = FEATURE_FAMILIES,
): FeaturePlan => {
  const { refunds, decimals } = settings.options.amounts
  const kinds = kindsOf(settings.options.entities)
  const { entities } = settings.options
  const asked = new Map(stateKindsOf(entities).map((kind) => [kind, new Asked(refunds)]))
  const askedOf = (kind: EntityKind): Asked => asked.get(stateKindOf(kind, entities))!
  const recorders = new Map(kinds.map((kind) => [kind, new Recorder(askedOf(kind))]))
  const recorderOf = (kind: EntityKind): Recorder => recorders.get(kind)!
  const sources: FeatureSources = {
    ...unfilledSources(settings.options),
    user: recorderOf('user'),
    merchant: recorderOf('merchant'),
    device: recorderOf('device'),
    entity: recorderOf,
  }
  const planned = chooseFeatures(settings, families).map(({ feature, family }) => {
    const before = kinds.map((kind) => recorderOf(kind).asked)
    feature.bind(sources)
    const read = kinds.filter((kind, index) => recorderOf(kind).asked !== before[index])
    if (read.length > 1) {
      throw new VigiaError('FEATURES_MIXED_SOURCES', { feature: feature.name, got: read.join(', ') })
    }
    return { feature, family, source: read[0] ?? 'transaction' }
  })
  const isKept = ({ source }: { readonly source: FeatureSource }): boolean =>
    !(settings.withoutUsers && source === 'user')
  const features = planned.filter(isKept).map((feature, column) => ({ ...feature, column }))
  const layouts: Record<EntityKind, StateLayout> = {}
  for (const kind of kinds) {
    if (kind === 'user' ? settings.withoutUsers : askedOf(kind).isNothing) continue
    const needs = { ...askedOf(kind).needs(settings.windowMs), ...(decimals !== 2 && { decimals }) }
    const states = stateKindOf(kind, entities)
    layouts[kind] = layouts[states] ??= createStateLayout(states, needs, settings.limits[kind]!)
  }
  return { features, layouts }
}

/**
 * All features, or those that `include` and `exclude` leave (a name, or `family.*`), in the families' order.
 */
const chooseFeatures = (
  { include, exclude, options }: FeatureSettings,
  families: readonly FeatureFamily[],
): { feature: Feature; family: string }[] => {
  const all = families.flatMap((family) =>
    family.features(options).map((feature) => ({ feature, family: family.name })),
  )
  assertUnique(all)
  const known = new Set([
    ...families.map(({ name }) => `${name}.*`),
    ...all.map(({ feature }) => feature.name),
  ])
  for (const [setting, names] of [
    ['include', include],
    ['exclude', exclude],
  ] as const) {
    for (const name of names) if (!known.has(name)) throw unknownFeature(setting, name, families, known)
  }
  const named = (names: readonly string[], { feature, family }: { feature: Feature; family: string }) =>
    names.includes(feature.name) || names.includes(`${family}.*`)
  return all.filter((entry) => (include.length === 0 || named(include, entry)) && !named(exclude, entry))
}

/** Columns of files differ in more than case: so do features. */
const assertUnique = (
  all: readonly { readonly feature: Pick<Feature, 'name'>; readonly family: string }[],
): void => {
  const seen = new Map<string, { readonly other: string; readonly otherFamily: string }>()
  for (const { feature, family } of all) {
    const key = feature.name.toLowerCase()
    const other = seen.get(key)
    if (other !== undefined)
      throw new VigiaError('FEATURES_NAME_TAKEN', { got: feature.name, family, ...other })
    seen.set(key, { other: feature.name, otherFamily: family })
  }
}

const unknownFeature = (
  setting: string,
  got: string,
  families: readonly FeatureFamily[],
  known: ReadonlySet<string>,
): VigiaError => {
  const nearest = [...known].sort((a, b) => distance(a, got) - distance(b, got))[0] ?? ''
  return new VigiaError('FEATURES_UNKNOWN', {
    setting,
    got,
    allowed: `${families.map(({ name }) => `${name}.*`).join(', ')} and the names of features`,
    suggestion: `: did you mean "${nearest}"?`,
  })
}

/** What the features of one kind of states asked for. */
class Asked {
  /** Nothing was: no such state is kept. */
  isNothing = true
  payments = false
  hasLife = false
  squares = false
  maximum = false
  coordinates = false
  readonly windows = new Set<string>()
  readonly riskWindows = new Set<string>()
  readonly dimensions = new Set<Dimension>()
  /** Each with the names of its windows, by a text that two that can be one have in common. */
  readonly aggregates = new Map<string, AskedAggregate & { readonly windows: Set<string> }>()
  private readonly canHaveRefunds: boolean

  constructor(canHaveRefunds: boolean) {
    this.canHaveRefunds = canHaveRefunds
  }

  needs(windowMs: ReadonlyMap<string, number>): StateNeeds {
    const named = (names: ReadonlySet<string>) =>
      [...names].map((name) => ({ name, ms: windowMs.get(name)! })).sort((a, b) => a.ms - b.ms)
    const aggregates = [...this.aggregates.keys()].sort().map((key): AggregateNeed => {
      const { window: _, windows, ...asked } = this.aggregates.get(key)!
      return { ...asked, windows: named(windows) }
    })
    return {
      windows: named(this.windows),
      riskWindows: named(this.riskWindows),
      life: this.hasLife,
      squares: this.squares,
      maximum: this.maximum,
      coordinates: this.coordinates,
      dimensions: [...this.dimensions].sort(),
      ...(this.payments && this.canHaveRefunds && { refunds: true }),
      ...(aggregates.length > 0 && { aggregates }),
    }
  }
}

/** Answers every request of one kind with an unfilled reading and remembers what was asked. */
class Recorder implements EntitySource {
  /** How often. */
  asked = 0
  private readonly of: Asked

  /** @param of remembers; both sides of an entity have the same one */
  constructor(of: Asked) {
    this.of = of
  }

  life(): EntityReading {
    this.ask().hasLife = true
    return new EntityReading(EMPTY_LAYOUT)
  }

  lifePayments(): EntityReading {
    this.of.payments = true
    return this.life()
  }

  lifeSquares(): EntityReading {
    this.of.squares = true
    return this.lifePayments()
  }

  lastPlace(): EntityReading {
    this.of.coordinates = true
    return this.life()
  }

  /** The ring has it, whatever else is asked. */
  reversal(): EntityReading {
    this.ask()
    return new EntityReading(EMPTY_LAYOUT)
  }

  window(name: string): WindowReading {
    this.ask().windows.add(name)
    return new WindowReading(name, 0, 0)
  }

  windowPayments(name: string): WindowReading {
    this.of.payments = true
    return this.window(name)
  }

  windowSquares(name: string): WindowReading {
    this.of.squares = true
    return this.windowPayments(name)
  }

  windowMaximum(name: string): WindowReading {
    this.of.maximum = true
    return this.window(name)
  }

  distinct(name: string, dimension: Dimension): () => number {
    this.dimension(dimension)
    this.window(name)
    return () => Number.NaN
  }

  dimension(dimension: Dimension): DimensionReading {
    this.ask().dimensions.add(dimension)
    return new DimensionReading()
  }

  risk(name: string): RiskReading {
    this.ask().riskWindows.add(name)
    return new RiskReading(name)
  }

  aggregate(asked: AskedAggregate): AggregateReading {
    const { aggregates } = this.ask()
    const key = aggregateKey(asked)
    const known = aggregates.get(key) ?? { ...asked, windows: new Set() }
    if (asked.window !== undefined) known.windows.add(asked.window)
    aggregates.set(key, known)
    return new AggregateReading()
  }

  private ask(): Asked {
    this.asked++
    this.of.isNothing = false
    return this.of
  }
}

/** What is kept once, whatever windows are asked of it. */
const aggregateKey = ({ attribute, keeps, decimals }: AskedAggregate): string =>
  [attribute, keeps, decimals ?? ''].join(' ')

const NO_NEEDS = {
  windows: [],
  riskWindows: [],
  life: false,
  squares: false,
  maximum: false,
  coordinates: false,
  dimensions: [],
}
const EMPTY_LAYOUT = createStateLayout('user', NO_NEEDS, {
  ringEvents: 4,
  dimensionValues: 4,
  latenessMs: 0,
  labelDelayMs: 0,
})

const unfilledSources = ({
  attributes,
  entities,
}: FamilyOptions): Pick<FeatureSources, 'transaction' | 'moment' | 'fitted'> => {
  const nothing = { code: () => Number.NaN, share: () => Number.NaN }
  const fitted: FittedLookup = { amountBand: () => 0, category: () => nothing }
  return {
    transaction: new TransactionEvent(attributes, entities),
    moment: new Moment(createTimeZone('UTC')),
    fitted,
  }
}
