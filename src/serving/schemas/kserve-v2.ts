import { Type } from 'typebox'
import { named } from './named.ts'

const DATATYPES = [
  'BOOL',
  'UINT8',
  'UINT16',
  'UINT32',
  'UINT64',
  'INT8',
  'INT16',
  'INT32',
  'INT64',
  'FP16',
  'FP32',
  'FP64',
  'BYTES',
] as const

const parameters = Type.Optional(
  Type.Unsafe({ type: 'object', additionalProperties: true, description: 'Ignored.' }),
)

export const InferBody = named(
  'InferenceRequest',
  Type.Object(
    {
      id: Type.Optional(Type.String({ description: 'Comes back in the answer.' })),
      parameters,
      inputs: Type.Array(
        Type.Object({
          name: Type.String({ description: 'A field of a transaction.' }),
          shape: Type.Array(Type.Integer({ minimum: 0 }), { description: '[n] or [n, 1].' }),
          datatype: Type.Unsafe({ type: 'string', enum: DATATYPES }),
          parameters,
          data: Type.Array(Type.Unknown(), {
            description: 'One value for each transaction; null where missing.',
          }),
        }),
      ),
      outputs: Type.Optional(Type.Array(Type.Object({ name: Type.String(), parameters }))),
    },
    {
      description: 'One tensor for each field of the transactions.',
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
  shape: Type.Array(Type.Integer()),
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
