import { type Static, Type } from 'typebox'
import { predictionAnswer } from '../answers.ts'
import type { App } from '../dependencies.ts'
import { refTo, withDefault } from '../schemas/named.ts'
import { PredictionAnswer } from '../schemas/prediction.ts'
import { TransactionBody } from '../schemas/transaction.ts'
import type { RouteContext } from './route-context.ts'

/** How many reasons are asked for. */
export const reasonsQuery = (byDefault: number) =>
  Type.Object(
    {
      reasons: withDefault(
        Type.Integer({
          minimum: 0,
          maximum: 20,
          default: byDefault,
          description: 'How many reasons to give, strongest first.',
        }),
      ),
    },
    { additionalProperties: false },
  )

const Query = reasonsQuery(0)

/** POST /predict: the decision on one transaction. */
export const addPredict = (app: App, { pipeline, readTransaction }: RouteContext): void => {
  app.post<{ Querystring: Static<typeof Query> }>(
    '/predict',
    {
      config: {
        scope: 'predict',
        errors: [
          'REQUEST_TRANSACTION_INVALID',
          'SERVING_TRANSACTION_DIFFERS',
          'SERVING_TRANSACTION_KNOWN',
          'SERVING_LOG_FAILED',
          'SERVING_STORE_FAILED',
        ],
      },
      schema: {
        tags: ['decisions'],
        operationId: 'predict',
        summary: 'Decide on one transaction',
        description:
          'The answer is given when the decision is durable. A transaction that is sent again gets the same decision, so a request without an answer can be repeated safely.',
        querystring: Query,
        body: refTo(TransactionBody),
        response: { 200: refTo(PredictionAnswer) },
      },
    },
    async (request, reply) => {
      const transaction = readTransaction(request.body)
      const prediction = await pipeline.predict(transaction, request.query.reasons)
      request.subject = { userId: transaction.userId ?? '', predictionId: prediction.predictionId }
      return predictionAnswer(prediction, reply.elapsedTime)
    },
  )
}
