import { cleanTransaction } from '../../dataset/cleaning.ts'
import { VigiaError } from '../../errors.ts'
import type { EntityStates } from '../../features/feature-engineer.ts'
import { readTransaction } from '../../features/transaction-event.ts'
import { nextTurn } from '../../foundation/next-turn.ts'
import type { LogPosition, LogRecord, PredictionLog } from '../../ports/prediction-log.ts'
import type { Receipt, StateStore } from '../../ports/state-store.ts'
import { type DecisionEntry, type DecisionReceipt, receiptOf, type ServedModelName } from '../decided.ts'
import type { Decider } from '../decider.ts'
import { decisionId, historyLabelId, type LabelReceipt, labelId, waitingId } from '../decision-receipt.ts'
import type { InferenceObserver } from '../inference-pipeline.ts'
import { labelReceiptOf, waitingReceiptOf } from '../labels.ts'
import { decodeLogEntry, type LabelEntry, type LogEntry, tokenOfLabel } from '../log/log-record.ts'
import { type Repaired, takeRepaired } from '../log/repaired-state.ts'
import { copyStates } from '../state-updates.ts'
import { hasOwnKinds, isLabelOf, type LayoutOfStates } from '../states/layout-of-states.ts'
import type { DueLabels } from './due-labels.ts'
import { type Frontier, readFrontier } from './frontier.ts'
import type { HeldState } from './held-state.ts'
import type { OwnedLabels } from './owned-labels.ts'
import type { Receipts } from './receipts.ts'
import type { StateCache } from './state-cache.ts'
import type { UnsavedStates } from './unsaved-states.ts'
import type { WaitingLabels } from './waiting-labels.ts'

/** What is needed to take in a record: states and receipts. */
export interface TakeParts {
  readonly cache: StateCache
  readonly unsaved: UnsavedStates
  readonly receipts: Receipts
  readonly waiting: Pick<WaitingLabels, 'reopen' | 'keep' | 'forget'>
  readonly labels: Pick<OwnedLabels, 'arrived' | 'settleWaiting'>
  /** Those that decide at the moment. */
  readonly decider: () => Decider
  /** The model of a log record's key. */
  readonly nameOf: (key: string) => Promise<ServedModelName>
  readonly layout: LayoutOfStates
  readonly observer: InferenceObserver
  /** Who is told at the moment; undefined: nobody. */
  readonly beforeDecision?: (() => BeforeDecision | undefined) | undefined
}

/**
 * Told of a decision at its place in the log, while no state that it concerns has it: what they are then is
 * what features of it are computed from. It leaves them as they are, and waits for nothing.
 */
export type BeforeDecision = (
  record: Pick<LogRecord, 'sequence' | 'position'>,
  decision: DecisionEntry,
  states: EntityStates,
) => void

export interface LogReplayParts extends TakeParts {
  readonly log: PredictionLog
  readonly store: Pick<StateStore, 'findReceipt'>
  readonly frontier: Frontier
  readonly due: Pick<DueLabels, 'reopen'>
  /** Saves what was replayed so far. */
  readonly saveReplayed: () => Promise<void>
}

/** Receipts that a replay holds before it saves. */
export const MOST_UNSAVED = 16_384

/**
 * Brings states and receipts up to the log: applies each record to every state that lacks it, and makes its
 * receipt.
 *
 * It owns the order and the "exactly once" of a replay. It does not own what it fills, and it begins with
 * nothing unsaved: whoever calls it has thrown that away.
 *
 * @throws SERVING_STORE_FAILED when the log has a record that this version does not know; SERVING_LEASE_LOST
 */
export const replayLog = async (parts: LogReplayParts): Promise<void> => {
  const { log, store, frontier, receipts, observer } = parts
  const stored = await readFrontier(store)
  const lost = frontier.reopen(stored)
  // Nothing is lost where another process has taken both over, and saves: rotating asks whose the log is.
  if (lost !== undefined) await log.rotate()
  await parts.due.reopen()
  await parts.waiting.reopen()
  for await (const record of log.read(stored.savedThrough)) {
    if (record.sequence > log.lastSequence) throw ousted(record.sequence)
    await takeRecord(parts, record.sequence, entryOfRecord(record), record.position)
    if (receipts.waiting > MOST_UNSAVED || parts.cache.isBeyondRoom) {
      // Or a log that is longer than memory could never be replayed.
      frontier.replayedThrough(record.sequence)
      await parts.saveReplayed()
      // Saved states are evicted in a turn of their own.
      await nextTurn()
    }
  }
  frontier.replayedThrough(Number.POSITIVE_INFINITY)
  await parts.labels.settleWaiting()
  if (lost !== undefined) observer.warned('SERVING_LOG_LOST', { ...lost })
}

/** The log has a record that this process has neither written nor found. */
const ousted = (sequence: number): VigiaError =>
  new VigiaError('SERVING_LEASE_LOST', {
    folder: 'the prediction log',
    reason: `record ${sequence} was written meanwhile`,
    holder: 'another process',
  })

/** Brings states up to a record that they may lack, and makes its receipt. */
export const takeRecord = async (
  parts: TakeParts,
  sequence: number,
  entry: LogEntry,
  position: LogPosition,
): Promise<void> => {
  // A repair answers nobody.
  if (entry.kind === 'repair') {
    await advanceStates(parts, sequence, entry)
    return
  }
  const own = entry.kind === 'label' ? await ownLabel(parts, entry) : entry
  if (own === undefined) return
  await advanceStates(parts, sequence, own, position)
  const { id, receipt, beside } = await receiptOfEntry(parts, sequence, own)
  receipt.position = position
  parts.receipts.add(id, { sequence, receipt, durable: Promise.resolve(receipt), beside })
}

/**
 * A label as these states learn it: with the entities that they know of its transaction, where whoever wrote
 * the record knew others. Undefined for one that they have from their own history.
 */
export const ownLabel = async (
  {
    decider,
    layout,
    receipts,
  }: Pick<TakeParts, 'decider' | 'layout'> & { readonly receipts: Pick<Receipts, 'find'> },
  entry: Extract<LogEntry, { readonly kind: 'label' }>,
): Promise<typeof entry | undefined> => {
  const { label } = entry
  const { engineer } = decider()
  if (!isLabelOf(label, layout.isOwn, engineer)) return undefined
  if (!hasOwnKinds(engineer) || label.transactionId === '') return entry
  const { own } = (await receipts.find<DecisionReceipt>(decisionId(label.transactionId))) ?? {}
  return own === undefined ? entry : { ...entry, label: { ...label, own: { ...label.own, ...own } } }
}

/** What is needed to apply records to states. */
export interface AdvanceParts extends Pick<TakeParts, 'decider' | 'layout' | 'observer' | 'beforeDecision'> {
  readonly cache: Pick<StateCache, 'bring'>
  /** Told of each state that has a record now. */
  readonly unsaved: Pick<UnsavedStates, 'advanced'>
}

/**
 * Applies a record to every state that it concerns and that lacks it.
 *
 * @param position of the record, for `beforeDecision`; nobody is told of one that has none
 */
export const advanceStates = async (
  parts: AdvanceParts,
  sequence: number,
  entry: LogEntry,
  position?: LogPosition,
): Promise<void> => {
  if (entry.kind === 'decision') await replayDecision(parts, sequence, entry, position)
  else if (entry.kind === 'label') await replayLabel(parts, sequence, entry.label)
  else await replayRepair(parts, sequence, entry)
}

/** @throws SERVING_STORE_FAILED for a record that this version does not know */
export const entryOfRecord = ({ sequence, payload }: LogRecord): LogEntry => {
  const entry = decodeLogEntry(payload)
  if (entry !== undefined) return entry
  const reason = `record ${sequence} of the log is of a kind that this version does not know`
  throw new VigiaError('SERVING_STORE_FAILED', { store: 'state store', reason })
}

const replayLabel = async (parts: AdvanceParts, sequence: number, label: LabelEntry): Promise<void> => {
  const { engineer, labelKeysOf } = parts.decider()
  const { items } = await parts.cache.bring(labelKeysOf(label))
  const { eventTimeMs, isFraud, known } = label
  if (eventTimeMs === undefined) return
  const event = { transactionToken: tokenOfLabel(label), eventTimeMs, isFraud, known }
  for (const item of lacking(items, sequence))
    if (engineer.applyLabel({ [item.key.kind]: item.state }, event)) parts.unsaved.advanced(item, sequence)
}

/** @throws FEATURES_STATE_INCOMPATIBLE, FEATURES_STATE_CORRUPT */
const replayRepair = async (parts: AdvanceParts, sequence: number, entry: Repaired): Promise<void> => {
  const { kind, token, layout } = entry.repair
  if (!parts.layout.isOwn(layout)) return
  const keeper = parts.decider().engineer.keeperOf(kind)
  if (keeper === undefined) return
  const { items } = await parts.cache.bring([{ kind, token, source: kind }])
  for (const item of lacking(items, sequence)) {
    takeRepaired(keeper, item.state, entry)
    parts.unsaved.advanced(item, sequence)
  }
}

/** Warns of every logged value that does not come out again. */
const replayDecision = async (
  parts: AdvanceParts,
  sequence: number,
  { decision, vector: logged }: Extract<LogEntry, { readonly kind: 'decision' }>,
  position: LogPosition | undefined,
): Promise<void> => {
  if (parts.layout.isLeftOut?.(decision)) return
  const tell = position === undefined ? undefined : parts.beforeDecision?.()
  // One that was too old moved no state, nor does reading it.
  const isStill = decision.timing === 'too_old'
  if (isStill && tell === undefined) return
  const { engineer, models, entitiesOf, keysOf } = parts.decider()
  const keys = keysOf(entitiesOf(decision.transaction))
  const cleaning = await parts.layout.cleaningOf(decision.model)
  const { items, states } = await parts.cache.bring(keys)
  const behind = lacking(items, sequence)
  if (behind.length === 0 && (items.length > 0 || tell === undefined)) return
  const { event, featureNames } = engineer
  readTransaction(event, cleanTransaction(decision.transaction, cleaning))
  // States of another layout than the one that decided may have it from the history that they began with.
  const user = behind.find(({ key }) => key.kind === 'user')
  if (user !== undefined && engineer.keeperOf('user')?.hasSeen(user.state, event.transactionToken)) return
  if (behind.length === items.length)
    tell?.({ sequence, position: position! }, decision, isStill ? copyStates(engineer, states) : states)
  if (isStill) return
  const vector = new Float64Array(featureNames.length)
  for (const part of engineer.parts) {
    const item = items[keys.findIndex(({ source }) => source === part.source)]
    if (item === undefined || !behind.includes(item)) continue
    part.createFeatures(event, item.state, vector, 0)
    parts.unsaved.advanced(item, sequence)
    if (decision.model !== models.champion.key) continue
    for (const column of part.columns)
      if (!Object.is(vector[column], logged[column]))
        parts.observer.warned('SERVING_REPLAY_DIFFERS', { sequence, feature: featureNames[column] })
  }
}

const lacking = (items: readonly HeldState[], sequence: number): readonly HeldState[] =>
  items.filter(({ applied }) => applied < sequence)

/** What the store keeps of a record. */
interface Kept {
  readonly id: string
  readonly receipt: DecisionReceipt | LabelReceipt
  readonly beside?: Receipt | undefined
}

const receiptOfEntry = async (
  parts: TakeParts,
  sequence: number,
  entry: Exclude<LogEntry, Repaired>,
): Promise<Kept> => {
  const { nameOf, decider, labels } = parts
  if (entry.kind === 'label') return receiptOfLabel(parts, entry.label)
  const { transaction, model } = entry.decision
  const { transactionId, eventTimeMs } = transaction
  const { entitiesOf, hashOf } = decider()
  const entities = entitiesOf(transaction)
  const hash = hashOf(transaction)
  const name = await nameOf(model)
  const receipt = receiptOf(entry.decision, name, transaction, entities.own, hash, sequence)
  // Its label is one of the history that they have it from.
  if (parts.layout.isLeftOut?.(entry.decision)) return { id: decisionId(transactionId), receipt }
  const beside = labels.arrived(transactionId, { ...entities, eventTimeMs }, sequence)
  return { id: decisionId(transactionId), receipt, beside }
}

const receiptOfLabel = async (parts: TakeParts, label: LabelEntry): Promise<Kept> => {
  const { receipts, waiting } = parts
  const { transactionId, isWaiting } = label
  if (isWaiting === true) {
    const receipt = waitingReceiptOf(label)
    waiting.keep(receipt)
    return { id: waitingId(transactionId), receipt }
  }
  waiting.forget(transactionId)
  const isDecided = transactionId !== '' && (await receipts.find(decisionId(transactionId))) !== undefined
  const id = isDecided ? labelId(transactionId) : historyLabelId(tokenOfLabel(label))
  return { id, receipt: labelReceiptOf(label) }
}
