import { FeatureEngineer, type FeaturePart } from '../../features/feature-engineer.ts'
import type { FeatureSettings } from '../../features/feature-settings.ts'
import type { FittedFeatures } from '../../features/fitted-features.ts'
import { encodeState } from '../../features/state/encoding.ts'
import { Arena, type EntityState } from '../../features/state/entity-state.ts'
import { HEADER } from '../../features/state/layout.ts'
import { StateTable } from '../../features/state/state-table.ts'
import { readRow } from '../../features/transaction-event.ts'
import type { EntityKind } from '../../transaction/entity-kind.ts'
import { BATCH_ROWS, type SharedBatch } from './shared-batch.ts'

/** What states counted while replaying; see `StateKeeper` for the meaning. */
export interface ReplayCounts {
  readonly entities: Readonly<Record<EntityKind, number>>
  readonly truncated: number
  readonly late: number
  readonly tooLate: number
}

/**
 * One worker's share of a replay.
 *
 * Merchants and devices are shared by users, so rows cannot be dealt out by user alone. But every feature reads the transaction
 * and the state of one entity: so each user, each merchant and each device belongs to one worker, every worker passes over
 * all rows in order, and computes the columns whose entity is its own. An entity's events keep their order, each value is
 * written once, and the result is the same for any number of workers.
 */
export class EntityShard {
  private readonly engineer: FeatureEngineer
  private readonly tables: Readonly<Record<EntityKind, StateTable>> = {
    user: new StateTable(),
    merchant: new StateTable(),
    device: new StateTable(),
  }
  private readonly index: number
  private readonly count: number

  /** Worker `index` of `count`. */
  constructor(settings: FeatureSettings, fitted: FittedFeatures, index: number, count: number) {
    this.engineer = new FeatureEngineer(settings, fitted, new Arena())
    this.index = index
    this.count = count
  }

  /** Computes this worker's values of a batch. */
  replay(batch: SharedBatch, rows: number, labels: number): void {
    for (const part of this.engineer.parts) {
      if (part.source === 'transaction') this.replayTransactions(part, batch, rows)
      else this.replayEntities(part, part.source, batch, rows, labels)
    }
  }

  /** Features of the transaction alone: rows are dealt out in turn. */
  private replayTransactions(part: FeaturePart, batch: SharedBatch, rows: number): void {
    const { event } = this.engineer
    const from = Math.floor((rows * this.index) / this.count)
    const to = Math.floor((rows * (this.index + 1)) / this.count)
    for (let row = from; row < to; row++) {
      readRow(event, batch.events, row)
      part.createFeatures(event, undefined, batch.vectors, row, BATCH_ROWS)
    }
  }

  private replayEntities(
    part: FeaturePart,
    kind: EntityKind,
    batch: SharedBatch,
    rows: number,
    labels: number,
  ): void {
    const { event } = this.engineer
    const tokens =
      batch.events[kind === 'user' ? 'userToken' : kind === 'merchant' ? 'merchantToken' : 'deviceToken']
    const { beforeRow } = batch.labels
    let label = 0
    for (let row = 0; row < rows; row++) {
      while (label < labels && beforeRow[label]! <= row) this.applyLabel(kind, batch, label++)
      const token = tokens[row]!
      if (token === 0) {
        // No such entity: the first worker says so.
        if (this.index === 0) part.createFeatures(event, undefined, batch.vectors, row, BATCH_ROWS)
      } else if (this.owns(token)) {
        readRow(event, batch.events, row)
        part.createFeatures(event, this.stateOf(kind, token), batch.vectors, row, BATCH_ROWS)
      }
    }
    while (label < labels) this.applyLabel(kind, batch, label++)
  }

  private applyLabel(kind: EntityKind, { labels }: SharedBatch, at: number): void {
    if (kind === 'user') return
    const token = (kind === 'merchant' ? labels.merchantToken : labels.deviceToken)[at]!
    const state = token !== 0 && this.owns(token) ? this.tables[kind].get(token) : undefined
    if (state === undefined) return
    this.engineer
      .keeperOf(kind)
      ?.label(state, labels.eventTimeMs[at]!, labels.transactionToken[at]!, labels.isFraud[at] === 1)
  }

  /** High bits of the hash choose the worker, low bits the place in its table. */
  private owns(token: number): boolean {
    return Math.floor(token / 0x1_0000_0000) % this.count === this.index
  }

  private stateOf(kind: EntityKind, token: number): EntityState {
    const table = this.tables[kind]
    const known = table.get(token)
    if (known !== undefined) return known
    const state = this.engineer.keeperOf(kind)!.create()
    table.add(token, state)
    return state
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
      entities: {
        user: this.tables.user.size,
        merchant: this.tables.merchant.size,
        device: this.tables.device.size,
      },
      truncated: sum(HEADER.truncated),
      late: sum(HEADER.late),
      tooLate: sum(HEADER.tooLate),
    }
  }

  /** All states of one kind, encoded, by ascending token. */
  *statesOf(kind: EntityKind): Generator<{ readonly token: number; readonly bytes: Uint8Array }> {
    const layout = this.engineer.keeperOf(kind)?.layout
    if (layout === undefined) return
    const entries = [...this.tables[kind].entries()].sort(([a], [b]) => a - b)
    for (const [token, state] of entries) yield { token, bytes: encodeState(layout, state) }
  }
}
