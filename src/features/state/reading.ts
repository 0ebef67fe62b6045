import { log } from '../../foundation/elementary/logarithm.ts'
import type { EntityKind } from '../../transaction/entity-kind.ts'
import { AMOUNT_FIELD, HEADER, type StateLayout, TIME_FIELD } from './layout.ts'
import type { PastSteps } from './steps/past-steps.ts'

/**
 * What one window `(t - w, t]` shows, the current transaction included. Amounts in minor units; total,
 * squares and maximum are those of payments.
 */
export class WindowReading {
  readonly name: string
  readonly ms: number
  /** Transactions: payments and refunds. */
  count = 0
  /** Refunds among them; 0 where none can come. */
  refundCount = 0
  /** Sum of the refunds' sizes, above 0. */
  refundTotalMinor = 0.5
  totalMinor = 0.5
  /** Sum of squared amounts: the others' exact sum rounded once, plus the current square. */
  squares = 0.5
  /** 0 without payments. */
  maximumMinor = 0.5
  /** Distinct values by position in the layout's dimensions. */
  readonly distinct: Float64Array

  constructor(name: string, ms: number, dimensions: number) {
    this.name = name
    this.ms = ms
    this.distinct = new Float64Array(dimensions)
  }
}

/** What one risk window `(t - delay - w, t - delay]` shows, of labels known by now. */
export class RiskReading {
  readonly name: string
  labelled = 0
  frauds = 0
  /** The ring's block, and the transactions of the window: those from `start` on, before `end`. */
  data: Float64Array = NO_WORDS
  base = 0
  start = 0
  end = 0
  /** What the window has beyond the ring: steps from `pastStart` on, before `pastEnd`. */
  past: PastSteps | undefined = undefined
  pastStart = 0
  pastEnd = 0
  private readonly layout: StateLayout | undefined

  /** @param layout of the states that are read; absent where nothing ever is */
  constructor(name: string, layout?: StateLayout) {
    this.name = name
    this.layout = layout
  }

  /**
   * Fills `run`: the frauds in a row among the window's known labels, from the latest back to the last
   * genuine transaction. Looks at the latest `RUN_ROWS` of the window and no further, so a merchant whose
   * labels never come costs no more than another. O(RUN_ROWS), O(length) where all labels are known.
   *
   * Beyond the ring it goes on by steps, a transaction of which counts as of the step's middle: to the first
   * one with a genuine transaction, whose frauds do not count. The amounts of such a run are unknown: NaN.
   */
  readRun(run: FraudRun): void {
    const { ringAt, fieldCount, labelField } = this.layout!
    const { data, base } = this
    const mask = data[base + HEADER.ringCapacity]! - 1
    const first = Math.max(this.start, this.end - RUN_ROWS)
    run.length = 0
    run.payments = 0
    run.totalMinor = 0
    run.beganMs = Number.NaN
    run.genuineMs = Number.NaN
    for (let sequence = this.end - 1; sequence >= first; sequence--) {
      const row = base + ringAt + (sequence & mask) * fieldCount
      const label = data[row + labelField]!
      if (label === 0) {
        run.genuineMs = data[row + TIME_FIELD]!
        return
      }
      if (label !== 1) continue
      const amountMinor = data[row + AMOUNT_FIELD]!
      if (amountMinor >= 0) {
        run.payments++
        run.totalMinor += amountMinor
      }
      run.length++
      run.beganMs = data[row + TIME_FIELD]!
    }
    if (this.past !== undefined && this.end - this.start < RUN_ROWS) this.readPastRun(this.past, run)
  }

  private readPastRun(past: PastSteps, run: FraudRun): void {
    const { labelled, ms } = past.layout
    for (let row = this.pastEnd - 1; row >= this.pastStart; row--) {
      const known = past.sum(labelled, row, row + 1)
      if (known === 0) continue
      const frauds = past.sum(labelled + 1, row, row + 1)
      const middleMs = past.beganMs(row) + ms / 2
      if (frauds < known) {
        run.genuineMs = middleMs
        return
      }
      run.length += frauds
      run.totalMinor = Number.NaN
      run.beganMs = middleMs
    }
  }
}

/** The frauds in a row that the latest known labels of a risk window are. */
export interface FraudRun {
  /** 0 when the latest known label is genuine, or none is known. */
  length: number
  /** How many of them are no refunds, and their amounts in minor units. */
  payments: number
  totalMinor: number
  /** Event time of its first fraud; NaN when there is none. */
  beganMs: number
  /** Event time of the genuine transaction before it; NaN when none is known. */
  genuineMs: number
}

/** Most transactions that a run of frauds is looked for in. */
export const RUN_ROWS = 256

const NO_WORDS = new Float64Array(0)

/** What one window of an aggregate shows, the current transaction included; of the last value, what was. */
export class AggregateReading {
  /** Values in the window: of sums and shares. */
  count = 0
  /** Sum in steps, largest, number of different ones, times of the value at hand, or the last value. */
  value = 0.5
}

/** What an entity remembers of one dimension, before the current transaction. */
export class DimensionReading {
  /** The current transaction has a value here. */
  hasValue = false
  /** Earlier transactions with the current value. */
  count = 0
  /** Earlier transactions with any value that is still remembered. */
  total = 0
  /** Distinct values ever seen. */
  ever = 0
  /** The current value is the commonest so far. */
  isUsual = false
  /** Counts of the remembered values: `counts[from, from + size)`. */
  counts: Float64Array = new Float64Array(0)
  from = 0
  size = 0

  /** 1 when the current value has not been seen before, else 0; NaN without a value. */
  isNew(): number {
    return this.hasValue ? (this.count === 0 ? 1 : 0) : Number.NaN
  }

  /** Share of the earlier transactions with any value that had this one, 0 for the first; NaN without one. */
  share(): number {
    return this.hasValue ? (this.total === 0 ? 0 : this.count / this.total) : Number.NaN
  }

  /** Shannon entropy of the remembered values, in nats: 0 for one value or none. */
  entropy(): number {
    if (this.size < 2) return 0
    let sum = 0
    for (let i = this.from; i < this.from + this.size; i++) {
      const count = this.counts[i]!
      sum += count < N_LOG_N.length ? N_LOG_N[count]! : count * log(count)
    }
    return Math.max(0, log(this.total) - sum / this.total)
  }
}

/** n log n for small n: the same doubles as computing them, without the logarithm. */
const N_LOG_N = Float64Array.from({ length: 1024 }, (_, n) => (n === 0 ? 0 : n * log(n)))

/**
 * What the state of one entity shows to a transaction: everything a feature may know of it. Filled anew for
 * each transaction; nothing in it lies in that transaction's future.
 */
export class EntityReading {
  readonly kind: EntityKind
  /** Earlier transactions of the entity, refunds among them, and the payments' amounts in minor units. */
  earlierCount = 0
  earlierRefundCount = 0
  /** NaN when it has left 2^53, beyond which sums are not exact. */
  earlierTotalMinor = 0.5
  earlierSquares = 0.5
  earlierMaximumMinor = 0.5
  /** Event time of the entity's first transaction; Infinity when this is the first. */
  firstTimeMs = 0.5
  /**
   * Event time and place of the transaction just before this one: the latest by event time, then arrival,
   * however long ago; for a late event, the latest at or before where its windows end of those still in the
   * ring. NaN when there is none.
   */
  lastTimeMs = 0.5
  lastLatitude = 0.5
  lastLongitude = 0.5
  /**
   * The transaction that this one says it reverses: whether it is still in the ring of its user, with time
   * and amount in minor units. Of before, when this one names none.
   */
  knowsOriginal = false
  originalTimeMs = 0.5
  originalMinor = 0.5
  readonly windows: readonly WindowReading[]
  readonly risk: readonly RiskReading[]
  readonly dimensions: readonly DimensionReading[]
  /** Per aggregate of the layout, one per window; one for the last value. */
  readonly aggregates: readonly (readonly AggregateReading[])[]

  constructor(layout: StateLayout) {
    this.kind = layout.kind
    const width = layout.needs.dimensions.length
    this.windows = layout.needs.windows.map(({ name, ms }) => new WindowReading(name, ms, width))
    this.risk = layout.needs.riskWindows.map(({ name }) => new RiskReading(name, layout))
    this.dimensions = layout.needs.dimensions.map(() => new DimensionReading())
    this.aggregates = layout.aggregates.placed.map(({ windows }) =>
      Array.from({ length: Math.max(1, windows.length) }, () => new AggregateReading()),
    )
  }
}
