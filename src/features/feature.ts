import type { AmountRules } from '../transaction/amount-rules.ts'
import type { Attribute } from '../transaction/attributes.ts'
import type { Entity } from '../transaction/entities.ts'
import type { EntityKind } from '../transaction/entity-kind.ts'
import type { AggregateFeature } from './aggregates/aggregate-feature.ts'
import type { DerivedFeature } from './derived/derived-feature.ts'
import type { VocabularyField } from './fitted-features.ts'
import type { Moment } from './moment.ts'
import type { FeaturePhrase } from './phrase.ts'
import type { AggregateNeed } from './state/aggregates/aggregate-layout.ts'
import type { Dimension } from './state/layout.ts'
import type {
  AggregateReading,
  DimensionReading,
  EntityReading,
  RiskReading,
  WindowReading,
} from './state/reading.ts'
import type { TransactionEvent } from './transaction-event.ts'

/**
 * What a feature is computed from: the transaction alone (`transaction`), or it and the state of one entity,
 * by its kind.
 */
export type FeatureSource = EntityKind

/**
 * One feature: its record, and how to compute it.
 *
 * `bind` is called once and asks `sources` for what the feature needs; what it asks for is what states keep,
 * so needs are written nowhere else. The function it returns is called for each transaction after the
 * readings were filled. It is pure: it reads the readings and the transaction and nothing else. A feature may
 * read one entity only, because entities are replayed in parallel. NaN means missing; when the transaction
 * names no such entity, the value is NaN without a call.
 */
export interface Feature {
  /** snake_case, unique over all families. */
  readonly name: string
  /** One sentence, present tense. */
  readonly meaning: string
  readonly unit: string
  /**
   * `categorical`: values are codes without an order, non-negative integers of a fitted vocabulary, -1 for
   * what training did not know. Default `numeric`.
   */
  readonly kind?: 'numeric' | 'categorical'
  /** Least and greatest value; infinite where there is no bound. */
  readonly range: readonly [minimum: number, maximum: number]
  /** When it is missing or takes a conventional value, and which. */
  readonly missing: string
  /** How a value is told to a person. Told by its name when absent. */
  readonly phrase?: FeaturePhrase
  readonly bind: (sources: FeatureSources) => () => number
}

/** Features that belong together: one file each. */
export interface FeatureFamily {
  readonly name: string
  readonly title: string
  /** One sentence: what the family can see. */
  readonly meaning: string
  readonly features: (options: FamilyOptions) => readonly Feature[]
}

/** What the configuration lets a family choose. Window names are durations: `1h`, `7d`. */
export interface FamilyOptions {
  readonly windows: readonly string[]
  readonly riskWindows: readonly string[]
  /** From <= hour < to. */
  readonly businessHours: { readonly from: number; readonly to: number }
  readonly night: { readonly from: number; readonly to: number }
  /**
   * Which amounts there are, in the base currency where there is one; without refunds among them, no state
   * counts any.
   */
  readonly amounts: AmountRules
  readonly categories: KnownData['categories']
  /** Their values stand in an event in this order. */
  readonly attributes: KnownData['attributes']
  /** Their tokens stand in an event in this order. */
  readonly entities: KnownData['entities']
  readonly standardEntities: KnownData['standardEntities']
  /** Features by expression, in the order of the vector. */
  readonly derived: readonly DerivedFeature[]
  /** Aggregates of attributes, in the order of the vector. */
  readonly aggregates: readonly AggregateFeature[]
  /** Transactions may name what they reverse; absent: the source does not say it. */
  readonly reversals?: KnownData['reversals']
  /** Expressions are checked for it where it is known. */
  readonly foldsCategories?: KnownData['foldsCategories']
}

/** What there is to make features of, as it was found in the training data. */
export interface KnownData {
  /** Category fields with a fitted vocabulary, in the order of the vector. */
  readonly categories: readonly VocabularyField[]
  readonly attributes: readonly Attribute[]
  /** Entities of the bank's own. */
  readonly entities: readonly Entity[]
  /** What is computed of user, merchant and device beside their own families. */
  readonly standardEntities: readonly Entity[]
  /** The bank knows no users: nothing is computed of them. Absent: every transaction has one. */
  readonly withoutUsers?: boolean
  /** The source says of transactions what they reverse. */
  readonly reversals?: boolean
  /** Cleaning writes categories in one form. Absent: not known, because this is no training. */
  readonly foldsCategories?: boolean
}

/** Everything a feature can ask for. */
export interface FeatureSources {
  readonly transaction: TransactionEvent
  readonly moment: Moment
  readonly fitted: FittedLookup
  readonly user: EntitySource
  readonly merchant: EntitySource
  readonly device: EntitySource
  /** Of any kind. */
  entity(kind: EntityKind): EntitySource
}

/**
 * The state of one entity, as a feature asks for it. Each call returns an object that is filled anew per
 * transaction.
 */
export interface EntitySource {
  /** How many earlier transactions there are, and when the first and the last were. */
  life(): EntityReading
  /** The same, with how many of them are refunds, and the amounts of the payments. */
  lifePayments(): EntityReading
  /** `lifePayments` with sums of squares. */
  lifeSquares(): EntityReading
  /** `life` with the coordinates of the last transaction. */
  lastPlace(): EntityReading
  /** What the transaction says that it reverses, of those that a user's windows may still look at. */
  reversal(): EntityReading
  /** How many transactions are in `(t - w, t]`. */
  window(name: string): WindowReading
  /** The same, with count and total of the refunds among them, and the total of the payments. */
  windowPayments(name: string): WindowReading
  windowSquares(name: string): WindowReading
  windowMaximum(name: string): WindowReading
  /** Distinct values of a dimension in `(t - w, t]`, the current transaction's included. */
  distinct(name: string, dimension: Dimension): () => number
  /** Values of a dimension over all earlier transactions. */
  dimension(dimension: Dimension): DimensionReading
  /** Labels known by now in `(t - delay - w, t - delay]`. */
  risk(name: string): RiskReading
  /** What is kept of an attribute, in `(t - w, t]` where it has windows. */
  aggregate(asked: AskedAggregate): AggregateReading
}

/** One aggregate of an attribute in one window, by its name; without it, the last value. */
export interface AskedAggregate extends Omit<AggregateNeed, 'windows'> {
  readonly window?: string
}

/** Fitted parameters, ready to look up. */
export interface FittedLookup {
  /** Index of the amount band, from 0. */
  amountBand(amountMinor: number): number
  /** Of a category field or of an attribute, by name. */
  category(name: string): CategoryLookup
}

export interface CategoryLookup {
  /** Position in the vocabulary, commonest first; -1 for a value that training did not know; NaN for none. */
  code(token: number): number
  /** Share of the training transactions; 0 for a value that training did not know; NaN for none. */
  share(token: number): number
}
