import type { DescMessage, JsonValue, MessageShape } from '@bufbuild/protobuf'
import { create } from '@bufbuild/protobuf'
import { type FieldProblem, RequestProblemsError } from '../../transaction/request-problem.ts'
import { JSON_LENGTH } from '../inference/infer-bodies.ts'
import { encodeTensor, isDatatype, type WrittenDatatype, whole } from '../inference/tensor-data.ts'
import type { Contents, ModelInferRequest, Parameters } from './services.ts'

/** The list of `InferTensorContents` in which elements of a type stand, as generated code names it. */
const LISTS: Readonly<Record<WrittenDatatype, string>> = {
  BOOL: 'boolContents',
  INT8: 'intContents',
  INT16: 'intContents',
  INT32: 'intContents',
  INT64: 'int64Contents',
  UINT8: 'uintContents',
  UINT16: 'uintContents',
  UINT32: 'uintContents',
  UINT64: 'uint64Contents',
  FP32: 'fp32Contents',
  FP64: 'fp64Contents',
  BYTES: 'bytesContents',
}

/** The body of POST .../infer that asks the same, and the length of the JSON in front of it. */
export interface InferBody {
  readonly body: Buffer
  readonly jsonLength: number
}

/**
 * A call as the request over HTTP that asks the same: all tensors as bytes, so that no number is rounded.
 * Answers come as bytes when the inputs did, and in typed lists otherwise.
 *
 * @throws REQUEST_INVALID for elements in no list of their type; the rest is for the route to judge
 */
export const inferBodyOf = (request: ModelInferRequest): InferBody => {
  const { id, inputs, outputs, parameters, rawInputContents: raw } = request
  const problems: FieldProblem[] = []
  if (raw.length > 0 && raw.length !== inputs.length)
    problems.push({
      field: 'raw_input_contents',
      what: 'are not those of the inputs',
      allowed: `${inputs.length} of them, or none and contents in each input`,
      got: String(raw.length),
    })
  const tensors: Uint8Array[] = []
  const told = inputs.map(({ name, datatype, shape, parameters, contents }, index) => {
    if (raw.length > 0 && Object.values(LISTS).some((list) => (contents?.[list]?.length ?? 0) > 0))
      problems.push({
        field: `inputs[${index}].contents`,
        what: 'come beside raw_input_contents',
        allowed: 'one of the two',
        got: 'both',
      })
    const bytes = raw[index] ?? bytesOf(datatype, contents, `inputs[${index}].contents`, problems)
    tensors.push(bytes)
    return {
      name,
      datatype,
      shape: shape.map(Number),
      parameters: { ...valuesOf(parameters), binary_data_size: bytes.length },
    }
  })
  if (problems.length > 0) throw new RequestProblemsError('REQUEST_INVALID', problems)
  const json = Buffer.from(
    JSON.stringify({
      ...(id !== '' && { id }),
      parameters: { ...valuesOf(parameters), binary_data_output: raw.length > 0 },
      inputs: told,
      ...(outputs.length > 0 && {
        outputs: outputs.map(({ name, parameters }) => ({ name, parameters: wantedOf(parameters) })),
      }),
    }),
  )
  return { body: Buffer.concat([json, ...tensors]), jsonLength: json.length }
}

/** The bytes of typed elements; none, and a problem, when they are not where their type says. */
const bytesOf = (
  datatype: string,
  contents: Contents = {},
  field: string,
  problems: FieldProblem[],
): Uint8Array => {
  // The route says which types there are.
  if (!isDatatype(datatype)) return NO_BYTES
  const list = datatype === 'FP16' ? undefined : LISTS[datatype]
  const used = Object.values(LISTS).find((name) => name !== list && (contents[name]?.length ?? 0) > 0)
  if (used !== undefined || list === undefined || datatype === 'FP16') {
    const allowed = list === undefined ? 'raw_input_contents, as FP16 has no list' : wireName(list)
    const what = `are not where those of ${datatype} stand`
    problems.push({ field, what, allowed, got: used === undefined ? 'none' : wireName(used) })
    return NO_BYTES
  }
  try {
    return encodeTensor(datatype, contents[list] ?? [])
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    problems.push({ field, what: `have one that is no ${datatype}`, allowed: datatype, got: error.message })
    return NO_BYTES
  }
}

const NO_BYTES = new Uint8Array(0)

const wireName = (list: string): string => list.replace('Contents', '_contents')

/** All outputs come in the one way: raw ones are found by their places. */
const wantedOf = (parameters: Parameters): Record<string, unknown> => {
  const { binary_data: _, ...wanted } = valuesOf(parameters)
  return wanted
}

/** Parameters as JSON has them. */
const valuesOf = (parameters: Parameters): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(parameters).map(([name, { parameterChoice }]) => [name, plain(parameterChoice.value)]),
  )

const plain = (value: unknown): unknown => (typeof value === 'bigint' ? whole(value) : (value ?? null))

/** An output as the JSON of an answer tells of it. */
interface ToldOutput {
  readonly name: string
  readonly datatype: WrittenDatatype
  readonly shape: readonly number[]
  readonly data?: readonly unknown[]
  readonly parameters?: { readonly binary_data_size: number }
}

interface ToldAnswer {
  readonly model_name: string
  readonly model_version: string
  readonly id?: string
  readonly outputs: readonly ToldOutput[]
}

/** `ModelInferResponse` of an answer over HTTP. */
export const inferAnswerOf = (
  schema: DescMessage,
  headers: Readonly<Record<string, unknown>>,
  body: Buffer,
): MessageShape<DescMessage> => {
  const jsonLength = Number(headers[JSON_LENGTH] ?? body.length)
  const { model_name, model_version, id, outputs } = JSON.parse(
    body.toString('utf8', 0, jsonLength),
  ) as JsonValue & ToldAnswer
  let at = jsonLength
  const raw: Uint8Array[] = []
  const told = outputs.map(({ name, datatype, shape, data, parameters }) => {
    const described = { name, datatype, shape: shape.map(BigInt) }
    if (data !== undefined)
      return { ...described, contents: { [LISTS[datatype]]: elementsOf(datatype, data) } }
    const end = at + (parameters?.binary_data_size ?? 0)
    raw.push(body.subarray(at, end))
    at = end
    return described
  })
  return create(schema, {
    modelName: model_name,
    modelVersion: model_version,
    ...(id !== undefined && { id }),
    outputs: told,
    rawOutputContents: raw,
  } as Readonly<Record<string, unknown>>)
}

const elementsOf = (datatype: WrittenDatatype, data: readonly unknown[]): readonly unknown[] =>
  datatype === 'BYTES' ? data.map((text) => Buffer.from(String(text))) : data
