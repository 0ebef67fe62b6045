import { cleanTransaction } from '../../src/dataset/cleaning.ts'
import { createDecider, type Decider } from '../../src/decisions/decider.ts'
import type { NamedKey } from '../../src/decisions/entities.ts'
import { type LogEntry, tokenOfLabel } from '../../src/decisions/log/log-record.ts'
import { copyStates } from '../../src/decisions/state-updates.ts'
import type { EntityStates } from '../../src/features/feature-engineer.ts'
import { encodeState } from '../../src/features/state/encoding.ts'
import type { EntityState } from '../../src/features/state/entity-state.ts'
import { readTransaction } from '../../src/features/transaction-event.ts'
import { stateName } from './owned-store.ts'
import { modelOf } from './served-model.ts'
import type { Site } from './site.ts'

/** A state as the log says it is. */
export interface TrueState {
  readonly kind: string
  readonly state: EntityState
  /** Last record that changed it, inclusive; 0: none. */
  applied: number
  /** Last record that it may name as its last one: a label that changed nothing in it, too. */
  touched: number
}

/** What a log says when it is carried out record by record, as training does. */
export interface Replay {
  readonly decider: Decider
  /** By the names of the store. */
  readonly states: ReadonlyMap<string, TrueState>
}

const deciders = new Map<boolean, Decider>()
const deciderOf = (unlabelled: boolean): Decider => {
  const known = deciders.get(unlabelled) ?? createDecider({ champion: modelOf(1, unlabelled) })
  deciders.set(unlabelled, known)
  return known
}

/** Carries out a log, and tells of every value in it that does not come out. */
export const replayHistory = (site: Site, entries: readonly LogEntry[]): Replay => {
  const decider = deciderOf(site.setup.unlabelled)
  const states = new Map<string, TrueState>()
  const replay = { decider, states }
  for (const entry of entries) {
    if (entry.kind === 'decision') replayDecision(site, replay, entry)
    else if (entry.kind === 'label') replayLabel(site, replay, entry)
    else replayExpiry(site, replay, entry)
  }
  return replay
}

type OpenReplay = Replay & { readonly states: Map<string, TrueState> }

const bring = ({ decider, states }: OpenReplay, keys: readonly NamedKey[]): TrueState[] =>
  keys.map((key) => {
    const name = stateName(key)
    const keeper = decider.engineer.keeperOf(key.kind)!
    const known = states.get(name) ?? { kind: key.kind, state: keeper.create(), applied: 0, touched: 0 }
    states.set(name, known)
    return known
  })

const statesOf = (keys: readonly NamedKey[], brought: readonly TrueState[]): EntityStates =>
  ({
    user: undefined,
    merchant: undefined,
    device: undefined,
    ...Object.fromEntries(keys.map(({ source }, i) => [source, brought[i]!.state])),
  }) as unknown as EntityStates

const replayDecision = (
  site: Site,
  replay: OpenReplay,
  entry: LogEntry & { readonly kind: 'decision' },
): void => {
  const { decider } = replay
  const { engineer } = decider
  const { sequence, decision, vector: logged } = entry
  const { transaction } = decision
  const keys = decider.keysOf(decider.entitiesOf(transaction))
  const isOld = decision.timing === 'too_old'
  const brought = bring(replay, keys)
  const states = statesOf(keys, brought)
  readTransaction(engineer.event, cleanTransaction(transaction, decider.models.champion.cleaning))
  const vector = new Float64Array(engineer.featureNames.length)
  if (engineer.createAllFeatures(isOld ? copyStates(engineer, states) : states, vector) === 'repeated')
    site.broken(`record ${sequence} decides on ${transaction.transactionId} again`)
  if (!isOld)
    for (const one of brought) {
      one.applied = sequence
      one.touched = sequence
    }
  for (const [f, name] of engineer.featureNames.entries())
    if (!Object.is(vector[f], logged[f])) {
      site.broken(`record ${sequence}: ${name} is ${logged[f]}, and the log gives ${vector[f]}`)
      break
    }
  checkScore(site, entry)
}

/** The probability is what the model gives for the vector that stands beside it. */
const checkScore = (
  site: Site,
  { sequence, decision, vector }: LogEntry & { readonly kind: 'decision' },
): void => {
  const model = [1, 2]
    .map((version) => modelOf(version, site.setup.unlabelled))
    .find(({ key }) => key === decision.model)
  if (model === undefined) {
    site.broken(`record ${sequence} names model ${decision.model}`)
    return
  }
  const input = Float64Array.from(model.scorer.featureNames, (name) => vector[model.computed.indexOf(name)]!)
  const probability = model.scorer.scoreOne(input)
  if (!Object.is(probability, decision.probability))
    site.broken(`record ${sequence}: the probability is ${decision.probability}, not ${probability}`)
}

const replayLabel = (
  site: Site,
  replay: OpenReplay,
  { sequence, label }: LogEntry & { readonly kind: 'label' },
): void => {
  const { decider } = replay
  const { eventTimeMs, isFraud } = label
  if (eventTimeMs === undefined) return
  const keys = decider.labelKeysOf(label)
  const brought = bring(replay, keys)
  let isApplied = false
  for (const [i, { source }] of keys.entries()) {
    const one = brought[i]!
    const event = { transactionToken: tokenOfLabel(label), eventTimeMs, isFraud }
    if (!decider.engineer.applyLabel({ [source]: one.state }, event)) continue
    isApplied = true
    one.applied = sequence
  }
  for (const one of bring(replay, decider.keysOf(label))) one.touched = sequence
  if (isApplied !== label.isApplied)
    site.broken(`record ${sequence} says that a label was ${label.isApplied ? '' : 'not '}applied`)
}

/** A state that has expired is that of an entity which was never seen. */
const replayExpiry = (
  site: Site,
  replay: OpenReplay,
  { sequence, repair: { kind, token }, words }: LogEntry & { readonly kind: 'repair' },
): void => {
  if (words.length > 0) site.broken(`record ${sequence} repairs a state, and nobody asked for it`)
  const [one] = bring(replay, [{ kind, token, source: kind }])
  one!.state.become(replay.decider.engineer.keeperOf(kind)!.create())
  one!.applied = sequence
  one!.touched = sequence
}

/** The bytes of a true state, as a store has them behind its number. */
export const bytesOf = ({ decider }: Replay, { kind, state }: TrueState): Uint8Array =>
  encodeState(decider.engineer.keeperOf(kind)!.layout, state)
