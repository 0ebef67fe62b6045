import { VigiaError } from '../../errors.ts'
import type { EntityStates } from '../../features/feature-engineer.ts'
import { decodeState, encodeState } from '../../features/state/encoding.ts'
import { type EntityState, separateBlocks } from '../../features/state/entity-state.ts'
import type { EntityKey, SharedStateStore, StateChange, StoredState } from '../../ports/state-store.ts'
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
import { encodeDecision, encodeLabel, type LabelEntry, withSequence } from '../log/log-record.ts'
import { stateOf, withApplied } from '../owned/owned-states.ts'
import { createEntityLocks } from './entity-locks.ts'

export interface SharedDecisionsOptions extends DecisionsOptions {
  readonly store: SharedStateStore
  /** How long a repeated transaction is known, in milliseconds. */
  readonly receiptLifeMs: number
}

/** Attempts at one transaction before giving up against other processes. */
const ATTEMPTS = 50
/** Entries moved to the log at a time, and how long to wait for the first, in milliseconds. */
const MOST_ENTRIES = 256
const WAIT_MS = 1000

/**
 * Decisions of one process among many: states, receipt, place in the order and log entry are one transaction
 * of the shared store, and it is repeated when another process was faster. Every process moves entries from
 * the store to its own log; an entry leaves the store only when it stands in one.
 */
export const openSharedDecisions = async (options: SharedDecisionsOptions): Promise<Decisions> => {
  const { store, log, observer, logName, now, monotonicMs } = options
  let decider = options.decider
  let isClosed = false
  let failure = ''
  let lastSequence = 0
  /** Records in this process's own log. */
  let logged = log.lastSequence
  const locks = createEntityLocks()

  const revive = ({ kind, token }: EntityKey, stored: StoredState | undefined): EntityState => {
    const keeper = decider.engineer.keeperOf(kind)!
    return stored === undefined
      ? keeper.create()
      : decodeState(keeper.layout, separateBlocks, stateOf(stored.bytes), `${kind} ${token.toString(16)}`)
  }

  /** Loads the states of `keys`, lets `work` decide on them, commits; again until nobody interfered. */
  const commit = async <T>(
    keys: readonly EntityKey[],
    id: string,
    subject: string,
    work: (states: EntityStates) =>
      | {
          readonly result: T
          readonly changed: boolean
          readonly receipt: Uint8Array
          readonly entry: Uint8Array
        }
      | undefined,
  ): Promise<
    | { readonly kind: 'done'; readonly result: T; readonly sequence: number }
    | { readonly kind: 'repeated'; readonly receipt: Uint8Array }
    | { readonly kind: 'declined' }
  > => {
    // Within one process nobody needs to lose a race.
    const release = await locks.acquire(keys)
    try {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const stored = await store.load(keys)
        const revived = keys.map((key, i) => revive(key, stored[i]))
        const states = Object.fromEntries(
          keys.map(({ kind }, i) => [kind, revived[i]]),
        ) as unknown as EntityStates
        const worked = work(states)
        if (worked === undefined) {
          const known = await store.findReceipt(id)
          return known === undefined ? { kind: 'declined' } : { kind: 'repeated', receipt: known }
        }
        const changes: StateChange[] = worked.changed
          ? keys.map((key, i) => ({
              key,
              bytes: withApplied(encodeState(decider.engineer.keeperOf(key.kind)!.layout, revived[i]!), 0),
              expected: stored[i]?.version ?? 0,
            }))
          : []
        const outcome = await store.commit(
          changes,
          { id, bytes: worked.receipt },
          worked.entry,
          options.receiptLifeMs,
        )
        if (outcome.outcome === 'repeated') return { kind: 'repeated', receipt: outcome.receipt }
        if (outcome.outcome === 'committed') {
          lastSequence = Math.max(lastSequence, outcome.sequence)
          return { kind: 'done', result: worked.result, sequence: outcome.sequence }
        }
      }
    } finally {
      release()
    }
    throw new VigiaError('FEATURES_STATE_CONTENDED', { subject, attempts: ATTEMPTS })
  }

  const repeated = (transaction: Transaction, bytes: Uint8Array, started: number): Prediction => {
    const { receipt, sequence } = receiptWithSequence<DecisionReceipt>(bytes)
    if (receipt.hash !== transactionHash(transaction))
      throw new VigiaError('SERVING_TRANSACTION_DIFFERS', { transactionId: transaction.transactionId })
    const prediction = predictionOf(transaction.transactionId, logName, receipt, sequence, true)
    observer.predicted(prediction, monotonicMs() - started)
    return prediction
  }

  const predict = async (transaction: Transaction, reasons: number): Promise<Prediction> => {
    const started = monotonicMs()
    if (isClosed) throw new VigiaError('SERVING_CLOSING', {})
    const id = decisionId(transaction.transactionId)
    const committed = await commit(decider.keysOf(transaction), id, transaction.transactionId, (states) => {
      const decision = decider.decide(transaction, states)
      if (decision === undefined) return undefined
      const told = reasons > 0 ? decider.explain(decision.model.key, decision.vector, reasons) : undefined
      const { model, role, probability, isFlagged, riskLevel, shadow } = decision
      const { name, version, threshold } = model.description
      const decided = { decidedAtMs: now(), probability, isFlagged, riskLevel, threshold, role }
      const { userId, merchantId, deviceId, eventTimeMs } = transaction
      const receipt: DecisionReceipt = {
        ...decided,
        sequence: 0,
        model: { name, version },
        hash: transactionHash(transaction),
        userId,
        merchantId,
        deviceId,
        eventTimeMs,
        position: undefined,
      }
      const entry = encodeDecision(
        0,
        {
          transaction,
          ...decided,
          model: model.key,
          latencyMs: monotonicMs() - started,
          ...(shadow && {
            shadow: { model: shadow.model.key, probability: shadow.probability, isFlagged: shadow.isFlagged },
          }),
        },
        decision.vector,
      )
      const shadowed = shadow && { ...shadow, name: shadow.model.description }
      // The entry's bytes are valid until the next decision, and sending waits.
      return {
        result: { receipt, told, shadowed },
        changed: true,
        receipt: encodeReceipt(receipt),
        entry: entry.slice(),
      }
    })
    if (committed.kind === 'declined')
      throw new VigiaError('SERVING_TRANSACTION_KNOWN', { transactionId: transaction.transactionId })
    if (committed.kind === 'repeated') return repeated(transaction, committed.receipt, started)
    const { receipt, told, shadowed } = committed.result
    const prediction = predictionOf(transaction.transactionId, logName, receipt, committed.sequence, false)
    observer.predicted(prediction, monotonicMs() - started)
    if (shadowed)
      observer.shadowed(shadowed.name, shadowed.probability, shadowed.isFlagged, prediction.isFlagged)
    return told === undefined ? prediction : { ...prediction, reasons: told }
  }

  const findDecision = async (transactionId: string) => {
    const found = await store.findReceipt(decisionId(transactionId))
    return found && receiptWithSequence<DecisionReceipt>(found)
  }

  const findLabel = async (transactionId: string): Promise<LabelReceipt | undefined> => {
    const found = await store.findReceipt(latestLabelId(transactionId))
    return found && receiptWithSequence<LabelReceipt>(found).receipt
  }

  const latestLabelId = (transactionId: string): string => labelId(transactionId)

  const applyFeedback = async (feedback: Feedback): Promise<FeedbackOutcome> => {
    if (isClosed) throw new VigiaError('SERVING_CLOSING', {})
    const tell = (outcome: FeedbackOutcome): FeedbackOutcome => {
      observer.labelled(outcome, feedback.isFraud)
      return outcome
    }
    const decided = (await findDecision(feedback.transactionId))?.receipt ?? feedback
    const { userId, eventTimeMs, merchantId, deviceId } = decided
    if (userId === undefined || eventTimeMs === undefined) return tell('unknown')
    const entities = {
      userId,
      ...(merchantId !== undefined && { merchantId }),
      ...(deviceId !== undefined && { deviceId }),
      eventTimeMs,
    }
    const earlier = await findLabel(feedback.transactionId)
    if (earlier?.isFraud === feedback.isFraud) return tell('unchanged')
    // A corrected label is a label of its own: the first one's receipt must not answer it.
    const id =
      earlier === undefined ? labelId(feedback.transactionId) : `${labelId(feedback.transactionId)}/${now()}`
    const { transactionId, isFraud } = feedback
    const committed = await commit(decider.labelKeysOf(entities), id, transactionId, (states) => {
      const isApplied = decider.engineer.applyLabel(states, {
        transactionToken: tokenOf(transactionId),
        eventTimeMs,
        isFraud,
      })
      const label: LabelEntry = { transactionId, isFraud, ...entities, receivedAtMs: now(), isApplied }
      const { receivedAtMs } = label
      const receipt: LabelReceipt = { isFraud, receivedAtMs, isApplied, position: undefined }
      return {
        result: receipt,
        changed: isApplied,
        receipt: encodeReceipt(receipt),
        entry: encodeLabel(0, label).slice(),
      }
    })
    if (committed.kind !== 'done') return tell('unchanged')
    if (earlier !== undefined)
      await store.save(
        [],
        [
          {
            id: labelId(transactionId),
            bytes: sequenced(encodeReceipt(committed.result), committed.sequence),
          },
        ],
      )
    return tell(committed.result.isApplied ? 'applied' : 'late')
  }

  // --- from the store to the log

  /**
   * Moves what waits. An entry that was moved before, by a process that was killed before it said so, is
   * moved twice: readers skip it.
   */
  const moveEntries = async (waitMs: number): Promise<number> => {
    const entries = await store.takeEntries(MOST_ENTRIES, waitMs)
    if (entries.length === 0) return 0
    await Promise.all(
      entries.map(({ sequence, bytes }) => log.append(++logged, withSequence(bytes, sequence))),
    )
    await store.settle(entries.map(({ sequence }) => sequence))
    return entries.length
  }

  const moveForEver = async (): Promise<void> => {
    while (!isClosed) {
      try {
        // After a failure: takes records again, from the last durable one on.
        if (failure !== '') {
          log.resume()
          logged = log.lastSequence
        }
        await moveEntries(WAIT_MS)
        failure = ''
      } catch (error) {
        if (isClosed) return
        failure = error instanceof Error ? error.message : String(error)
        observer.warned('SERVING_OUTBOX_STUCK', { reason: failure })
        await new Promise((resolve) => setTimeout(resolve, 1000))
      }
    }
  }
  const moving = moveForEver()

  return {
    predict,
    applyFeedback,
    findDecision,
    findLabel,
    use: (next) => {
      decider = next
    },
    // What waits in the store is taken by whoever comes first; nothing that is in the log waits for anything.
    flush: async () => undefined,
    savedThrough: async () => Number.MAX_SAFE_INTEGER,
    status: () => ({
      failure,
      cachedStates: 0,
      cachedBytes: 0,
      unsavedStates: 0,
      waiting: 0,
      lastSequence,
    }),
    close: async () => {
      isClosed = true
      await moving
      while ((await moveEntries(1).catch(() => 0)) > 0);
    },
  }
}

/** A receipt with the sequence number that the store put before it. */
const receiptWithSequence = <T extends DecisionReceipt | LabelReceipt>(bytes: Uint8Array) => ({
  receipt: decodeReceipt<T>(bytes.subarray(8)),
  sequence: new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0, true),
})

const sequenced = (receipt: Uint8Array, sequence: number): Uint8Array => {
  const bytes = new Uint8Array(8 + receipt.length)
  new DataView(bytes.buffer).setFloat64(0, sequence, true)
  bytes.set(receipt, 8)
  return bytes
}
