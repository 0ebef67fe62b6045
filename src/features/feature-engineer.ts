import { createTimeZone } from '../foundation/time-zone.ts'
import { type EntityKind, kindsOf } from '../transaction/entity-kind.ts'
import type { AskedAggregate, EntitySource, FeatureFamily, FeatureSource, FeatureSources } from './feature.ts'
import { type FeaturePlan, planFeatures } from './feature-plan.ts'
import type { FeatureSettings } from './feature-settings.ts'
import type { FittedFeatures } from './fitted-features.ts'
import { createFittedLookup } from './fitted-lookup.ts'
import { Moment } from './moment.ts'
import type { AggregateNeed } from './state/aggregates/aggregate-layout.ts'
import { slotOf, tokenIn } from './state/dimension-token.ts'
import type { BlockAllocator, EntityState } from './state/entity-state.ts'
import type { Dimension, StateLayout } from './state/layout.ts'
import { EntityReading } from './state/reading.ts'
import { type TakeSide, takeSideOf } from './state/sides.ts'
import { StateKeeper } from './state/state-keeper.ts'
import { TransactionEvent } from './transaction-event.ts'

/**
 * The states of the entities that a transaction names; absent where it names none or no feature reads one.
 */
export interface EntityStates {
  /** Absent only where the bank knows no users. */
  readonly user: EntityState | undefined
  readonly [kind: EntityKind]: EntityState | undefined
}

/**
 * `created`: the vector was emitted. `repeated`: this transaction came before; nothing was emitted and
 * nothing changed.
 */
export type Outcome = 'created' | 'repeated'

/** What became known of a transaction, as the engine takes it. */
export interface LabelEvent {
  readonly transactionToken: number
  readonly eventTimeMs: number
  /** Null: nobody knows any more. */
  readonly isFraud: boolean | null
  /** What states were told of it before; null or absent: nothing. Counts once it has left a full ring. */
  readonly known?: boolean | null | undefined
}

/**
 * Computes features in exactly one way: read state, emit features, advance state.
 *
 * Training replays history through it, serving calls it once per request, and both get the same bits, because
 * what they call is the same function on the same state. Fill `event`, hand in the states of its entities,
 * take the vector.
 */
export class FeatureEngineer {
  readonly plan: FeaturePlan
  readonly featureNames: readonly string[]
  /** The transaction at hand: fill it with `readTransaction` or `readRow` before each call. */
  readonly event: TransactionEvent
  /** One part per source of features: the transaction itself, then each kind of entity. */
  readonly parts: readonly FeaturePart[]
  private readonly keepers: Readonly<Record<EntityKind, StateKeeper | undefined>>
  /** Kinds that have a keeper, in the order in which their states advance; both sides of an entity. */
  readonly kinds: readonly EntityKind[]
  private readonly slots: Readonly<Record<EntityKind, number>>

  constructor(
    settings: FeatureSettings,
    fitted: FittedFeatures,
    blocks: BlockAllocator,
    families?: readonly FeatureFamily[],
  ) {
    this.plan = families === undefined ? planFeatures(settings) : planFeatures(settings, families)
    const { attributes, entities, reversals } = settings.options
    this.event = new TransactionEvent(attributes, entities, reversals)
    this.featureNames = this.plan.features.map(({ feature }) => feature.name)
    const moment = new Moment(createTimeZone(settings.timeZone))
    const { layouts } = this.plan
    this.kinds = kindsOf(entities).filter((kind) => layouts[kind] !== undefined)
    this.slots = Object.fromEntries(this.kinds.map((kind) => [kind, slotOf(kind, entities)]))
    const keepers: Record<EntityKind, StateKeeper> = {}
    const readings: Record<EntityKind, EntityReading> = {}
    for (const kind of this.kinds) {
      keepers[kind] = new StateKeeper(layouts[kind]!, blocks, this.event)
      readings[kind] = new EntityReading(layouts[kind]!)
      keepers[layouts[kind]!.kind] ??= keepers[kind]!
    }
    this.keepers = keepers
    const sourceOf = (kind: EntityKind): EntitySource => new BoundSource(readings[kind], layouts[kind])
    const sources: FeatureSources = {
      transaction: this.event,
      moment,
      fitted: createFittedLookup(fitted),
      user: sourceOf('user'),
      merchant: sourceOf('merchant'),
      device: sourceOf('device'),
      entity: sourceOf,
    }
    const emittersOf = (source: FeatureSource): Emitter[] =>
      this.plan.features
        .filter((planned) => planned.source === source)
        .map(({ feature, column }) => ({ column, value: feature.bind(sources) }))
    this.parts = [
      new TransactionPart(emittersOf('transaction'), moment),
      ...this.kinds.map(
        (kind) =>
          new EntityPart(
            kind,
            emittersOf(kind),
            { keeper: keepers[kind]!, reading: readings[kind]! },
            takeSideOf(kind, entities),
          ),
      ),
    ]
  }

  /** The keeper of a kind, or of a kind of states; undefined where no chosen feature reads one. */
  keeperOf(kind: EntityKind): StateKeeper | undefined {
    return this.keepers[kind]
  }

  /** The token of the entity of `kind` that `event` names; `NO_TOKEN` when it names none. */
  entityToken(kind: EntityKind): number {
    return tokenIn(this.event, this.slots[kind]!)
  }

  /**
   * Emits all features of `event` into `vector[0, features)` and advances the states.
   *
   * A transaction that the user's state still remembers is `repeated`. What late events see, see
   * `StateKeeper`.
   */
  createAllFeatures(states: EntityStates, vector: Float64Array): Outcome {
    const { user } = states
    if (user !== undefined && this.keepers['user']?.hasSeen(user, this.event.transactionToken))
      return 'repeated'
    for (const part of this.parts) {
      const state = part.source === 'transaction' ? undefined : states[part.source]
      part.createFeatures(this.event, state, vector, 0)
    }
    return 'created'
  }

  /**
   * Emits all features of `event` into `vector[0, features)` and leaves the history as it is: for a model
   * that is watched and does not decide. The states must have the layouts of this engine's plan.
   */
  readFeatures(states: EntityStates, vector: Float64Array): void {
    for (const part of this.parts) {
      const state = part.source === 'transaction' ? undefined : states[part.source]
      part.readFeatures(this.event, state, vector, 0)
    }
  }

  /**
   * Records a label in the states that need it, by kind or by kind of states.
   *
   * @returns whether any state still had the transaction
   */
  applyLabel(states: Partial<EntityStates>, label: LabelEvent): boolean {
    let found = false
    for (const kind of Object.keys(states)) {
      const state = states[kind]
      const keeper = this.keepers[kind]
      if (state === undefined || keeper === undefined || keeper.layout.labelField < 0) continue
      if (keeper.label(state, label.eventTimeMs, label.transactionToken, label.isFraud, label.known))
        found = true
    }
    return found
  }
}

interface Emitter {
  readonly column: number
  readonly value: () => number
}

/**
 * The features of one source. A part reads nothing of another, so parts and entities can be replayed side by
 * side.
 */
export interface FeaturePart {
  readonly source: FeatureSource
  /** Columns of the vector that this part fills. */
  readonly columns: readonly number[]
  /** Reads and emits into `out[at + column]`. Without a state (no such entity) its features are NaN. */
  readFeatures(event: TransactionEvent, state: EntityState | undefined, out: Float64Array, at: number): void
  /** Reads, emits, advances. */
  createFeatures(event: TransactionEvent, state: EntityState | undefined, out: Float64Array, at: number): void
}

class TransactionPart implements FeaturePart {
  readonly source = 'transaction'
  readonly columns: readonly number[]
  private readonly values: readonly (() => number)[]
  private readonly moment: Moment

  constructor(emitters: readonly Emitter[], moment: Moment) {
    this.columns = emitters.map(({ column }) => column)
    this.values = emitters.map(({ value }) => value)
    this.moment = moment
  }

  readFeatures(
    event: TransactionEvent,
    _state: EntityState | undefined,
    out: Float64Array,
    at: number,
  ): void {
    this.moment.moveTo(event.eventTimeMs)
    for (let i = 0; i < this.values.length; i++) out[at + this.columns[i]!] = this.values[i]!()
  }

  createFeatures(
    event: TransactionEvent,
    state: EntityState | undefined,
    out: Float64Array,
    at: number,
  ): void {
    this.readFeatures(event, state, out, at)
  }
}

class EntityPart implements FeaturePart {
  readonly source: EntityKind
  readonly columns: readonly number[]
  private readonly values: readonly (() => number)[]
  private readonly keeper: StateKeeper
  private readonly reading: EntityReading
  private readonly takeSide: TakeSide | undefined

  constructor(
    source: EntityKind,
    emitters: readonly Emitter[],
    { keeper, reading }: { readonly keeper: StateKeeper; readonly reading: EntityReading },
    takeSide: TakeSide | undefined,
  ) {
    this.source = source
    this.takeSide = takeSide
    this.columns = emitters.map(({ column }) => column)
    this.values = emitters.map(({ value }) => value)
    this.keeper = keeper
    this.reading = reading
  }

  readFeatures(event: TransactionEvent, state: EntityState | undefined, out: Float64Array, at: number): void {
    if (state === undefined) {
      for (const column of this.columns) out[at + column] = Number.NaN
      return
    }
    this.takeSide?.(event)
    this.keeper.read(state, event, this.reading)
    for (let i = 0; i < this.values.length; i++) out[at + this.columns[i]!] = this.values[i]!()
  }

  createFeatures(
    event: TransactionEvent,
    state: EntityState | undefined,
    out: Float64Array,
    at: number,
  ): void {
    this.readFeatures(event, state, out, at)
    if (state !== undefined) this.keeper.advance(state, event)
  }
}

/**
 * Hands features the readings that the keeper fills. The plan has made sure that everything asked for is
 * there.
 */
class BoundSource implements EntitySource {
  private readonly reading: EntityReading
  private readonly dimensionNames: readonly Dimension[]
  private readonly aggregates: readonly AggregateNeed[]

  constructor(reading: EntityReading | undefined, layout: StateLayout | undefined) {
    // Where no feature reads the kind, nothing is ever asked.
    this.reading = reading as EntityReading
    this.dimensionNames = layout?.needs.dimensions ?? []
    this.aggregates = layout?.needs.aggregates ?? []
  }

  life = (): EntityReading => this.reading
  lifePayments = (): EntityReading => this.reading
  lifeSquares = (): EntityReading => this.reading
  lastPlace = (): EntityReading => this.reading
  reversal = (): EntityReading => this.reading
  window = (name: string) => this.reading.windows.find((window) => window.name === name)!
  windowPayments = this.window
  windowSquares = this.window
  windowMaximum = this.window
  risk = (name: string) => this.reading.risk.find((window) => window.name === name)!
  dimension = (dimension: Dimension) => this.reading.dimensions[this.dimensionNames.indexOf(dimension)]!
  distinct = (name: string, dimension: Dimension) => {
    const { distinct } = this.window(name)
    const at = this.dimensionNames.indexOf(dimension)
    return () => distinct[at]!
  }
  aggregate = ({ attribute, keeps, decimals, window }: AskedAggregate) => {
    const at = this.aggregates.findIndex(
      (kept) => kept.attribute === attribute && kept.keeps === keeps && kept.decimals === decimals,
    )
    const place = this.aggregates[at]!.windows.findIndex(({ name }) => name === window)
    return this.reading.aggregates[at]![Math.max(0, place)]!
  }
}
