import { cleanTransaction } from '../../dataset/cleaning.ts'
import { VigiaError } from '../../errors.ts'
import type { EntityStates } from '../../features/feature-engineer.ts'
import { readTransaction } from '../../features/transaction-event.ts'
import type { EntityKey, Receipt, StateStore } from '../../ports/state-store.ts'
import { tokenOf } from '../../transaction/token.ts'
import type { Transaction } from '../../transaction/transaction.ts'
import {
  type DecisionReceipt,
  decisionId,
  decodeReceipt,
  encodeReceipt,
  type LabelReceipt,
  labelId,
  predictionOf,
  transactionHash,
} from '../decision-receipt.ts'
import type { Decisions, DecisionsOptions } from '../decisions.ts'
import type { Feedback, FeedbackOutcome, Prediction } from '../inference-pipeline.ts'
import {
  decodeLogEntry,
  encodeDecision,
  encodeLabel,
  type LabelEntry,
  type LogEntry,
} from '../log/log-record.ts'
import {
  createOwnedStates,
  decodeMark,
  type HeldState,
  heldStates,
  SAVED_THROUGH,
  STORED_UP_TO,
} from './owned-states.ts'

/** A decision or label whose receipt is not in the store yet. */
interface Unsaved {
  readonly sequence: number
  readonly receipt: DecisionReceipt | LabelReceipt
  /** Resolves when the record is durable; the receipt knows its place then. */
  readonly durable: Promise<DecisionReceipt | LabelReceipt>
}

export interface OwnedDecisionsOptions extends DecisionsOptions {
  readonly store: StateStore
  /** Memory for states, in bytes; those beyond it are read again when they are needed. */
  readonly cacheBytes: number
  /**
   * States are saved this long after they changed, in milliseconds. After a crash so much of the log is
   * replayed.
   */
  readonly saveAfterMs: number
  /** How long a repeated transaction is known, in milliseconds. */
  readonly receiptLifeMs: number
}

/** Unsaved receipts or states beyond which saving does not wait for its time. */
const MOST_UNSAVED = 8192
/**
 * Unsaved receipts beyond which nothing is decided: memory would run out, and opening would take for ever.
 */
const TOO_MANY_UNSAVED = 100_000
/**
 * Receipts that are looked at after each save: a millisecond's work, eight million in a day of saves every
 * half second.
 */
const SWEPT_RECEIPTS = 50
/** Into so many parts a period is divided, so that no decision waits long behind a save. */
const SAVES_PER_PERIOD = 20
/**
 * Receipts in one save: a millisecond or two of work; when many wait, a sixteenth of them; at most what a
 * commit is good for.
 */
const FEWEST_RECEIPTS = 128
const MOST_RECEIPTS = 1024
const WAITING_PER_SAVED = 16
/** States of one save for each receipt: a decision changes three, some of them more than once a period. */
const STATES_PER_RECEIPT = 2
/** States in one save when all are wanted. */
const MOST_STATES = 256

/**
 * Decisions of one process that owns its states: a decision is one turn of the event loop on states in
 * memory, then one record in the log. The log is the truth; the store holds states and receipts up to some
 * record, and opening replays the rest.
 *
 * When a record cannot be written, nothing was decided: what is in memory is thrown away, and the states are
 * those of the log again.
 *
 * @throws SERVING_LOG_DAMAGED, SERVING_STORE_FAILED when the states cannot be brought up to the log
 */
export const openOwnedDecisions = async (options: OwnedDecisionsOptions): Promise<Decisions> => {
  const { store, log, observer, logName, now, monotonicMs } = options
  let decider = options.decider
  let sequence = log.lastSequence
  let failure: VigiaError | undefined
  /** Last record that a power failure took from the log and left in the states. */
  let lost = 0
  let saveFailure = 'saving is slower than deciding'
  let isClosed = false
  let saving: Promise<void> | undefined
  const unsavedReceipts = new Map<string, Unsaved>()
  const failed = (reason: string): VigiaError =>
    new VigiaError('SERVING_STORE_FAILED', { store: 'state store', reason })
  const owned = createOwnedStates(() => decider.engineer, store, options.cacheBytes, failed)

  /** The states of `keys`, all in memory at this very moment. */
  const withStates = async (keys: readonly EntityKey[]) => {
    for (;;) {
      await owned.load(keys)
      const ready = heldStates(owned, keys)
      if (ready !== undefined) return ready
    }
  }

  const throwIfUnavailable = (): void => {
    if (isClosed) throw new VigiaError('SERVING_CLOSING', {})
    if (failure !== undefined) throw failure
    if (unsavedReceipts.size > TOO_MANY_UNSAVED)
      throw new VigiaError('SERVING_STORE_BEHIND', { waiting: unsavedReceipts.size, reason: saveFailure })
  }

  /** Takes record `next` down; the promise resolves when it is durable. */
  const append = (
    id: string,
    payload: Uint8Array,
    items: readonly HeldState[],
    receipt: DecisionReceipt | LabelReceipt,
  ): Promise<DecisionReceipt | LabelReceipt> => {
    const own = sequence
    const written = log.append(own, payload)
    for (const item of items) owned.advanced(item, own)
    const durable = written.then(
      (position) => {
        receipt.position = position
        return receipt
      },
      (error: unknown) => {
        startRecovery(error)
        throw error
      },
    )
    unsavedReceipts.set(id, { sequence: own, receipt, durable })
    if (unsavedReceipts.size > MOST_UNSAVED) saveInBackground()
    return durable
  }

  const repeated = async (
    transaction: Transaction,
    known: DecisionReceipt | Promise<DecisionReceipt>,
    started: number,
  ): Promise<Prediction> => {
    const receipt = await known
    if (receipt.hash !== transactionHash(transaction))
      throw new VigiaError('SERVING_TRANSACTION_DIFFERS', { transactionId: transaction.transactionId })
    const prediction = predictionOf(transaction.transactionId, logName, receipt, receipt.sequence, true)
    observer.predicted(prediction, monotonicMs() - started)
    return prediction
  }

  /** Decides; when that fails, whatever the reason, states that may be half advanced are thrown away. */
  const decideOrRecover = (transaction: Transaction, items: readonly HeldState[], states: EntityStates) => {
    try {
      return decider.decide(transaction, states)
    } catch (error) {
      for (const item of items) owned.advanced(item, sequence)
      startRecovery(error)
      throw error
    }
  }

  const predict = async (transaction: Transaction, reasons: number): Promise<Prediction> => {
    const started = monotonicMs()
    throwIfUnavailable()
    const id = decisionId(transaction.transactionId)
    const pending = unsavedReceipts.get(id)
    if (pending !== undefined)
      return repeated(transaction, pending.durable as Promise<DecisionReceipt>, started)
    const found = await store.findReceipt(id)
    if (found !== undefined) return repeated(transaction, decodeReceipt<DecisionReceipt>(found), started)
    const { items, states } = await withStates(decider.keysOf(transaction))
    // From here to the append nothing waits: this is the place of the transaction among all others.
    throwIfUnavailable()
    const meanwhile = unsavedReceipts.get(id)
    if (meanwhile !== undefined)
      return repeated(transaction, meanwhile.durable as Promise<DecisionReceipt>, started)
    const decision = decideOrRecover(transaction, items, states)
    if (decision === undefined)
      throw new VigiaError('SERVING_TRANSACTION_KNOWN', { transactionId: transaction.transactionId })
    const told = reasons > 0 ? decider.explain(decision.model.key, decision.vector, reasons) : undefined
    const { model, role, probability, isFlagged, riskLevel, shadow } = decision
    const { name, version, threshold } = model.description
    const decidedAtMs = now()
    const own = ++sequence
    // Written out, not spread: this is done for every decision, and a spread costs as much as a small model.
    const payload = encodeDecision(
      own,
      {
        transaction,
        decidedAtMs,
        probability,
        isFlagged,
        riskLevel,
        threshold,
        model: model.key,
        role,
        latencyMs: monotonicMs() - started,
        shadow: shadow && {
          model: shadow.model.key,
          probability: shadow.probability,
          isFlagged: shadow.isFlagged,
        },
      },
      decision.vector,
    )
    const receipt: DecisionReceipt = {
      sequence: own,
      decidedAtMs,
      probability,
      isFlagged,
      riskLevel,
      threshold,
      model: { name, version },
      role,
      hash: transactionHash(transaction),
      userId: transaction.userId,
      merchantId: transaction.merchantId,
      deviceId: transaction.deviceId,
      eventTimeMs: transaction.eventTimeMs,
      position: undefined,
    }
    const durable = append(id, payload, items, receipt)
    const shadowed = shadow && { name: shadow.model.description, ...shadow }
    await durable
    const prediction = predictionOf(transaction.transactionId, logName, receipt, own, false)
    observer.predicted(prediction, monotonicMs() - started)
    if (shadowed) observer.shadowed(shadowed.name, shadowed.probability, shadowed.isFlagged, isFlagged)
    return told === undefined ? prediction : { ...prediction, reasons: told }
  }

  const applyFeedback = async (feedback: Feedback): Promise<FeedbackOutcome> => {
    throwIfUnavailable()
    const id = labelId(feedback.transactionId)
    const entities = await entitiesOfFeedback(feedback)
    if (entities === undefined) return tell('unknown', feedback)
    const isUnchanged = async (): Promise<boolean> => {
      const pending = unsavedReceipts.get(id)
      const known = pending === undefined ? await store.findReceipt(id) : undefined
      const earlier = (pending?.receipt ?? (known && decodeReceipt(known))) as LabelReceipt | undefined
      return earlier?.isFraud === feedback.isFraud
    }
    if (await isUnchanged()) {
      await unsavedReceipts.get(id)?.durable
      return tell('unchanged', feedback)
    }
    const { items, states } = await withStates(decider.labelKeysOf(entities))
    throwIfUnavailable()
    const meanwhile = unsavedReceipts.get(id)
    if ((meanwhile?.receipt as LabelReceipt | undefined)?.isFraud === feedback.isFraud) {
      await meanwhile?.durable
      return tell('unchanged', feedback)
    }
    const isApplied = decider.engineer.applyLabel(states, {
      transactionToken: tokenOf(feedback.transactionId),
      eventTimeMs: entities.eventTimeMs,
      isFraud: feedback.isFraud,
    })
    const label: LabelEntry = {
      transactionId: feedback.transactionId,
      isFraud: feedback.isFraud,
      ...entities,
      receivedAtMs: now(),
      isApplied,
    }
    sequence++
    const { isFraud, receivedAtMs } = label
    await append(id, encodeLabel(sequence, label), isApplied ? items : [], {
      isFraud,
      receivedAtMs,
      isApplied,
      position: undefined,
    })
    return tell(isApplied ? 'applied' : 'late', feedback)
  }

  const tell = (outcome: FeedbackOutcome, { isFraud }: Feedback): FeedbackOutcome => {
    observer.labelled(outcome, isFraud)
    return outcome
  }

  const findDecision = async (transactionId: string): Promise<DecisionReceipt | undefined> => {
    const id = decisionId(transactionId)
    const pending = unsavedReceipts.get(id)
    if (pending !== undefined) return (await pending.durable) as DecisionReceipt
    const found = await store.findReceipt(id)
    return found && decodeReceipt<DecisionReceipt>(found)
  }

  const findLabel = async (transactionId: string): Promise<LabelReceipt | undefined> => {
    const id = labelId(transactionId)
    const pending = unsavedReceipts.get(id)
    if (pending !== undefined) return (await pending.durable) as LabelReceipt
    const found = await store.findReceipt(id)
    return found && decodeReceipt<LabelReceipt>(found)
  }

  const entitiesOfFeedback = async (feedback: Feedback) => {
    const decided = await findDecision(feedback.transactionId)
    if (decided !== undefined) return entitiesOf(decided)
    const { userId, eventTimeMs } = feedback
    return userId === undefined || eventTimeMs === undefined
      ? undefined
      : entitiesOf({ ...feedback, userId, eventTimeMs })
  }

  // --- saving

  /** Saves what waits; `all`: everything that is durable by now. One save at a time. */
  const saveNow = (all: boolean): Promise<void> => {
    if (failure !== undefined) return Promise.reject(failure)
    if (saving !== undefined) return all ? saving.then(() => saveNow(true)) : saving
    saving = saveWaiting(all).finally(() => {
      saving = undefined
    })
    return saving
  }

  /** Last records at the ends of the last parts of a period, the oldest first. */
  const marks: number[] = []
  /** Last record that is one period old. */
  let ripe = 0
  const startPeriod = (): void => {
    ripe = sequence
    marks.length = 0
    for (let part = 0; part < SAVES_PER_PERIOD; part++) marks.push(sequence)
  }
  const saveWaiting = async (all: boolean): Promise<void> => {
    // Not what comes meanwhile, or saving would never end.
    const last = sequence
    // Without haste, what is one period old: a busy state is saved once a period.
    const through = all ? last : ripe
    for (;;) {
      const share = Math.min(MOST_RECEIPTS, Math.ceil(unsavedReceipts.size / WAITING_PER_SAVED))
      const mostReceipts = all ? MOST_RECEIPTS : Math.max(FEWEST_RECEIPTS, share)
      const mostStates = all ? MOST_STATES : mostReceipts * STATES_PER_RECEIPT
      const receipts: Receipt[] = []
      const ids: string[] = []
      let firstLeft = Number.POSITIVE_INFINITY
      for (const [id, entry] of unsavedReceipts) {
        const isLeft = entry.receipt.position === undefined || entry.sequence > last
        if (isLeft || receipts.length >= mostReceipts) {
          firstLeft = entry.sequence
          break
        }
        receipts.push({ id, bytes: encodeReceipt(entry.receipt) })
        ids.push(id)
      }
      const saved = ids.map((id) => unsavedReceipts.get(id))
      const isMore = await owned.save(
        through,
        Math.max(lost, log.lastSequence),
        receipts,
        Math.min(firstLeft - 1, sequence),
        mostStates,
      )
      ids.forEach((id, i) => {
        if (unsavedReceipts.get(id) === saved[i]) unsavedReceipts.delete(id)
      })
      if (!isMore && receipts.length < mostReceipts) return
    }
  }

  const saveInBackground = (): void => {
    if (failure !== undefined) return
    saveNow(false).catch(saveFailed)
  }
  const saveFailed = (error: unknown): void => {
    saveFailure = error instanceof Error ? error.message : String(error)
    observer.warned('SERVING_STORE_FAILED', { reason: saveFailure })
  }

  /** At the end of each part of a period. */
  const endPart = (): void => {
    if (failure !== undefined) return
    marks.push(sequence)
    ripe = marks.shift()!
    saveNow(false).then(sweep).catch(saveFailed)
  }

  let swept: string | undefined
  /** Forgets some receipts that are too old; all have their turn. */
  const sweep = async (): Promise<void> => {
    const before = now() - options.receiptLifeMs
    swept = await store.sweepReceipts(swept, SWEPT_RECEIPTS, (id, bytes) => {
      if (id.startsWith('log/')) return false
      const receipt = decodeReceipt(bytes)
      return ('decidedAtMs' in receipt ? receipt.decidedAtMs : receipt.receivedAtMs) < before
    })
  }

  // --- replaying the log

  /** Applies one record to every state that lacks it; says whether the logged vector came out again. */
  const replayEntry = async (own: number, entry: LogEntry): Promise<void> => {
    const isDecision = entry.kind === 'decision'
    const entities = isDecision ? entry.decision.transaction : entry.label
    const keys = isDecision ? decider.keysOf(entities) : decider.labelKeysOf(entities)
    const { items, states } = await withStates(keys)
    const lacking = items.filter(({ applied }) => applied < own)
    if (lacking.length === 0) return
    const { engineer } = decider
    if (entry.kind === 'label') {
      const { transactionId, eventTimeMs, isFraud } = entry.label
      for (const item of lacking) {
        const label = { transactionToken: tokenOf(transactionId), eventTimeMs, isFraud }
        if (engineer.applyLabel({ [item.key.kind]: item.state }, label)) owned.advanced(item, own)
      }
      return
    }
    readTransaction(
      engineer.event,
      cleanTransaction(entry.decision.transaction, decider.models.champion.cleaning),
    )
    const vector = new Float64Array(engineer.featureNames.length)
    for (const part of engineer.parts) {
      const item = lacking.find(({ key }) => key.kind === part.source)
      if (item === undefined) continue
      part.createFeatures(engineer.event, states[item.key.kind], vector, 0)
      owned.advanced(item, own)
      if (entry.decision.model !== decider.models.champion.key) continue
      for (const column of part.columns)
        if (!Object.is(vector[column], entry.vector[column]))
          observer.warned('SERVING_REPLAY_DIFFERS', { sequence: own, feature: engineer.featureNames[column] })
    }
  }

  /** Brings states and receipts up to the log. */
  const replayLog = async (): Promise<void> => {
    sequence = log.lastSequence
    const savedThrough = decodeMark(await store.findReceipt(SAVED_THROUGH))
    for await (const { sequence: own, payload, position } of log.read(savedThrough)) {
      const entry = decodeLogEntry(payload)
      if (entry === undefined)
        throw failed(`record ${own} of the log is of a kind that this version does not know`)
      await replayEntry(own, entry)
      const [id, receipt] = await receiptOf(own, entry)
      receipt.position = position
      unsavedReceipts.delete(id)
      unsavedReceipts.set(id, { sequence: own, receipt, durable: Promise.resolve(receipt) })
    }
    const stored = decodeMark(await store.findReceipt(STORED_UP_TO))
    if (stored > sequence) {
      // A power failure, with durability `process`: the states have records that the log has lost. Their
      // numbers are not given again.
      observer.warned('SERVING_LOG_LOST', { from: sequence + 1, to: stored })
      sequence = stored
      lost = stored
    }
    startPeriod()
  }

  const receiptOf = async (
    own: number,
    entry: LogEntry,
  ): Promise<readonly [string, DecisionReceipt | LabelReceipt]> => {
    if (entry.kind === 'label') {
      const { transactionId, isFraud, receivedAtMs, isApplied } = entry.label
      return [labelId(transactionId), { isFraud, receivedAtMs, isApplied, position: undefined }]
    }
    const { transaction, model, latencyMs: _, shadow: __, ...decided } = entry.decision
    const { name, version } = await options.nameOf(model)
    return [
      decisionId(transaction.transactionId),
      {
        ...decided,
        sequence: own,
        model: { name, version },
        hash: transactionHash(transaction),
        userId: transaction.userId,
        eventTimeMs: transaction.eventTimeMs,
        merchantId: transaction.merchantId,
        deviceId: transaction.deviceId,
        position: undefined,
      },
    ]
  }

  let recovering: Promise<void> | undefined
  const startRecovery = (error: unknown): void => {
    if (failure !== undefined) return
    const reason = error instanceof VigiaError ? error : new VigiaError('INTERNAL', { reason: String(error) })
    failure = reason
    observer.warned(reason.code, { reason: reason.message })
    recovering = recover()
  }

  /** Forgets what the log does not have, and tries until the log can be written again. */
  const recover = async (): Promise<void> => {
    await saving?.catch(() => undefined)
    // Whoever waits for a lost record has been told; what is durable has its receipt made again from the log.
    unsavedReceipts.clear()
    owned.discardUnsaved()
    while (!isClosed) {
      try {
        log.resume()
        await replayLog()
        failure = undefined
        return
      } catch (error) {
        observer.warned('SERVING_LOG_FAILED', {
          reason: error instanceof Error ? error.message : String(error),
        })
        await new Promise((resolve) => setTimeout(resolve, 1000))
      }
    }
  }

  await replayLog()
  const timer = setInterval(endPart, Math.max(10, options.saveAfterMs / SAVES_PER_PERIOD))
  timer.unref()

  return {
    predict,
    applyFeedback,
    findDecision: async (transactionId) => {
      const receipt = await findDecision(transactionId)
      return receipt && { receipt, sequence: receipt.sequence }
    },
    findLabel,
    use: (next) => {
      decider = next
    },
    flush: () => saveNow(true),
    savedThrough: async () => decodeMark(await store.findReceipt(SAVED_THROUGH)),
    status: () => {
      const { states, bytes, unsaved } = owned.counts()
      return {
        failure: failure?.message ?? '',
        cachedStates: states,
        cachedBytes: bytes,
        unsavedStates: unsaved,
        waiting: unsavedReceipts.size,
        lastSequence: sequence,
      }
    },
    close: async () => {
      isClosed = true
      clearInterval(timer)
      await recovering
      await Promise.allSettled([...unsavedReceipts.values()].map(({ durable }) => durable))
      // With a log that cannot be written there is nothing to save: opening replays what it has.
      if (failure === undefined) await saveNow(true)
    },
  }
}

const entitiesOf = (of: {
  readonly userId: string
  readonly merchantId?: string | undefined
  readonly deviceId?: string | undefined
  readonly eventTimeMs: number
}) => ({
  userId: of.userId,
  ...(of.merchantId !== undefined && { merchantId: of.merchantId }),
  ...(of.deviceId !== undefined && { deviceId: of.deviceId }),
  eventTimeMs: of.eventTimeMs,
})
