import { type FieldProblem, RequestProblemsError, shown } from '../../transaction/request-problem.ts'
import { DATATYPES, type Datatype, decodeTensor, isDatatype, jsonTypeOf } from './tensor-data.ts'

/** A tensor of a request, however it came: its elements in one row, null where JSON has null. */
export interface InputTensor {
  readonly name: string
  readonly datatype: Datatype
  /** Its product is the number of elements. */
  readonly shape: readonly number[]
  readonly data: readonly unknown[]
}

/** An output that is wanted. */
export interface WantedOutput {
  readonly name: string
  /** Behind the JSON of the answer, as bytes. */
  readonly isBinary: boolean
}

/** What a request of the Open Inference Protocol says. */
export interface InferRequest {
  readonly id?: string
  readonly tensors: readonly InputTensor[]
  /** Undefined: all that there are. */
  readonly outputs?: readonly WantedOutput[]
  /** Of outputs that are not named. */
  readonly isBinary: boolean
}

/** What may come in one request. */
export interface InferLimits {
  readonly tensors: number
}

type Json = Readonly<Record<string, unknown>>

/**
 * Reads the JSON of a request and the bytes behind it: each tensor has its data in the JSON, or says in
 * `parameters.binary_data_size` how many of the bytes are its own, in the order of the tensors.
 *
 * @throws REQUEST_INVALID with every problem that was found
 */
export const readInferRequest = (body: unknown, binary: Buffer, limits: InferLimits): InferRequest => {
  const { id, inputs, outputs, parameters } = recordOf(body)
  const problems: FieldProblem[] = []
  if (id !== undefined && typeof id !== 'string')
    problems.push({ field: 'id', what: 'is no text', allowed: 'text', got: shown(id) })
  const tensors = readTensors(inputs, binary, limits, problems)
  const isBinary = recordOf(parameters)['binary_data_output'] === true
  const wanted = readOutputs(outputs, isBinary, problems)
  if (problems.length > 0) throw new RequestProblemsError('REQUEST_INVALID', problems)
  return {
    ...(typeof id === 'string' && { id }),
    tensors,
    ...(wanted !== undefined && { outputs: wanted }),
    isBinary,
  }
}

const recordOf = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {}

const TENSOR = '{name, shape, datatype, and data or parameters.binary_data_size}'

const readTensors = (
  inputs: unknown,
  binary: Buffer,
  limits: InferLimits,
  problems: FieldProblem[],
): readonly InputTensor[] => {
  if (!Array.isArray(inputs) || inputs.length === 0 || inputs.length > limits.tensors) {
    const allowed = `a list of 1 to ${limits.tensors} tensors`
    problems.push({ field: 'inputs', what: 'is no list of tensors', allowed, got: shown(inputs) })
    return []
  }
  const tensors = new Map<string, InputTensor>()
  let left = binary
  for (const [index, input] of inputs.entries()) {
    const field = `inputs[${index}]`
    const size = recordOf(recordOf(input)['parameters'])['binary_data_size']
    const bytes = size === undefined ? undefined : takenFrom(left, size)
    if (typeof bytes === 'string') {
      const allowed = `a whole number from 0 to ${left.length}, the bytes that are left`
      problems.push({ field: `${field}.parameters.binary_data_size`, what: bytes, allowed, got: shown(size) })
      // Where the next tensor begins is not known.
      return []
    }
    if (bytes !== undefined) left = left.subarray(bytes.length)
    const tensor = readTensor(input, bytes)
    if (typeof tensor === 'string') problems.push({ field, what: tensor, allowed: TENSOR, got: shown(input) })
    else if (tensors.has(tensor.name)) {
      const allowed = 'one tensor for each name'
      problems.push({ field, what: 'comes a second time', allowed, got: shown(tensor.name) })
    } else tensors.set(tensor.name, tensor)
  }
  if (left.length > 0) {
    const allowed = 'as many bytes behind the JSON as its tensors say'
    problems.push({ field: 'inputs', what: 'leave bytes over', allowed, got: `${left.length} more` })
  }
  return [...tensors.values()]
}

/** The first bytes of `left`; half a sentence when they are not there. */
const takenFrom = (left: Buffer, size: unknown): Buffer | string => {
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return 'is no number of bytes'
  return size > left.length ? 'is more than what came behind the JSON' : left.subarray(0, size)
}

/** A tensor, or what is wrong with it. */
const readTensor = (input: unknown, bytes: Buffer | undefined): InputTensor | string => {
  const { name, shape, datatype, data, parameters } = recordOf(input)
  if (typeof name !== 'string') return 'has no name'
  if (!isDatatype(datatype)) return `has a datatype that is none of ${DATATYPES.join(', ')}`
  if (!Array.isArray(shape) || shape.length === 0 || !shape.every(isSize))
    return 'has a shape that is no list of whole numbers from 0 on'
  const count = (shape as readonly number[]).reduce((product, size) => product * size, 1)
  if (bytes !== undefined) {
    if (data !== undefined) return 'has data and binary_data_size: one of them is its own'
    const decoded = decodeTensor(datatype, bytes, count)
    return typeof decoded === 'string' ? decoded : { name, datatype, shape, data: decoded }
  }
  if (!Array.isArray(data))
    return 'shared_memory_region' in recordOf(parameters)
      ? 'is in shared memory, which is not read here'
      : 'has no data'
  const values = data.flat(shape.length - 1) as readonly unknown[]
  if (values.length !== count) return `has ${values.length} values of data where its shape says ${count}`
  if (values.every((value) => isOfType(value, datatype, name))) return { name, datatype, shape, data: values }
  return `has data that is not ${datatype}`
}

const isSize = (size: unknown): size is number =>
  typeof size === 'number' && Number.isSafeInteger(size) && size >= 0

/** The tensor whose elements are transactions as JSON: objects, or their text. */
export const TRANSACTION = 'transaction'

const isOfType = (value: unknown, datatype: Datatype, name: string): boolean =>
  value === null ||
  typeof value === jsonTypeOf(datatype) ||
  (name === TRANSACTION && datatype === 'BYTES' && typeof value === 'object')

const readOutputs = (
  outputs: unknown,
  isBinary: boolean,
  problems: FieldProblem[],
): readonly WantedOutput[] | undefined => {
  if (outputs === undefined || outputs === null) return undefined
  const allowed = 'a list of {name} without a second one of the same name'
  if (!Array.isArray(outputs) || outputs.length > MOST_OUTPUTS) {
    problems.push({ field: 'outputs', what: 'is no list of outputs', allowed, got: shown(outputs) })
    return undefined
  }
  const wanted = outputs.map((output, index): WantedOutput => {
    const { name, parameters } = recordOf(output)
    const { binary_data, classification } = recordOf(parameters)
    const field = `outputs[${index}]`
    if (typeof name !== 'string') problems.push({ field, what: 'has no name', allowed, got: shown(output) })
    if (classification !== undefined) {
      const values = { allowed: 'outputs as they are', got: shown(classification) }
      problems.push({ field, what: 'asks for a classification', ...values })
    }
    return { name: String(name), isBinary: typeof binary_data === 'boolean' ? binary_data : isBinary }
  })
  if (new Set(wanted.map(({ name }) => name)).size < wanted.length)
    problems.push({ field: 'outputs', what: 'name one twice', allowed, got: shown(outputs) })
  return wanted.length === 0 ? undefined : wanted
}

const MOST_OUTPUTS = 100
