import { isDeepStrictEqual } from 'node:util'
import { isDrawnRight } from '../../src/decisions/control-sample.ts'
import type { Prediction } from '../../src/decisions/inference-pipeline.ts'
import { decodeLogEntry, type LabelEntry, type LogEntry } from '../../src/decisions/log/log-record.ts'
import type { Answer } from './clients.ts'
import type { Wish } from './plan.ts'
import type { Replay } from './replayed.ts'
import { LABEL_DELAY_MS, SALT } from './served-model.ts'
import type { KeptRecord, Site } from './site.ts'

type Decided = LogEntry & { readonly kind: 'decision' }
type Labelled = LogEntry & { readonly kind: 'label' }

/** The entries of a history in their order; tells of what cannot be read. */
export const entriesOf = (site: Site, history: ReadonlyMap<number, KeptRecord>): LogEntry[] =>
  [...history.values()]
    .sort((a, b) => a.sequence - b.sequence)
    .flatMap(({ sequence, payload }) => {
      const entry = decodeLogEntry(payload)
      if (entry === undefined || entry.sequence !== sequence) {
        site.broken(`record ${sequence} says that it is ${entry?.sequence}`)
        return []
      }
      return [entry]
    })

/** Numbers go up by one from the first to the last. */
export const checkOrder = (site: Site, entries: readonly LogEntry[], last: number): void => {
  for (let n = 1; n <= last; n++)
    if (entries[n - 1]?.sequence !== n) {
      site.broken(`of ${last} records number ${n} is missing, or given twice`)
      return
    }
  if (entries.length > last) site.broken(`there are records after the last one, ${last}`)
}

/** Every answer that a server has given stands in the log, and is the same each time. */
export const checkAnswers = (site: Site, entries: readonly LogEntry[], answers: readonly Answer[]): void => {
  const decided = new Map<string, Decided>()
  for (const entry of entries) {
    if (entry.kind !== 'decision') continue
    const { transactionId } = entry.decision.transaction
    if (decided.has(transactionId)) site.broken(`${transactionId} is decided on twice`)
    decided.set(transactionId, entry)
    checkDraw(site, entry)
  }
  const firstMs = new Map<string, number>()
  for (const { wish, atMs, startedMs, isOwners, value } of answers) {
    const id = transactionOf(wish)
    if (id === undefined) continue
    if (wish.kind === 'decide' && isPrediction(value)) {
      firstMs.set(id, Math.min(firstMs.get(id) ?? Number.POSITIVE_INFINITY, atMs))
      checkPrediction(site, value, decided.get(id), `the answer to ${id}`)
      if (decided.get(id)?.decision.transaction.amountMinor !== wish.transaction.amountMinor && !site.isLossy)
        site.broken(`${id} was answered with the decision on another one`)
    }
    if (wish.kind === 'find' && isPrediction(value))
      checkPrediction(site, value, decided.get(id), `what was found of ${id}`)
    if (
      wish.kind === 'find' &&
      isOwners &&
      !site.isLossy &&
      value === undefined &&
      (firstMs.get(id) ?? Number.POSITIVE_INFINITY) < startedMs
    )
      site.broken(`${id} was answered and is not found`)
    if (wish.kind === 'label') checkOutcome(site, wish, value, entries)
  }
}

/** Every server draws the same of a transaction, and nothing where there is no sample. */
const checkDraw = (site: Site, { decision, sequence }: Decided): void => {
  const { transactionId } = decision.transaction
  if (decision.controlSample !== undefined && !site.setup.sampled)
    site.broken(`record ${sequence}: ${transactionId} was drawn where nothing is`)
  if (!isDrawnRight(decision, transactionId, SALT))
    site.broken(`record ${sequence}: ${transactionId} is not drawn by its id`)
}

const transactionOf = (wish: Wish): string | undefined => {
  if (wish.kind === 'decide') return wish.transaction.transactionId
  return wish.kind === 'label' || wish.kind === 'find' ? wish.transactionId : undefined
}

const isPrediction = (value: Answer['value']): value is Prediction =>
  typeof value === 'object' && value !== null && 'predictionId' in value

const checkPrediction = (site: Site, answer: Prediction, entry: Decided | undefined, what: string): void => {
  if (entry === undefined) {
    // Nobody promised that it would survive.
    if (!site.isLossy) site.broken(`${what} (number ${answer.sequence}) is not in the log`)
    return
  }
  const { decision, sequence } = entry
  const isSame =
    answer.sequence === sequence &&
    answer.predictionId.endsWith(`-${sequence}`) &&
    Object.is(answer.probability, decision.probability) &&
    answer.isFlagged === decision.isFlagged &&
    answer.decidedAtMs === decision.decidedAtMs &&
    answer.timing === decision.timing &&
    isDeepStrictEqual(answer.controlSample, decision.controlSample)
  if (!isSame && !site.isLossy)
    site.broken(`${what}, number ${answer.sequence}, is not what the log has of it, number ${sequence}`)
}

/** A label that was taken is in the log. */
const checkOutcome = (
  site: Site,
  wish: Wish & { readonly kind: 'label' },
  outcome: Answer['value'],
  entries: readonly LogEntry[],
): void => {
  if (site.isLossy || typeof outcome !== 'string') return
  const { transactionId, isFraud } = wish
  const isThere = entries.some(
    (entry) =>
      entry.kind === 'label' &&
      entry.label.transactionId === transactionId &&
      entry.label.isFraud === isFraud &&
      (outcome !== 'waiting' || entry.label.isWaiting === true) &&
      (outcome !== 'applied' || entry.label.isApplied),
  )
  // What was never told is as if it had been taken back.
  if (!isThere && !(outcome === 'unchanged' && isFraud === null))
    site.broken(`the label ${isFraud} of ${transactionId} was ${outcome} and is not in the log`)
}

/**
 * Labels of one process: each once, those that waited behind their transactions, due ones before the next.
 */
export const checkLabels = (site: Site, entries: readonly LogEntry[], replay: Replay): void => {
  const latest = new Map<string, LabelEntry>()
  const due = new Map<string, number>()
  /** Decided on since a label of them was told. */
  const come = new Set<string>()
  let clockMs = Number.NEGATIVE_INFINITY
  for (const [i, entry] of entries.entries()) {
    if (entry.kind === 'label') {
      // One that no feature needed is told again when its transaction has come meanwhile.
      if (!come.delete(entry.label.transactionId))
        checkNotRepeated(site, entry, latest.get(entry.label.transactionId))
      latest.set(entry.label.transactionId, entry.label)
      due.delete(entry.label.transactionId)
    }
    if (entry.kind !== 'decision') continue
    const { transaction } = entry.decision
    const { transactionId, eventTimeMs } = transaction
    clockMs = Math.max(clockMs, eventTimeMs)
    come.add(transactionId)
    for (const [id, dueMs] of due)
      if (dueMs <= clockMs) site.broken(`record ${entry.sequence}: the label of ${id} was due before it`)
    const told = latest.get(transactionId)
    if (told?.isWaiting === true) checkBehind(site, transactionId, told, entries[i + 1])
    const { decider } = replay
    const learns = decider.labelKeysOf(decider.entitiesOf(transaction)).length > 0
    if (site.setup.unlabelled && learns && told === undefined)
      due.set(transactionId, Math.max(clockMs, eventTimeMs + LABEL_DELAY_MS))
  }
}

const checkNotRepeated = (
  site: Site,
  { sequence, label }: Labelled,
  before: LabelEntry | undefined,
): void => {
  if (before === undefined || before.isWaiting !== label.isWaiting) return
  if (before.isFraud === label.isFraud)
    site.broken(`record ${sequence}: the label ${label.isFraud} of ${label.transactionId} comes twice`)
}

const checkBehind = (
  site: Site,
  transactionId: string,
  told: LabelEntry,
  next: LogEntry | undefined,
): void => {
  const isBehind =
    next?.kind === 'label' &&
    next.label.transactionId === transactionId &&
    next.label.isFraud === told.isFraud
  if (!isBehind) site.broken(`the label that waited for ${transactionId} does not follow it`)
}
