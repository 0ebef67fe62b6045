import { type Static, Type } from 'typebox'
import { type AmountRules, featureAmounts, minorPerUnit } from '../../transaction/amount-rules.ts'
import type { TransactionShape } from '../../transaction/shape.ts'
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

/** Amounts that samples have in turn, as near as the model's amounts come to them. */
const AMOUNTS = [42.5, 9.99, 120, 3.2, 2499.9]

/** GET /sample-transaction: a transaction that POST /predict accepts, new each time. */
export const addSampleTransaction = (app: App, { world, pipeline }: RouteContext): void => {
  let made = 0
  const make = () => ({
    ...EXAMPLE_TRANSACTION,
    reverses: undefined,
    // Of the base currency, where there is one: it needs no rate.
    ...(currencyOf(pipeline.shape) !== '' && { currency: currencyOf(pipeline.shape) }),
    transaction_id: `sample-${world.newId()}`,
    user_id: 'sample-user',
    timestamp: new Date(world.now()).toISOString(),
    amount: nearest(AMOUNTS[made++ % AMOUNTS.length]!, pipeline.shape.amounts),
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

const currencyOf = ({ amounts }: TransactionShape): string => featureAmounts(amounts).currency

/** With the decimals of the currency that features see, which are no more than may be sent. */
const nearest = (amount: number, rules: AmountRules): number => {
  const { decimals, largestMinor } = featureAmounts(rules)
  const unit = minorPerUnit(Math.min(decimals, rules.decimals))
  return Math.min(Math.max(1, Math.round(amount * unit)), largestMinor) / unit
}
