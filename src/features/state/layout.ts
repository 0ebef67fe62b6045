import { murmurHash52 } from '../../foundation/murmur-hash.ts'
import type { EntityKind } from '../../transaction/entity-kind.ts'
import { type AggregateNeed, type AggregatesLayout, placeAggregates } from './aggregates/aggregate-layout.ts'
import type { NamedWindow } from './named-window.ts'

/**
 * A property of past transactions whose values an entity remembers, with how often each occurred: `category`,
 * `location`, or another entity by its kind.
 */
export type Dimension = string

/** What the features of one entity kind ask its state to keep. */
export interface StateNeeds {
  /** Windows `(t - w, t]` with count and total of payments, ascending. */
  readonly windows: readonly NamedWindow[]
  /** Windows `(t - delay - w, t - delay]` with labelled and fraudulent transactions, ascending. */
  readonly riskWindows: readonly NamedWindow[]
  /** Counts and amounts of all earlier transactions. */
  readonly life: boolean
  /** Sums of squared amounts, for standard deviations. */
  readonly squares: boolean
  /** Largest amounts. */
  readonly maximum: boolean
  /** The coordinates of the last transaction. */
  readonly coordinates: boolean
  readonly dimensions: readonly Dimension[]
  /**
   * Refunds apart from payments. Absent, not false, where none can come: a layout is known by its needs, and
   * those of states from before there were refunds do not name them.
   */
  readonly refunds?: true
  /** Decimals of the minor units that amounts stand in; absent for 2, as they always were. */
  readonly decimals?: number
  /** Aggregates of attributes, in the order of their names; absent without any, as in states from before. */
  readonly aggregates?: readonly AggregateNeed[]
}

/** Declared bounds of one entity's state, and the times that say what may be forgotten. */
export interface StateLimits {
  /**
   * Most transactions in the ring; at the bound the oldest leaves its windows early and `truncated` counts
   * it.
   */
  readonly ringEvents: number
  /** Most values remembered per dimension; at the bound the one unseen longest is forgotten. */
  readonly dimensionValues: number
  /** How far behind the entity's latest event an event may arrive and still be placed exactly. */
  readonly latenessMs: number
  /** The time until a label is known. */
  readonly labelDelayMs: number
  /**
   * Gap after which an entity is begun anew. Absent, not Infinity, where it never is: a layout is known by
   * its limits, and those of states from before do not name it.
   */
  readonly forgetAfterMs?: number
}

/**
 * Where everything stands in the state of one entity: a block of 64-bit floats
 *
 *     [ header | windows | risk windows | dimension headers | refunds | aggregates |
 *       ring: capacity x fields | tables: 3 x capacity each ]
 *
 * All sums are of integers and stay below 2^53, or have two words, so each is exact whatever the order. The
 * ring holds recent transactions in event-time order, one row each (a transaction is read and evicted as a
 * whole, so its fields share a cache line); sequence number `s` stands in row `s mod capacity`.
 */
export interface StateLayout {
  readonly kind: EntityKind
  readonly needs: StateNeeds
  readonly limits: StateLimits
  /** 52 bits that identify this layout; equal hashes mean interchangeable states. */
  readonly schemaHash: number
  /** An event this much older than the entity's latest can no longer matter. */
  readonly retentionMs: number
  /**
   * A transaction that comes longer after the entity's latest one begins a new state; at least `retentionMs`.
   * Infinity: never.
   */
  readonly forgetAfterMs: number
  readonly windowWords: number
  /** Where a window counts its refunds, from the window's start; -1: not kept. Their total follows. */
  readonly windowRefunds: number
  /** Where the refunds of all time are counted, from the block's base; -1: not kept. */
  readonly lifeRefundsAt: number
  readonly riskAt: number
  readonly dimensionsAt: number
  readonly ringAt: number
  /** Number of ring fields, and the index of each (-1: not kept). */
  readonly fieldCount: number
  readonly labelField: number
  readonly greaterField: number
  readonly stackField: number
  readonly latitudeField: number
  readonly longitudeField: number
  readonly dimensionField: number
  readonly aggregates: AggregatesLayout
}

/** Version of the meaning of the words; part of the schema hash. */
const STATE_VERSION = 1

/** Words of the header, in order. */
export const HEADER = {
  schema: 0,
  /** Sequence number of the oldest transaction in the ring. */
  first: 1,
  /** Sequence number the next transaction gets. */
  next: 2,
  ringCapacity: 3,
  /** Event time of the latest transaction so far; -Infinity before the first. */
  watermark: 4,
  /** Event time of the earliest transaction ever. */
  firstTime: 5,
  /** Transactions ever, in arrival order, and the amounts of payments; kept only where `life` is needed. */
  count: 6,
  totalMinor: 7,
  squaresHigh: 8,
  squaresLow: 9,
  maximumMinor: 10,
  latitude: 11,
  longitude: 12,
  /** First transaction younger than `now - delay`: those before it may count in risk windows. */
  riskHead: 13,
  /** Where the next label is expected. */
  labelCursor: 14,
  truncated: 15,
  late: 16,
  tooLate: 17,
} as const
export const HEADER_WORDS = 18

/**
 * Words of one window: where it starts in the ring, then its aggregates; distinct counts follow, then
 * refunds.
 */
export const WINDOW = {
  start: 0,
  totalMinor: 1,
  squaresHigh: 2,
  squaresLow: 3,
  maximumAt: 4,
  distinct: 5,
} as const

/** Words of one risk window. */
export const RISK = { start: 0, labelled: 1, frauds: 2 } as const
export const RISK_WORDS = 3

/**
 * Words of one dimension's header: values remembered, room, index of the commonest, values ever, sum of the
 * counts, and one more than the last place in the ring that a forgotten value can have.
 */
export const DIMENSION = { size: 0, capacity: 1, usual: 2, ever: 3, total: 4, forgotten: 5 } as const
export const DIMENSION_WORDS = 6

/** Ring fields every state has. */
export const TIME_FIELD = 0
export const AMOUNT_FIELD = 1
export const ID_FIELD = 2

export const createStateLayout = (kind: EntityKind, needs: StateNeeds, limits: StateLimits): StateLayout => {
  let fieldCount = 3
  const field = (kept: boolean): number => (kept ? fieldCount++ : -1)
  const labelField = field(needs.riskWindows.length > 0)
  const greaterField = field(needs.maximum)
  const stackField = field(needs.maximum)
  const latitudeField = field(needs.coordinates)
  const longitudeField = field(needs.coordinates)
  const dimensionField = fieldCount
  fieldCount += needs.dimensions.length

  const windowRefunds = needs.refunds ? WINDOW.distinct + needs.dimensions.length : -1
  const windowWords = WINDOW.distinct + needs.dimensions.length + (needs.refunds ? 2 : 0)
  const riskAt = HEADER_WORDS + needs.windows.length * windowWords
  const dimensionsAt = riskAt + needs.riskWindows.length * RISK_WORDS
  const afterDimensions = dimensionsAt + needs.dimensions.length * DIMENSION_WORDS
  const lifeRefundsAt = needs.refunds && needs.life ? afterDimensions : -1
  const wanted = needs.aggregates ?? []
  const aggregates = placeAggregates(wanted, fieldCount, afterDimensions + (lifeRefundsAt < 0 ? 0 : 1))
  const windows = [...needs.windows, ...wanted.flatMap((one) => one.windows)]
  const longestWindowMs = Math.max(0, ...windows.map(({ ms }) => ms))
  const longestRiskMs =
    needs.riskWindows.length > 0
      ? limits.labelDelayMs + Math.max(...needs.riskWindows.map(({ ms }) => ms))
      : 0
  const retentionMs = Math.max(longestWindowMs, longestRiskMs) + limits.latenessMs
  const description = JSON.stringify([STATE_VERSION, kind, needs, limits])
  const bytes = new TextEncoder().encode(description)
  return {
    kind,
    needs,
    limits,
    schemaHash: murmurHash52(bytes, 0, bytes.length),
    retentionMs,
    forgetAfterMs: Math.max(limits.forgetAfterMs ?? Number.POSITIVE_INFINITY, retentionMs),
    windowWords,
    windowRefunds,
    lifeRefundsAt,
    riskAt,
    dimensionsAt,
    ringAt: aggregates.end,
    fieldCount: aggregates.fieldCount,
    labelField,
    greaterField,
    stackField,
    latitudeField,
    longitudeField,
    dimensionField,
    aggregates,
  }
}
