import type { Feedback } from '../decisions/inference-pipeline.ts'
import { TOLD_ORIGINS, type ToldOrigin } from '../decisions/label-origin.ts'
import { isMissing, readInstant, readRequiredText, readText } from '../transaction/read-fields.ts'
import { type FieldProblem, RequestProblemsError, shown } from '../transaction/request-problem.ts'
import type { Transaction } from '../transaction/transaction.ts'
import type { ReadTransaction } from './read-transaction.ts'

/** What says whose a transaction was, one by one. */
const NAMES = ['user_id', 'merchant_id', 'device_id', 'timestamp'] as const
const FIELDS = ['transaction_id', 'is_fraud', 'origin', 'transaction', ...NAMES] as const

type LabelRecord = { readonly [K in (typeof FIELDS)[number]]?: unknown }

/**
 * The label that a request's JSON writes, by the rules of `readRequest`.
 *
 * @param readTransaction reads the transaction that a label may carry
 * @throws REQUEST_INVALID with every problem
 */
export const readFeedback = (
  body: unknown,
  unknownFields: 'refuse' | 'ignore',
  readTransaction: ReadTransaction,
): Feedback => {
  const problems: FieldProblem[] = []
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    problems.push({ field: '', what: 'is no label', allowed: 'a JSON object', got: shown(body) })
    throw new RequestProblemsError('REQUEST_INVALID', problems)
  }
  const record = body as LabelRecord
  const feedback: { -readonly [K in keyof Feedback]: Feedback[K] } = {
    transactionId: readRequiredText('transaction_id', record.transaction_id, problems) ?? '',
    isFraud: readLabel(record.is_fraud, problems),
  }
  const origin = readOrigin(record.origin, problems)
  if (origin !== undefined) feedback.origin = origin
  const transaction = readLabelled(record, readTransaction, problems)
  if (transaction !== undefined) feedback.transaction = transaction
  const userId = readText('user_id', record.user_id, problems)
  if (userId !== undefined) feedback.userId = userId
  const merchantId = readText('merchant_id', record.merchant_id, problems)
  if (merchantId !== undefined) feedback.merchantId = merchantId
  const deviceId = readText('device_id', record.device_id, problems)
  if (deviceId !== undefined) feedback.deviceId = deviceId
  if (!isMissing(record.timestamp)) {
    const eventTimeMs = readInstant('timestamp', record.timestamp, problems)
    if (eventTimeMs !== undefined) feedback.eventTimeMs = eventTimeMs
  }
  if (unknownFields === 'refuse') refuseUnknown(record, problems)
  if (problems.length > 0) throw new RequestProblemsError('REQUEST_INVALID', problems)
  return feedback
}

/** The transaction that a label carries: its own, and alone. */
const readLabelled = (
  record: LabelRecord,
  readTransaction: ReadTransaction,
  problems: FieldProblem[],
): Transaction | undefined => {
  if (isMissing(record.transaction)) return undefined
  for (const field of NAMES) {
    if (isMissing(record[field])) continue
    const allowed = `either transaction, or ${NAMES.join(', ')}`
    problems.push({ field, what: 'stands beside the transaction', allowed, got: shown(record[field]) })
  }
  try {
    const transaction = readTransaction(record.transaction)
    const { transactionId } = transaction
    // A label that is wrong itself is told of by its own field.
    const asked = readText('transaction_id', record.transaction_id, [])
    if (asked === undefined || transactionId === asked) return transaction
    problems.push({
      field: 'transaction.transaction_id',
      what: 'is another',
      allowed: `the label's, ${shown(asked)}`,
      got: shown(transactionId),
    })
  } catch (error) {
    if (!(error instanceof RequestProblemsError)) throw error
    for (const problem of error.problems)
      problems.push({ ...problem, field: ['transaction', problem.field].filter(Boolean).join('.') })
  }
  return undefined
}

/** As files write labels: true, false, 1, 0, and the same as text; null takes a label back. */
const readLabel = (value: unknown, problems: FieldProblem[]): boolean | null => {
  if (typeof value === 'boolean' || value === null) return value
  if (value === 1 || value === 0) return value === 1
  const text = typeof value === 'string' ? value.trim().toLowerCase() : ''
  if (text === 'true' || text === '1' || text === '1.0') return true
  if (text === 'false' || text === '0' || text === '0.0') return false
  const what = isMissing(value) ? 'is missing' : 'is no label'
  problems.push({ field: 'is_fraud', what, allowed: 'true, false, 1, 0 or null', got: shown(value) })
  return false
}

const readOrigin = (value: unknown, problems: FieldProblem[]): ToldOrigin | undefined => {
  if (isMissing(value)) return undefined
  const origin = TOLD_ORIGINS.find((one) => one === value)
  if (origin === undefined)
    problems.push({
      field: 'origin',
      what: 'is no origin of a label',
      allowed: TOLD_ORIGINS.join(', '),
      got: shown(value),
    })
  return origin
}

const refuseUnknown = (record: object, problems: FieldProblem[]): void => {
  for (const name in record) {
    if ((FIELDS as readonly string[]).includes(name)) continue
    problems.push({
      field: name.slice(0, 60),
      what: 'is no field of a label',
      allowed: FIELDS.join(', '),
      got: shown(name),
    })
    if (problems.length >= 20) return
  }
}
