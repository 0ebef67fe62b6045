import { isBeyond, LIMB, scaleOf, stepsOf, sumWith } from '../../../foundation/exact-sum.ts'
import { isTextAttribute } from '../../../transaction/attributes.ts'
import { NO_TOKEN } from '../../../transaction/token.ts'
import type { TransactionEvent } from '../../transaction-event.ts'
import { headWords, wordsOfWindow } from '../aggregates/aggregate-layout.ts'
import { SUM_WINDOW } from '../aggregates/sum-aggregate.ts'
import { ValueIndex } from '../aggregates/value-index.ts'
import { tokenIn } from '../dimension-token.ts'
import type { EntityState } from '../entity-state.ts'
import { squareOf } from '../exact-squares.ts'
import { AMOUNT_FIELD, HEADER, HEADER_WORDS, type StateLayout, TIME_FIELD, WINDOW } from '../layout.ts'
import type { AggregateReading, EntityReading, WindowReading } from '../reading.ts'
import { paidOf, UNLABELLED } from '../windows.ts'
import { PastSteps } from './past-steps.ts'
import { createStepLayout, STEP, STEP_SUM, type StepLayout } from './step-layout.ts'

/**
 * Windows beyond a full ring: what leaves it is counted in its step (`fold`), and what a window shows is what
 * it has in the ring and in whole steps before it (`describe`). States whose rings were never full have no
 * steps, and nothing here is asked.
 *
 * Definition: of a window (from, to] the ring has those from its oldest row on, exactly. Of those that have
 * left it, a step counts as a whole when its middle is in the window. So counts and sums are off by no more
 * than the half of a step at each edge of the window that lies before the ring.
 */
export class StepWindows {
  private readonly layout: StateLayout
  private readonly steps: StepLayout
  /** The dimensions as places in an event. */
  private readonly dimensions: readonly number[]
  /** Per attribute of the layout: where events have it, and whether it is a text. */
  private readonly attributes: readonly { readonly place: number; readonly isText: boolean }[]
  private readonly indexes: readonly (ValueIndex | undefined)[]
  /** Per aggregate: its attribute. */
  private readonly attributeOf: readonly number[]
  /** A row for a transaction that comes too late for the ring. */
  private readonly row: Float64Array
  private readonly pair = new Float64Array(2)

  constructor(layout: StateLayout, dimensions: readonly number[], event: TransactionEvent) {
    const { attributes, placed } = layout.aggregates
    this.layout = layout
    this.steps = createStepLayout(layout)
    this.dimensions = dimensions
    this.attributes = attributes.map((field) => ({
      place: event.allValues.findIndex(({ name }) => name === field.attribute),
      isText: isTextAttribute(field),
    }))
    this.indexes = attributes.map((field) =>
      field.headField < 0 ? undefined : new ValueIndex(layout, field),
    )
    this.attributeOf = placed.map(({ values }) => attributes.indexOf(values))
    this.row = new Float64Array(layout.fieldCount)
  }

  /** Counts the oldest row of the full ring of `state` in its step, as `event` is to come into the ring. */
  fold(state: EntityState, event: TransactionEvent): void {
    const { data, base } = state
    const { ringAt, fieldCount, dimensionField, labelField } = this.layout
    state.past ??= new PastSteps(this.layout, this.steps)
    const { past } = state
    const first = data[base + HEADER.first]!
    const at = base + ringAt + (first & (data[base + HEADER.ringCapacity]! - 1)) * fieldCount
    this.count(past, data, at, labelField < 0 ? UNLABELLED : data[at + labelField]!)
    const timeMs = data[at + TIME_FIELD]!
    for (let d = 0; d < this.dimensions.length; d++) {
      const token = data[at + dimensionField + d]!
      // A negative one stands in a later row too.
      if (token > 0 && token !== tokenIn(event, this.dimensions[d]!)) past.samples[d]!.add(token, timeMs)
    }
    this.steps.distinct.forEach((aggregate, i) => {
      const a = this.attributeOf[aggregate]!
      const value = data[at + this.layout.aggregates.attributes[a]!.valueField]!
      const isLatest = !Number.isNaN(value) && this.indexes[a]!.find(data, base, value) === first
      if (isLatest && value !== this.valueIn(event, a))
        past.samples[this.dimensions.length + i]!.add(value, timeMs)
    })
  }

  /** Counts a late transaction that is older than all rows of the full ring. `latest`: see `LateEvents`. */
  foldLate(state: EntityState, event: TransactionEvent, latest: Float64Array): void {
    const { data, base } = state
    const { attributes } = this.layout.aggregates
    state.past ??= new PastSteps(this.layout, this.steps)
    const { past } = state
    this.row[TIME_FIELD] = event.eventTimeMs
    this.row[AMOUNT_FIELD] = event.amountMinor
    for (let a = 0; a < attributes.length; a++) this.row[attributes[a]!.valueField] = this.valueIn(event, a)
    this.count(past, this.row, 0, UNLABELLED)
    for (let d = 0; d < this.dimensions.length; d++) {
      const token = tokenIn(event, this.dimensions[d]!)
      if (token !== NO_TOKEN && latest[d]! < data[base + HEADER.first]!)
        past.samples[d]!.add(token, event.eventTimeMs)
    }
    this.steps.distinct.forEach((aggregate, i) => {
      const a = this.attributeOf[aggregate]!
      const value = this.valueIn(event, a)
      if (this.indexes[a]!.find(data, base, value) < 0)
        past.samples[this.dimensions.length + i]!.add(value, event.eventTimeMs)
    })
  }

  /** The ring of `state` is to hold `event`, and so its values, which no sample counts then. */
  arrive({ past }: EntityState, event: TransactionEvent): void {
    if (past === undefined) return
    for (let d = 0; d < this.dimensions.length; d++)
      past.samples[d]!.remove(tokenIn(event, this.dimensions[d]!))
    const { distinct } = this.steps
    for (let i = 0; i < distinct.length; i++)
      past.samples[this.dimensions.length + i]!.remove(this.valueIn(event, this.attributeOf[distinct[i]!]!))
  }

  /** Windows have moved on to `t`: steps that none can need are forgotten, and all of them with the last. */
  expire(state: EntityState, t: number): void {
    if (state.past?.expire(t - this.layout.retentionMs) === false) state.past = undefined
  }

  /**
   * A label of a transaction that has left the ring reaches its step. `known` is what was told of it before
   * (null: nothing).
   *
   * @returns whether there is such a step
   */
  label({ past }: EntityState, eventTimeMs: number, isFraud: boolean | null, known: boolean | null): boolean {
    if (past === undefined || eventTimeMs > past.latestMs) return false
    const row = past.rowAt(eventTimeMs)
    if (row < 0) return false
    const { labelled: at } = this.steps
    const sum = (word: number): number => past.sum(word, row, row + 1)
    // What was told of a transaction that never came in here would count below nothing.
    const labelled = sum(at) + Number(isFraud !== null) - Number(known !== null)
    const kept = Math.min(Math.max(labelled, 0), sum(STEP.count))
    const frauds = sum(at + 1) + Number(isFraud === true) - Number(known === true)
    const keptFrauds = Math.min(Math.max(frauds, 0), kept)
    past.add(row, at, kept - sum(at))
    past.add(row, at + 1, keptFrauds - sum(at + 1))
    return true
  }

  /**
   * Adds to `reading`, which the windows of the block have filled, what they have in the steps of `past`.
   * They end at `t`.
   */
  describe(
    past: PastSteps,
    { data, base }: Pick<EntityState, 'data' | 'base'>,
    t: number,
    event: TransactionEvent,
    reading: EntityReading,
  ): void {
    const { windowWords, limits, needs } = this.layout
    const { labelled } = this.steps
    const end = past.endOf(t)
    for (let w = 0; w < reading.windows.length; w++) {
      const window = reading.windows[w]!
      // The ring has all of it.
      if (t - window.ms >= past.latestMs) continue
      const start = past.startOf(t - window.ms)
      const at = base + HEADER_WORDS + w * windowWords
      this.describeWindow(past, data, at, window, start, end, event.amountMinor)
      // The value at hand counts already: in the ring, or as a new one.
      for (let d = 0; d < this.dimensions.length; d++)
        window.distinct[d]! += past.samples[d]!.countIn(t - window.ms, t, tokenIn(event, this.dimensions[d]!))
    }
    const knownBy = t - limits.labelDelayMs
    const knownEnd = past.endOf(knownBy)
    for (let w = 0; w < reading.risk.length; w++) {
      const risk = reading.risk[w]!
      const start = past.startOf(knownBy - needs.riskWindows[w]!.ms)
      risk.labelled += past.sum(labelled, start, knownEnd)
      risk.frauds += past.sum(labelled + 1, start, knownEnd)
      risk.past = past
      risk.pastStart = start
      risk.pastEnd = knownEnd
    }
    this.describeAggregates(past, data, base, t, event, reading)
  }

  private describeWindow(
    past: PastSteps,
    data: Float64Array,
    at: number,
    window: WindowReading,
    start: number,
    end: number,
    amountMinor: number,
  ): void {
    const { squares, refunds, maximum } = this.steps
    window.count += past.sum(STEP.count, start, end)
    window.totalMinor += past.sum(STEP.totalMinor, start, end)
    if (squares >= 0) {
      const high = data[at + WINDOW.squaresHigh]! + past.sum(squares, start, end)
      const low = data[at + WINDOW.squaresLow]! + past.sum(squares + 1, start, end)
      window.squares = high * LIMB + low + squareOf(paidOf(amountMinor))
    }
    if (refunds >= 0) {
      window.refundCount += past.sum(refunds, start, end)
      window.refundTotalMinor += past.sum(refunds + 1, start, end)
    }
    if (maximum >= 0) window.maximumMinor = Math.max(window.maximumMinor, past.largest(maximum, start, end))
  }

  private describeAggregates(
    past: PastSteps,
    data: Float64Array,
    base: number,
    t: number,
    event: TransactionEvent,
    reading: EntityReading,
  ): void {
    const { placed } = this.layout.aggregates
    const end = past.endOf(t)
    let sampled = this.dimensions.length
    for (let i = 0; i < placed.length; i++) {
      const { keeps, windows, at, decimals } = placed[i]!
      if (keeps === 'share' || keeps === 'last') continue
      const word = this.steps.aggregates[i]!
      const value = this.valueIn(event, this.attributeOf[i]!)
      for (let w = 0; w < windows.length; w++) {
        const one = reading.aggregates[i]![w]!
        const fromMs = t - windows[w]!.ms
        const start = past.startOf(fromMs)
        const window = base + at + headWords(placed[i]!) + w * wordsOfWindow(placed[i]!)
        if (keeps === 'sum')
          this.describeSum(past, word, start, end, data, window, value, scaleOf(decimals ?? 0), one)
        else if (keeps === 'maximum') describeMaximum(past.largest(word, start, end), one)
        else one.value += past.samples[sampled]!.countIn(fromMs, t, value)
      }
      if (keeps === 'distinct') sampled++
    }
  }

  private describeSum(
    past: PastSteps,
    word: number,
    start: number,
    end: number,
    data: Float64Array,
    window: number,
    value: number,
    scale: number,
    reading: AggregateReading,
  ): void {
    const count = past.sum(word + STEP_SUM.count, start, end)
    if (count === 0) return
    const { pair } = this
    const steps = Number.isNaN(value) ? 0 : stepsOf(value, scale)
    const beyond = past.sum(word + STEP_SUM.beyond, start, end) + data[window + SUM_WINDOW.beyond]!
    pair[0] = data[window + SUM_WINDOW.high]! + past.sum(word + STEP_SUM.high, start, end)
    pair[1] = data[window + SUM_WINDOW.high + 1]! + past.sum(word + STEP_SUM.high + 1, start, end)
    reading.count += count
    reading.value = beyond === 0 && !isBeyond(steps) ? sumWith(pair, 0, steps) : Number.NaN
  }

  /** Counts the transaction of the ring row at `at` in its step. */
  private count(past: PastSteps, data: Float64Array, at: number, label: number): void {
    const { squares, refunds, labelled, maximum, aggregates } = this.steps
    const { attributes, placed } = this.layout.aggregates
    const amountMinor = data[at + AMOUNT_FIELD]!
    const paidMinor = paidOf(amountMinor)
    const row = past.open(data[at + TIME_FIELD]!)
    past.add(row, STEP.count, 1)
    past.add(row, STEP.totalMinor, paidMinor)
    if (squares >= 0) past.addSteps(row, squares, squareOf(paidMinor))
    if (refunds >= 0 && amountMinor < 0) {
      past.add(row, refunds, 1)
      past.add(row, refunds + 1, -amountMinor)
    }
    if (label !== UNLABELLED) {
      past.add(row, labelled, 1)
      past.add(row, labelled + 1, label)
    }
    if (maximum >= 0) past.raise(row, maximum, paidMinor)
    for (let i = 0; i < placed.length; i++) {
      const word = aggregates[i]!
      const value = data[at + attributes[this.attributeOf[i]!]!.valueField]!
      if (word < 0 || Number.isNaN(value)) continue
      if (placed[i]!.keeps === 'maximum') {
        past.raise(row, word, value)
        continue
      }
      const steps = stepsOf(value, scaleOf(placed[i]!.decimals ?? 0))
      past.add(row, word + STEP_SUM.count, 1)
      if (isBeyond(steps)) past.add(row, word + STEP_SUM.beyond, 1)
      else past.addSteps(row, word + STEP_SUM.high, steps)
    }
  }

  /** Value of attribute `a` of the layout; NaN: missing. */
  private valueIn({ values }: TransactionEvent, a: number): number {
    const { place, isText } = this.attributes[a]!
    const value = values[place]!
    return isText && value === NO_TOKEN ? Number.NaN : value
  }
}

const describeMaximum = (largest: number, reading: AggregateReading): void => {
  if (largest === Number.NEGATIVE_INFINITY) return
  if (!(reading.value >= largest)) reading.value = largest
}
