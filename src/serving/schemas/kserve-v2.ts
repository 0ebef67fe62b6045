import { Type } from 'typebox'
import { DATATYPES } from '../inference/tensor-data.ts'
import { named } from './named.ts'

const parametersOf = (read: string) =>
  Type.Optional(
    Type.Unsafe({
      type: 'object',
      additionalProperties: true,
      description: `${read} Others are ignored.`,
    }),
  )

export const InferBody = named(
  'InferenceRequest',
  Type.Object(
    {
      id: Type.Optional(Type.String({ description: 'Comes back in the answer.' })),
      parameters: parametersOf('binary_data_output: all outputs that say nothing else are binary.'),
      inputs: Type.Array(
        Type.Object({
          name: Type.String({
            description:
              'A field of a transaction, or attributes.name; or transaction, the JSON of each; or features, a vector for each.',
          }),
          shape: Type.Array(Type.Integer({ minimum: 0 }), {
            description: '[n] or [n, 1]; of features [n, how many the model has].',
          }),
          datatype: Type.Unsafe({ type: 'string', enum: DATATYPES }),
          parameters: parametersOf('binary_data_size: how many of the bytes behind the JSON are its data.'),
          data: Type.Optional(
            Type.Array(Type.Unknown(), {
              description: 'One value for each transaction; null or a bare NaN where missing.',
            }),
          ),
        }),
      ),
      outputs: Type.Optional(
        Type.Array(
          Type.Object({
            name: Type.String(),
            parameters: parametersOf('binary_data: whether its data stands behind the JSON of the answer.'),
          }),
        ),
      ),
    },
    {
      description: 'One tensor for each field of the transactions, or one of transactions or of features.',
      examples: [
        {
          id: '42',
          inputs: [
            { name: 'transaction_id', shape: [1], datatype: 'BYTES', data: ['tx-2026-000001'] },
            { name: 'user_id', shape: [1], datatype: 'BYTES', data: ['user-1042'] },
            { name: 'timestamp', shape: [1], datatype: 'BYTES', data: ['2026-03-14T09:26:53.589Z'] },
            { name: 'amount', shape: [1], datatype: 'FP64', data: [42.5] },
          ],
        },
      ],
    },
  ),
)

export const BinaryInference = named(
  'BinaryInference',
  Type.Unsafe({
    type: 'string',
    format: 'binary',
    description:
      'The JSON of a request or an answer, as long as the header Inference-Header-Content-Length says, and behind it the data of the tensors that have binary_data_size, in their order: little-endian, elements of BYTES with four bytes of length in front.',
  }),
)

const tensor = Type.Object({
  name: Type.String(),
  shape: Type.Array(Type.Integer()),
  datatype: Type.String(),
  data: Type.Array(Type.Unknown()),
})

export const InferAnswer = named(
  'InferenceResponse',
  Type.Object({
    model_name: Type.String(),
    model_version: Type.Optional(Type.String()),
    id: Type.Optional(Type.String()),
    outputs: Type.Array(tensor),
  }),
)

const tensorMetadata = Type.Object({
  name: Type.String(),
  datatype: Type.String(),
  shape: Type.Array(Type.Integer(), { description: '-1: as many as there are rows.' }),
  parameters: Type.Optional(
    Type.Object({
      content_type: Type.Optional(Type.String({ description: 'Of its texts.' })),
      feature_names: Type.Optional(Type.Array(Type.String(), { description: 'In their order.' })),
    }),
  ),
})

export const ModelMetadata = named(
  'ModelMetadata',
  Type.Object({
    name: Type.String(),
    versions: Type.Array(Type.String()),
    platform: Type.String(),
    inputs: Type.Array(tensorMetadata),
    outputs: Type.Array(tensorMetadata),
  }),
)

export const ServerMetadata = named(
  'ServerMetadata',
  Type.Object({ name: Type.String(), version: Type.String(), extensions: Type.Array(Type.String()) }),
)

export const ServerLive = named('ServerLive', Type.Object({ live: Type.Boolean() }))

export const ServerReady = named('ServerReady', Type.Object({ ready: Type.Boolean(), live: Type.Boolean() }))

export const ModelReady = named('ModelReady', Type.Object({ name: Type.String(), ready: Type.Boolean() }))

export const InferenceError = named(
  'InferenceError',
  Type.Object(
    { error: Type.String() },
    { description: 'The code of the error, what failed, and what to do next.' },
  ),
)
