import type { InferencePipeline } from '../decisions/inference-pipeline.ts'
import { unknownAttributes } from '../transaction/attributes.ts'
import { readRequest } from '../transaction/read-request.ts'
import type { Transaction } from '../transaction/transaction.ts'

/**
 * Reads the JSON of a transaction as the models in service know transactions.
 *
 * @throws REQUEST_TRANSACTION_INVALID with every problem in it
 */
export type ReadTransaction = (body: unknown) => Transaction

/** @param countUnknown told how many attributes of a request no model knows, where they are ignored */
export const createTransactionReader = (
  pipeline: Pick<InferencePipeline, 'shape'>,
  unknownFields: 'refuse' | 'ignore',
  countUnknown: (attributes: number) => void,
): ReadTransaction => {
  if (unknownFields === 'refuse') return (body) => readRequest(body, pipeline.shape, 'refuse')
  return (body) => {
    const { shape } = pipeline
    const transaction = readRequest(body, shape, 'ignore')
    const { attributes } = body as { readonly attributes?: unknown }
    if (attributes !== undefined) countUnknown(unknownAttributes(attributes, shape.attributes).length)
    return transaction
  }
}

const PREFIX = 'attributes.'

/**
 * A row whose attributes stand beside its fields, as protocols of flat columns have them, as a transaction:
 * `attributes.age` becomes `age` in `attributes`.
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
  return attributes.length === 0 ? row : { attributes: Object.fromEntries(attributes), ...row }
}
