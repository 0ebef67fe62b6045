import { Type } from 'typebox'
import { MOST_REASONS } from '../routes/asked-reasons.ts'
import { named, refTo } from './named.ts'
import { EXAMPLE_TRANSACTION, TransactionBody } from './transaction.ts'

export const Alive = named('Alive', Type.Object({ status: Type.Literal('alive') }))

export const ModelNames = named(
  'ModelNames',
  Type.Object({ models: Type.Array(Type.String(), { description: 'The champion.' }) }),
)

export const AskedReasons = named(
  'AskedReasons',
  Type.Object(
    { reasons: Type.Optional(Type.Integer({ minimum: 0, maximum: MOST_REASONS, default: 0 })) },
    { additionalProperties: false, description: 'How many reasons to give, strongest first.' },
  ),
)

export const Instances = named(
  'Instances',
  Type.Object(
    {
      instances: Type.Array(refTo(TransactionBody), { minItems: 1 }),
      parameters: Type.Optional(refTo(AskedReasons)),
    },
    {
      additionalProperties: false,
      description: 'Transactions, each as POST /predict takes it.',
      examples: [{ instances: [EXAMPLE_TRANSACTION] }],
    },
  ),
)
