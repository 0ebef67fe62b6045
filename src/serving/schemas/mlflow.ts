import { Type } from 'typebox'
import { AskedReasons } from './kserve-v1.ts'
import { named, refTo } from './named.ts'
import { PredictionAnswer } from './prediction.ts'
import { EXAMPLE_TRANSACTION, TransactionBody } from './transaction.ts'

const columns = Object.keys(EXAMPLE_TRANSACTION)

export const InvocationsBody = named(
  'Invocations',
  Type.Object(
    {
      dataframe_split: Type.Optional(
        Type.Object({
          columns: Type.Array(Type.String()),
          index: Type.Optional(Type.Unknown({ description: 'Ignored.' })),
          data: Type.Array(Type.Array(Type.Unknown())),
        }),
      ),
      dataframe_records: Type.Optional(Type.Array(refTo(TransactionBody))),
      instances: Type.Optional(Type.Array(refTo(TransactionBody))),
      inputs: Type.Optional(
        Type.Union([
          Type.Array(refTo(TransactionBody)),
          Type.Record(Type.String(), Type.Array(Type.Unknown())),
        ]),
      ),
      params: Type.Optional(refTo(AskedReasons)),
      parameters: Type.Optional(refTo(AskedReasons)),
    },
    {
      description:
        'Exactly one of the four ways in which MLflow writes rows, each a transaction; or a transaction by itself. A bare list of transactions is taken too.',
      oneOf: ['dataframe_split', 'dataframe_records', 'instances', 'inputs', 'transaction_id'].map(
        (format) => ({
          required: [format],
        }),
      ),
      examples: [{ dataframe_split: { columns, data: [Object.values(EXAMPLE_TRANSACTION)] } }],
    },
  ),
)

export const InvocationsTable = named(
  'InvocationsTable',
  Type.Unsafe({
    type: 'string',
    description:
      'Rows as CSV with a header line, separated by commas; or lines, each a transaction as JSON. An empty cell is missing; so are NaN and NaT in columns of numbers and times.',
  }),
)

export const InvocationsAnswer = named(
  'InvocationsAnswer',
  Type.Object(
    { predictions: Type.Array(refTo(PredictionAnswer)) },
    { description: 'One decision for each row, in their order.' },
  ),
)

export const MlflowError = named(
  'MlflowError',
  Type.Object(
    {
      error_code: Type.String(),
      message: Type.String(),
      error: Type.Unsafe({ $ref: 'Error#/properties/error' }),
    },
    { description: "An error as MLflow's clients expect it, and as everywhere else." },
  ),
)
