import { cleanTransaction, type FittedCleaning } from '../../src/dataset/cleaning.ts'
import { type LogEntry as PredictionLogEntry, tokenOfLabel } from '../../src/decisions/log/log-record.ts'
import {
  type EntityStates,
  FeatureEngineer,
  type LabelEvent,
  type Outcome,
} from '../../src/features/feature-engineer.ts'
import type { FeatureSettings } from '../../src/features/feature-settings.ts'
import type { FittedFeatures } from '../../src/features/fitted-features.ts'
import { decodeState, encodeState } from '../../src/features/state/encoding.ts'
import { Arena, type EntityState } from '../../src/features/state/entity-state.ts'
import { HEADER } from '../../src/features/state/layout.ts'
import { readTransaction } from '../../src/features/transaction-event.ts'
import { type EntityKind, stateKindOf } from '../../src/transaction/entity-kind.ts'
import { NO_TOKEN, tokenOf } from '../../src/transaction/token.ts'
import type { Transaction } from '../../src/transaction/transaction.ts'
import type { LogEntry } from './naive-features.ts'

/** Nothing is changed but what the rules of amounts convert. */
const NO_CLEANING: FittedCleaning = { version: 1, foldCategories: false, fill: {}, amountCapMinor: null }

/** The engine with one state per entity in maps: the simplest thing that can carry it through a log. */
export class EngineDriver {
  readonly engineer: FeatureEngineer
  readonly vector: Float64Array
  private readonly blocks = new Arena()
  private readonly cleaning: FittedCleaning
  private readonly states: Record<EntityKind, Map<number, EntityState>>
  /** What was told last of a transaction. */
  private readonly told = new Map<number, boolean | null>()

  constructor(settings: FeatureSettings, fitted: FittedFeatures) {
    const { base, decimals } = settings.amounts
    this.cleaning = { ...NO_CLEANING, ...(base !== undefined && { amounts: { base, decimals } }) }
    this.engineer = new FeatureEngineer(settings, fitted, this.blocks)
    this.vector = new Float64Array(this.engineer.featureNames.length)
    this.states = Object.fromEntries(this.stateKinds.map((kind) => [kind, new Map()]))
  }

  /** Emits the features of `engineer.event`, which the caller has filled, into `vector`. */
  emit(): Outcome {
    const { engineer } = this
    const states = Object.fromEntries(
      engineer.kinds.map((kind) => [kind, this.stateOf(kind, engineer.entityToken(kind))]),
    ) as unknown as EntityStates
    return engineer.createAllFeatures(states, this.vector)
  }

  /** Delivers a label to the entities it concerns. */
  label(tokens: Readonly<Partial<Record<EntityKind, number>>>, label: LabelEvent): void {
    const states: Record<EntityKind, EntityState> = {}
    for (const kind of this.engineer.kinds) {
      const state = this.stateOf(kind, tokens[kind] ?? NO_TOKEN)
      if (state) states[kind] = state
    }
    this.engineer.applyLabel(states, label)
  }

  /** Carries one entry of a log; a copy of the vector, `repeated`, or nothing for a label. */
  take(entry: LogEntry): Float64Array | 'repeated' | undefined {
    if ('transaction' in entry) {
      readTransaction(this.engineer.event, cleanTransaction(entry.transaction, this.cleaning))
      return this.emit() === 'repeated' ? 'repeated' : this.vector.slice()
    }
    const { labelOf } = entry
    const transactionToken = tokenOf(labelOf.transactionId)
    const known = this.told.get(transactionToken) ?? null
    const { eventTimeMs } = labelOf
    this.label(this.tokensOf(labelOf), { transactionToken, eventTimeMs, isFraud: entry.isFraud, known })
    this.told.set(transactionToken, entry.isFraud)
    return undefined
  }

  /**
   * Carries one record of a prediction log: its vector as it should be; undefined for a label, and a
   * repetition.
   */
  takeLogged(entry: PredictionLogEntry): Float64Array | undefined {
    if (entry.kind === 'decision') {
      readTransaction(this.engineer.event, entry.decision.transaction)
      return this.emit() === 'repeated' ? undefined : this.vector
    }
    if (entry.kind === 'repair') {
      if (entry.words.length > 0) throw new Error('the oracle keeps no states that could be repaired')
      // It has expired.
      const { kind, token } = entry.repair
      this.states[kind]!.set(token, this.engineer.keeperOf(kind)!.create())
      return undefined
    }
    const { userId, merchantId, deviceId, own, eventTimeMs, isFraud } = entry.label
    if (eventTimeMs === undefined) return undefined
    this.label(
      { user: tokenOf(userId), merchant: tokenOf(merchantId), device: tokenOf(deviceId), ...own },
      { transactionToken: tokenOfLabel(entry.label), eventTimeMs, isFraud },
    )
    return undefined
  }

  /** Writes every state to bytes and goes on with what is read back. */
  sleepAndWake(): void {
    for (const [kind, token, state] of this.entries()) {
      const { layout } = this.engineer.keeperOf(kind)!
      this.states[kind]!.set(token, decodeState(layout, this.blocks, encodeState(layout, state), kind))
    }
  }

  /** Puts the state of an entity that was never seen in the place of every one that `isOver`. */
  beginAnew(isOver: (kind: EntityKind, token: number, watermarkMs: number) => boolean): number {
    let count = 0
    for (const [kind, token, { data, base }] of this.entries()) {
      if (!isOver(kind, token, data[base + HEADER.watermark]!)) continue
      this.states[kind]!.set(token, this.engineer.keeperOf(kind)!.create())
      count++
    }
    return count
  }

  /** The states that `transaction` names, by kind of states. */
  statesOf(transaction: Transaction): readonly { readonly kind: EntityKind; readonly token: number }[] {
    const { entities } = this.engineer.event
    return Object.entries(this.tokensOf(transaction)).map(([kind, token]) => ({
      kind: stateKindOf(kind, entities),
      token,
    }))
  }

  /** All states as text, to see whether anything changed. */
  fingerprint(): string {
    return [...this.entries()]
      .map(([kind, token, state]) => {
        const bytes = encodeState(this.engineer.keeperOf(kind)!.layout, state)
        return `${kind} ${token} ${Buffer.from(bytes).toString('base64')}`
      })
      .join('\n')
  }

  /** Sum over all states of a header word: what was truncated, late, too late. */
  counted(word: 'truncated' | 'late' | 'tooLate'): number {
    return [...this.entries()].reduce((total, [, , { data, base }]) => total + data[base + HEADER[word]]!, 0)
  }

  private get stateKinds(): readonly EntityKind[] {
    const { entities } = this.engineer.event
    return [...new Set(this.engineer.kinds.map((kind) => stateKindOf(kind, entities)))]
  }

  private entries(): [EntityKind, number, EntityState][] {
    return this.stateKinds.flatMap((kind) =>
      [...this.states[kind]!].map(([token, state]): [EntityKind, number, EntityState] => [
        kind,
        token,
        state,
      ]),
    )
  }

  /** Of the entities that learn labels. */
  private tokensOf(transaction: Transaction): Record<EntityKind, number> {
    const { engineer } = this
    readTransaction(engineer.event, transaction)
    return Object.fromEntries(engineer.kinds.map((kind) => [kind, engineer.entityToken(kind)]))
  }

  private stateOf(kind: EntityKind, token: number): EntityState | undefined {
    const keeper = this.engineer.keeperOf(kind)
    if (token === NO_TOKEN || keeper === undefined) return undefined
    const states = this.states[stateKindOf(kind, this.engineer.event.entities)]!
    const known = states.get(token)
    if (known) return known
    const state = keeper.create()
    states.set(token, state)
    return state
  }
}

/** Vectors of all transactions of `log`, in order; labels have none. */
export const driveEngine = (
  log: readonly LogEntry[],
  settings: FeatureSettings,
  fitted: FittedFeatures,
  after: (driver: EngineDriver, index: number) => void = () => {},
): { readonly driver: EngineDriver; readonly vectors: (Float64Array | 'repeated')[] } => {
  const driver = new EngineDriver(settings, fitted)
  const vectors: (Float64Array | 'repeated')[] = []
  log.forEach((entry, index) => {
    const vector = driver.take(entry)
    if (vector !== undefined) vectors.push(vector)
    after(driver, index)
  })
  return { driver, vectors }
}
