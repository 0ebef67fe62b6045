import { closest, distance } from 'fastest-levenshtein'
import { readAttributes } from './attributes.ts'
import { baseProblem } from './base-amount.ts'
import {
  LARGEST_LATITUDE,
  LARGEST_LONGITUDE,
  type RequestField,
  TRANSACTION_FIELDS,
  type TransactionField,
} from './fields.ts'
import {
  readAmountMinor,
  readCurrency,
  readDegrees,
  readInstant,
  readRequiredText,
  readText,
} from './read-fields.ts'
import { type FieldProblem, RequestProblemsError, shown } from './request-problem.ts'
import { NO_SHAPE, type TransactionShape } from './shape.ts'
import type { Transaction } from './transaction.ts'

/** The fields of a transaction as requests name them, in the order of the API. */
export const REQUEST_FIELDS: readonly RequestField[] = TRANSACTION_FIELDS.map(({ wire }) => wire)

const KNOWN: ReadonlySet<string> = new Set([...REQUEST_FIELDS, 'attributes'])

/** What `JSON.parse` gave for a transaction. */
type RequestRecord = { readonly [K in RequestField | 'attributes']?: unknown }

/**
 * The transaction that a request's JSON writes. Optional fields that are null or empty are missing.
 *
 * @param shape what transactions have beside the fields, and which amounts they have (default: `NO_SHAPE`)
 * @param unknownFields default refuse: a misspelt field would go unnoticed, and with it what it says
 * @throws REQUEST_TRANSACTION_INVALID with every problem in it
 */
export const readRequest = (
  body: unknown,
  shape: TransactionShape = NO_SHAPE,
  unknownFields: 'refuse' | 'ignore' = 'refuse',
): Transaction => {
  const problems: FieldProblem[] = []
  const transaction = isRecord(body) ? readRecord(body, shape, problems) : notARecord(body, problems)
  if (isRecord(body)) {
    const attributes = readAttributes(body.attributes, shape.attributes, unknownFields, problems)
    if (attributes !== undefined) transaction.attributes = attributes
    if (unknownFields === 'refuse') refuseUnknown(body, shape, problems)
    // Of a transaction that can be read: else the amount, the rate or the currency has a problem of its own.
    const isWhole = problems.length === 0 && shape.hasRateInTable !== true
    const problem = isWhole ? baseProblem(transaction, shape.amounts) : undefined
    if (problem !== undefined) problems.push(problem)
  }
  if (problems.length > 0) throw new RequestProblemsError('REQUEST_TRANSACTION_INVALID', problems)
  return transaction
}

const isRecord = (body: unknown): body is RequestRecord =>
  typeof body === 'object' && body !== null && !Array.isArray(body)

/**
 * By hand, because a loop over the table takes four tenths longer. The compiler asks for every field in
 * `transaction` and `read`, a test for every line below them.
 */
const readRecord = (
  body: RequestRecord,
  { hasUsers, amounts }: TransactionShape,
  problems: FieldProblem[],
): Transaction => {
  const transactionId = readRequiredText('transaction_id', body.transaction_id, problems) ?? ''
  const userId = (hasUsers ? readRequiredText : readText)('user_id', body.user_id, problems)
  const transaction: Transaction = {
    transactionId,
    eventTimeMs: readInstant('timestamp', body.timestamp, problems) ?? 0,
    amountMinor: readAmountMinor('amount', body.amount, amounts, problems) ?? 0,
  }
  const read = {
    currency: readCurrency('currency', body.currency, amounts, problems),
    merchantId: readText('merchant_id', body.merchant_id, problems),
    merchantCategory: readText('merchant_category', body.merchant_category, problems),
    transactionType: readText('transaction_type', body.transaction_type, problems),
    deviceId: readText('device_id', body.device_id, problems),
    deviceType: readText('device_type', body.device_type, problems),
    location: readText('location', body.location, problems),
    latitude: readDegrees('latitude', body.latitude, LARGEST_LATITUDE, problems),
    longitude: readDegrees('longitude', body.longitude, LARGEST_LONGITUDE, problems),
    reverses: readText('reverses', body.reverses, problems),
  } satisfies Record<OptionalName, unknown>
  if (userId !== undefined) transaction.userId = userId
  if (read.currency !== undefined) transaction.currency = read.currency
  if (read.merchantId !== undefined) transaction.merchantId = read.merchantId
  if (read.merchantCategory !== undefined) transaction.merchantCategory = read.merchantCategory
  if (read.transactionType !== undefined) transaction.transactionType = read.transactionType
  if (read.deviceId !== undefined) transaction.deviceId = read.deviceId
  if (read.deviceType !== undefined) transaction.deviceType = read.deviceType
  if (read.location !== undefined) transaction.location = read.location
  if (read.latitude !== undefined) transaction.latitude = read.latitude
  if (read.longitude !== undefined) transaction.longitude = read.longitude
  if (read.reverses !== undefined) transaction.reverses = read.reverses
  return transaction
}

type OptionalName = Exclude<Extract<TransactionField, { readonly required: false }>['name'], 'userId'>

const notARecord = (body: unknown, problems: FieldProblem[]): Transaction => {
  problems.push({ field: '', what: 'is no transaction', allowed: 'a JSON object', got: shown(body) })
  return { transactionId: '', eventTimeMs: 0, amountMinor: 0 }
}

const refuseUnknown = (body: RequestRecord, shape: TransactionShape, problems: FieldProblem[]): void => {
  for (const name in body) {
    if (KNOWN.has(name)) continue
    problems.push({
      field: name.slice(0, 60),
      what: 'is no field of a transaction',
      allowed: allowedInstead(name, shape),
      got: shown(name),
    })
    // Report a few of them: a body may hold a million unknown names.
    if (problems.length >= MOST_PROBLEMS) return
  }
}

const MOST_PROBLEMS = 20

const allowedInstead = (name: string, { attributes }: TransactionShape): string => {
  if (name === 'is_fraud' || name === 'labelled_at') return 'nothing; labels are told to POST /feedback'
  if (attributes.some((attribute) => attribute.name === name)) return `attributes.${name}`
  const near = closest(name.slice(0, 60), REQUEST_FIELDS)
  const isNear = distance(name.slice(0, 60), near) <= Math.max(2, Math.floor(near.length * 0.4))
  return isNear ? `did you mean "${near}"?` : REQUEST_FIELDS.join(', ')
}
