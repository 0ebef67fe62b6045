import { Type } from 'typebox'
import { named, refTo } from './named.ts'
import { EXAMPLE_TRANSACTION, TransactionBody } from './transaction.ts'

export const Alive = named('Alive', Type.Object({ status: Type.Literal('alive') }))

export const ModelNames = named(
  'ModelNames',
  Type.Object({ models: Type.Array(Type.String(), { description: 'The champion.' }) }),
)

export const Instances = named(
  'Instances',
  Type.Object(
    { instances: Type.Array(refTo(TransactionBody), { minItems: 1 }) },
    {
      additionalProperties: false,
      description: 'Transactions, each as POST /predict takes it.',
      examples: [{ instances: [EXAMPLE_TRANSACTION] }],
    },
  ),
)
