import { type Static, Type } from 'typebox'
import type { App } from '../dependencies.ts'
import { refTo } from '../schemas/named.ts'
import { EXAMPLE_TRANSACTION, TransactionAnswer } from '../schemas/transaction.ts'
import type { RouteContext } from './route-context.ts'

const Query = Type.Object(
  {
    count: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1000,
        description: 'Answers with {"transactions": [...]} of so many.',
      }),
    ),
  },
  { additionalProperties: false },
)

/** Amounts that samples have in turn. */
const AMOUNTS = [42.5, 9.99, 120, 3.2, 2499.9]

/** GET /sample-transaction: a transaction that POST /predict accepts, new each time. */
export const addSampleTransaction = (app: App, { world }: RouteContext): void => {
  let made = 0
  const make = () => ({
    ...EXAMPLE_TRANSACTION,
    transaction_id: `sample-${world.newId()}`,
    user_id: 'sample-user',
    timestamp: new Date(world.now()).toISOString(),
    amount: AMOUNTS[made++ % AMOUNTS.length]!,
  })
  app.get<{ Querystring: Static<typeof Query> }>(
    '/sample-transaction',
    {
      config: { scope: 'predict', errors: ['REQUEST_INVALID'] },
      schema: {
        tags: ['decisions'],
        operationId: 'sampleTransaction',
        summary: 'A transaction to try',
        description: 'Has a new id and the time of now. All of them are of one user, sample-user.',
        querystring: Query,
        response: {
          200: Type.Union([
            refTo(TransactionAnswer),
            Type.Object({ transactions: Type.Array(refTo(TransactionAnswer)) }, { title: 'Transactions' }),
          ]),
        },
      },
      // Both shapes are plain JSON already.
      serializerCompiler: () => JSON.stringify,
    },
    async (request) => {
      const { count } = request.query
      return count === undefined ? make() : { transactions: Array.from({ length: count }, make) }
    },
  )
}
