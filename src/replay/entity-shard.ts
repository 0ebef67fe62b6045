import { FeatureEngineer, type FeaturePart } from '../features/feature-engineer.ts'
import type { FeatureSettings } from '../features/feature-settings.ts'
import type { FittedFeatures } from '../features/fitted-features.ts'
import { decodeState, encodeState } from '../features/state/encoding.ts'
import { Arena, type EntityState } from '../features/state/entity-state.ts'
import { HEADER } from '../features/state/layout.ts'
import { StateTable } from '../features/state/state-table.ts'
import {
  type EventShape,
  entityFieldAt,
  eventShapeOf,
  eventWidth,
  readRow,
} from '../features/transaction-event.ts'
import { powerOfTwoFrom } from '../foundation/elementary/whole-powers.ts'
import type { Entity } from '../transaction/entities.ts'
import {
  type ByKind,
  byKind,
  type EntityKind,
  type StandardKind,
  stateKindsOf,
} from '../transaction/entity-kind.ts'
import { BATCH_ROWS, LABEL, LABEL_WIDTH, labelInWord, labelWidth, type SharedBatch } from './shared-batch.ts'

const NONE = -1
/** Where a label has the token of a standard kind; labels do not concern users. */
const LABEL_TOKEN_AT: Readonly<Record<StandardKind, number>> = {
  user: NONE,
  merchant: LABEL.merchantToken,
  device: LABEL.deviceToken,
}

/** Most kinds that have the same states: the two sides of an entity. */
const MOST_SIDES = 2

/** The features of one kind of states, from each side that reads them: one, unless an entity has two. */
interface StatePart {
  readonly kind: EntityKind
  readonly sides: readonly StateSide[]
}

interface StateSide {
  readonly part: FeaturePart
  /** Where events and labels have the token; negative: labels do not concern it. */
  readonly tokenAt: number
  readonly labelTokenAt: number
}

/** What states counted while replaying; see `StateKeeper` for the meaning. */
export interface ReplayCounts {
  readonly entities: ByKind<number>
  readonly truncated: number
  readonly late: number
  readonly tooLate: number
}

/**
 * One worker's share of a replay.
 *
 * Merchants and devices are shared by users, so rows cannot be dealt out by user alone. But every feature
 * reads the transaction and the state of one entity: so each user, each merchant and each device belongs to
 * one worker, every worker passes over all rows in order, and computes the columns whose entity is its own.
 * An entity's events keep their order, each value is written once, and the result is the same for any number
 * of workers.
 */
export class EntityShard {
  private readonly blocks = new Arena()
  private readonly engineer: FeatureEngineer
  /** By kind of states; also of the standard kinds that no feature reads. */
  private readonly tables: Readonly<Record<EntityKind, StateTable>>
  private readonly own: readonly Entity[]
  private readonly transactions: readonly FeaturePart[]
  private readonly stateParts: readonly StatePart[]
  private readonly width: number
  private readonly eventWidth: number
  private readonly labelWidth: number
  private readonly index: number
  private readonly count: number
  /**
   * Chains of a batch: first item by place in the table, next item by item, and the places in use. Labels
   * follow rows.
   */
  private heads = new Int32Array(1024).fill(NONE)
  private readonly next = new Int32Array(2 * MOST_SIDES * BATCH_ROWS)
  private readonly touched = new Int32Array(2 * MOST_SIDES * BATCH_ROWS)

  /** Worker `index` of `count`. */
  constructor(settings: FeatureSettings, fitted: FittedFeatures, index: number, count: number) {
    this.engineer = new FeatureEngineer(settings, fitted, this.blocks)
    this.width = this.engineer.featureNames.length
    const { options } = settings
    this.own = options.entities
    const shape = eventShapeOf(options)
    this.eventWidth = eventWidth(shape)
    this.labelWidth = labelWidth(shape)
    this.transactions = this.engineer.parts.filter(({ source }) => source === 'transaction')
    this.stateParts = this.kinds
      .map((kind) => ({ kind, sides: this.sidesOf(kind, shape) }))
      .filter(({ sides }) => sides.length > 0)
    this.tables = Object.fromEntries(this.kinds.map((kind) => [kind, new StateTable()]))
    this.index = index
    this.count = count
  }

  /** Computes this worker's values of a batch. */
  replay(batch: SharedBatch, rows: number, labels: number): void {
    for (const part of this.transactions) this.replayTransactions(part, batch, rows)
    for (const part of this.stateParts) this.replayEntities(part, batch, rows, labels)
  }

  private sidesOf(states: EntityKind, shape: EventShape): readonly StateSide[] {
    const { own } = this
    return this.engineer.parts
      .filter(({ source }) => source !== 'transaction' && this.engineer.plan.layouts[source]!.kind === states)
      .map((part) => ({
        part,
        tokenAt: entityFieldAt(part.source, own, shape),
        labelTokenAt:
          LABEL_TOKEN_AT[part.source as StandardKind] ??
          LABEL_WIDTH + own.findIndex(({ name }) => name === part.source),
      }))
  }

  /** Features of the transaction alone: rows are dealt out in turn. */
  private replayTransactions(part: FeaturePart, batch: SharedBatch, rows: number): void {
    const { event } = this.engineer
    const from = Math.floor((rows * this.index) / this.count)
    const to = Math.floor((rows * (this.index + 1)) / this.count)
    for (let row = from; row < to; row++) {
      readRow(event, batch.events, row)
      part.createFeatures(event, undefined, batch.vectors, row * this.width)
    }
  }

  /**
   * Features of one kind of entity. A batch's events are chained by entity and each chain is followed at
   * once: an entity's events keep their order, from whatever side, and its state is fetched from memory once
   * a batch instead of once an event.
   */
  private replayEntities({ kind, sides }: StatePart, batch: SharedBatch, rows: number, labels: number): void {
    const { event } = this.engineer
    const table = this.tables[kind]!
    const chains = this.chainEvents(kind, sides, batch, rows, labels)
    const labelsFrom = sides.length * BATCH_ROWS
    for (let i = 0; i < chains; i++) {
      const place = this.touched[i]!
      const state = table.at(place)
      for (let item = this.heads[place]!; item !== NONE; item = this.next[item]!) {
        const row = item % BATCH_ROWS
        if (item < labelsFrom) {
          readRow(event, batch.events, row)
          sides[item < BATCH_ROWS ? 0 : 1]!.part.createFeatures(event, state, batch.vectors, row * this.width)
        } else {
          this.applyLabel(kind, state, batch.labels, row)
        }
      }
      this.heads[place] = NONE
    }
  }

  /**
   * Builds the chains, last event first, so that each ends up in order; returns how many entities were
   * touched. Items are events, numbered from each side in turn, and after them labels in the same way.
   */
  private chainEvents(
    kind: EntityKind,
    sides: readonly StateSide[],
    batch: SharedBatch,
    rows: number,
    labels: number,
  ): number {
    const { events, labels: labelRows } = batch
    const width = this.labelWidth
    let chains = 0
    const prepend = (token: number, item: number): void => {
      const place = this.placeOf(kind, token)
      if (place >= this.heads.length) this.growHeads(place)
      if (this.heads[place] === NONE) this.touched[chains++] = place
      this.next[item] = this.heads[place]!
      this.heads[place] = item
    }
    let label = labels - 1
    for (let row = rows - 1; row >= -1; row--) {
      // Labels before row + 1 come after this row.
      for (; label >= 0 && labelRows[label * width + LABEL.beforeRow]! > row; label--) {
        for (let s = sides.length - 1; s >= 0; s--) {
          const { labelTokenAt } = sides[s]!
          const token = labelTokenAt < 0 ? 0 : labelRows[label * width + labelTokenAt]!
          if (token !== 0 && this.owns(token)) prepend(token, (sides.length + s) * BATCH_ROWS + label)
        }
      }
      if (row < 0) break
      for (let s = sides.length - 1; s >= 0; s--) {
        const { part, tokenAt } = sides[s]!
        const token = events[row * this.eventWidth + tokenAt]!
        if (token === 0) {
          // No such entity: the first worker says so.
          if (this.index === 0)
            part.createFeatures(this.engineer.event, undefined, batch.vectors, row * this.width)
        } else if (this.owns(token)) {
          prepend(token, s * BATCH_ROWS + row)
        }
      }
    }
    return chains
  }

  private applyLabel(kind: EntityKind, state: EntityState, labels: Float64Array, index: number): void {
    const at = index * this.labelWidth
    const { isFraud, known } = labelInWord(labels[at + LABEL.isFraud]!)
    this.engineer
      .keeperOf(kind)
      ?.label(state, labels[at + LABEL.eventTimeMs]!, labels[at + LABEL.transactionToken]!, isFraud, known)
  }

  private growHeads(place: number): void {
    const heads = new Int32Array(powerOfTwoFrom(place + 2)).fill(NONE)
    heads.set(this.heads)
    this.heads = heads
  }

  /** High bits of the hash choose the worker, low bits the place in its table. */
  private owns(token: number): boolean {
    return this.count === 1 || Math.floor(token / 0x1_0000_0000) % this.count === this.index
  }

  private placeOf(kind: EntityKind, token: number): number {
    const table = this.tables[kind]!
    const place = table.find(token)
    return place >= 0 ? place : table.add(token, this.engineer.keeperOf(kind)!.create())
  }

  /** Kinds of states: the standard ones, and those of the bank's own. */
  get kinds(): readonly EntityKind[] {
    return stateKindsOf(this.own)
  }

  counts(): ReplayCounts {
    const sum = (word: number): number => {
      let total = 0
      for (const table of Object.values(this.tables)) {
        for (const [, { data, base }] of table.entries()) total += data[base + word]!
      }
      return total
    }
    return {
      entities: byKind(this.kinds, (kind) => this.tables[kind]!.size),
      truncated: sum(HEADER.truncated),
      late: sum(HEADER.late),
      tooLate: sum(HEADER.tooLate),
    }
  }

  /**
   * Takes over a state of an earlier replay, unless it belongs to another worker or no feature reads its
   * kind.
   *
   * @throws FEATURES_STATE_INCOMPATIBLE, FEATURES_STATE_CORRUPT
   */
  addState(kind: EntityKind, { token, bytes }: { readonly token: number; readonly bytes: Uint8Array }): void {
    const keeper = this.engineer.keeperOf(kind)
    if (keeper === undefined || !this.owns(token)) return
    const entity = `${kind} ${token.toString(16)}`
    this.tables[kind]!.add(token, decodeState(keeper.layout, this.blocks, bytes, entity))
  }

  /** All states of one kind, encoded, by ascending token. */
  *statesOf(kind: EntityKind): Generator<{ readonly token: number; readonly bytes: Uint8Array }> {
    const layout = this.engineer.keeperOf(kind)?.layout
    if (layout === undefined) return
    const entries = [...this.tables[kind]!.entries()].sort(([a], [b]) => a - b)
    for (const [token, state] of entries) yield { token, bytes: encodeState(layout, state) }
  }
}
