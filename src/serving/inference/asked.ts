import type { Scorer } from '../../model/scorer.ts'
import { TRANSACTION_FIELDS } from '../../transaction/fields.ts'
import { type FieldProblem, RequestProblemsError, shown } from '../../transaction/request-problem.ts'
import { nullForNaN } from '../bare-nan.ts'
import type { ParseJson } from '../json-bodies.ts'
import { nestAttributes } from '../read-transaction.ts'
import { type InputTensor, TRANSACTION } from './infer-request.ts'
import { shortestOfSingle } from './tensor-data.ts'

/** The tensor whose rows are the model's features, ready, in its order. */
export const FEATURES = 'features'

/** What the tensors of a request ask about. */
export type Asked =
  | { readonly kind: 'transactions'; readonly rows: readonly unknown[] }
  /** The vectors one after the other, NaN where a feature is missing. */
  | { readonly kind: 'features'; readonly vectors: Float64Array; readonly rows: number }

export interface AskedOptions {
  readonly scorer: Pick<Scorer, 'featureNames'>
  readonly parseJson: ParseJson
}

/**
 * What tensors ask about, in one of three ways: a tensor for each field of a transaction, `transaction` with
 * one JSON text for each, or `features` with one vector for each.
 *
 * @throws REQUEST_INVALID with every problem that was found
 */
export const readAsked = (
  tensors: readonly InputTensor[],
  { scorer: { featureNames }, parseJson }: AskedOptions,
): Asked => {
  const whole = tensors.find(({ name }) => name === TRANSACTION || name === FEATURES)
  if (whole === undefined) return { kind: 'transactions', rows: rowsOfColumns(tensors) }
  if (tensors.length > 1)
    throw problem(
      whole.name,
      'comes beside others',
      'this tensor alone',
      tensors.map(({ name }) => name),
    )
  if (whole.name === FEATURES) return readFeatures(whole, featureNames)
  return { kind: 'transactions', rows: readTransactions(whole, parseJson) }
}

/** Most tensors of one request. */
export const mostTensors = (attributes: number): number => 2 * (TRANSACTION_FIELDS.length + attributes)

const rowsOfColumns = (tensors: readonly InputTensor[]): readonly unknown[] => {
  for (const { name, shape } of tensors) assertColumn(name, shape)
  const lengths = [...new Set(tensors.map(({ data }) => data.length))]
  if (lengths.length > 1)
    throw problem('inputs', 'have tensors of different lengths', 'one value for each transaction', lengths)
  const columns = tensors.map(({ name, datatype, data }) => {
    const isSingle = datatype === 'FP32' || datatype === 'FP16'
    const read = (value: unknown) => (typeof value === 'number' ? shortestOfSingle(value) : value)
    return [name, isSingle ? data.map(read) : data] as const
  })
  return Array.from({ length: lengths[0] ?? 0 }, (_, row) =>
    nestAttributes(
      columns
        .map(([name, data]) => [name, data[row]] as const)
        .filter(([, value]) => value !== null && !Number.isNaN(value)),
    ),
  )
}

const assertColumn = (name: string, shape: readonly number[]): void => {
  const [, width = 1, ...more] = shape
  if (width !== 1 || more.length > 0)
    throw problem(name.slice(0, 60), 'has another shape', '[n] or [n, 1]', shape)
}

const readTransactions = ({ name, datatype, shape, data }: InputTensor, parseJson: ParseJson) => {
  assertColumn(name, shape)
  if (datatype !== 'BYTES') throw problem(name, 'has another datatype', 'BYTES', datatype)
  const problems: FieldProblem[] = []
  const rows = data.map((element, row) => {
    if (typeof element !== 'string') return element
    try {
      return parseJson(Buffer.from(element), nullForNaN)
    } catch {
      const allowed = 'the JSON of a transaction, as POST /predict takes it'
      if (problems.length < MOST_PROBLEMS)
        problems.push({ field: `[${row}].${name}`, what: 'is no JSON', allowed, got: shown(element) })
      return undefined
    }
  })
  if (problems.length > 0) throw new RequestProblemsError('REQUEST_INVALID', problems)
  return rows
}

const MOST_PROBLEMS = 100

const readFeatures = (
  { name, datatype, shape, data }: InputTensor,
  featureNames: readonly string[],
): Asked => {
  const width = featureNames.length
  const [rows = 0, ...others] = shape
  if (others.length !== 1 || others[0] !== width)
    throw problem(name, 'has another shape', `[n, ${width}]: one value for each feature of the model`, shape)
  if (datatype === 'BYTES')
    throw problem(name, 'has another datatype', 'FP64, FP32 or another number', datatype)
  const vectors = Float64Array.from(data, (value) => (value === null ? Number.NaN : Number(value)))
  const infinite = vectors.findIndex(
    (value) => value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY,
  )
  if (infinite >= 0) {
    const place = `[${Math.floor(infinite / width)}].${featureNames[infinite % width]}`
    throw problem(
      place,
      'is infinite',
      'a finite number, or NaN where it is missing',
      String(vectors[infinite]),
    )
  }
  return { kind: 'features', vectors, rows }
}

const problem = (field: string, what: string, allowed: string, got: unknown): RequestProblemsError =>
  new RequestProblemsError('REQUEST_INVALID', [{ field, what, allowed, got: shown(got) }])
