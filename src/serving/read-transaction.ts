import type { InferenceObserver, InferencePipeline } from '../decisions/inference-pipeline.ts'
import { unknownAttributes } from '../transaction/attributes.ts'
import { isInSeconds } from '../transaction/event-time.ts'
import { readRequest } from '../transaction/read-request.ts'
import { RequestProblemsError } from '../transaction/request-problem.ts'
import type { Transaction } from '../transaction/transaction.ts'

/**
 * Reads the JSON of a transaction as the models in service know transactions.
 *
 * @throws REQUEST_TRANSACTION_INVALID with every problem in it
 */
export type ReadTransaction = (body: unknown) => Transaction

/** Who is told of what stands in requests. */
export interface RequestCounts {
  /** How many attributes of a request no model knows, where they are ignored. */
  readonly countUnknownAttributes: (attributes: number) => void
  readonly observer: Pick<InferenceObserver, 'mistimed'>
}

export const createTransactionReader = (
  pipeline: Pick<InferencePipeline, 'shape'>,
  unknownFields: 'refuse' | 'ignore',
  { countUnknownAttributes, observer }: RequestCounts,
): ReadTransaction => {
  const read = (body: unknown): Transaction => {
    try {
      return readRequest(body, pipeline.shape, unknownFields)
    } catch (error) {
      throw tellSeconds(error, observer)
    }
  }
  if (unknownFields === 'refuse') return read
  return (body) => {
    const transaction = read(body)
    const { attributes } = body as { readonly attributes?: unknown }
    if (attributes !== undefined)
      countUnknownAttributes(unknownAttributes(attributes, pipeline.shape.attributes).length)
    return transaction
  }
}

/**
 * Counts a transaction that cannot be read because its time is in seconds with a fraction; the clock of the
 * pipeline tells of whole ones. @returns the error
 */
export const tellSeconds = (error: unknown, observer: RequestCounts['observer']): unknown => {
  if (error instanceof RequestProblemsError && error.problems.some(isInSeconds)) observer.mistimed('seconds')
  return error
}

const PREFIX = 'attributes.'

/**
 * A row whose attributes stand beside its fields, as protocols of flat columns have them, as a transaction:
 * `attributes.age` becomes `age` in `attributes`, beside those that stand there already. One that is given
 * twice becomes a list of both, which no attribute is, so that the row is refused rather than half of it
 * read.
 */
export const nestAttributes = (
  entries: Iterable<readonly [string, unknown]>,
): Readonly<Record<string, unknown>> => {
  const fields: [string, unknown][] = []
  const attributes: [string, unknown][] = []
  for (const [name, value] of entries) {
    if (name.startsWith(PREFIX)) attributes.push([name.slice(PREFIX.length), value])
    else fields.push([name, value])
  }
  // From entries, so that `__proto__` is a name like any other.
  const row = Object.fromEntries(fields)
  if (attributes.length === 0) return row
  const nested = row['attributes'] ?? {}
  if (typeof nested !== 'object' || Array.isArray(nested)) return row
  const values = new Map(Object.entries(nested))
  for (const [name, value] of attributes)
    values.set(name, values.has(name) ? [values.get(name), value] : value)
  return { ...row, attributes: Object.fromEntries(values) }
}
