import { type Static, Type } from 'typebox'
import type { Transaction } from '../../transaction/transaction.ts'
import { predictionAnswer } from '../answers.ts'
import type { App } from '../dependencies.ts'
import { refTo, withDefault } from '../schemas/named.ts'
import { PredictionAnswer } from '../schemas/prediction.ts'
import { DecisionBody } from '../schemas/source-row.ts'
import { MOST_REASONS } from './asked-reasons.ts'
import { MAPPING, MAPPING_ERRORS } from './mapping-query.ts'
import type { RouteContext } from './route-context.ts'

const reasons = (byDefault: number) =>
  withDefault(
    Type.Integer({
      minimum: 0,
      maximum: MOST_REASONS,
      default: byDefault,
      description: 'How many reasons to give, strongest first.',
    }),
  )

/** How many reasons are asked for. */
export const reasonsQuery = (byDefault: number) =>
  Type.Object({ reasons: reasons(byDefault) }, { additionalProperties: false })

/** What a request for decisions may ask: how many reasons, and of what its rows are. */
export const DecisionQuery = Type.Object(
  { reasons: reasons(0), mapping: MAPPING },
  { additionalProperties: false },
)

/** What any route that decides may answer, for the transaction itself or because nothing can be kept. */
export const DECISION_ERRORS = [
  'REQUEST_TRANSACTION_INVALID',
  'SERVING_TRANSACTION_DIFFERS',
  'SERVING_TRANSACTION_KNOWN',
  'SERVING_LOG_FAILED',
  'SERVING_STORE_FAILED',
] as const

/** POST /predict: the decision on one transaction. */
export const addPredict = (app: App, { pipeline, readTransaction, source }: RouteContext): void => {
  app.post<{ Querystring: Static<typeof DecisionQuery> }>(
    '/predict',
    {
      config: {
        scope: 'predict',
        errors: [...DECISION_ERRORS, ...MAPPING_ERRORS],
      },
      schema: {
        tags: ['decisions'],
        operationId: 'predict',
        summary: 'Decide on one transaction',
        description:
          'The answer is given when the decision is durable. A transaction that is sent again gets the same decision, so a request without an answer can be repeated safely.',
        querystring: DecisionQuery,
        body: refTo(DecisionBody),
        response: { 200: refTo(PredictionAnswer) },
      },
    },
    async (request, reply) => {
      const { body, query } = request
      let userId: string | undefined
      const take = (transaction: Transaction): Transaction => {
        userId = transaction.userId
        return transaction
      }
      const prediction = await pipeline.predict(
        query.mapping === 'source' ? () => source.read(body).then(take) : () => take(readTransaction(body)),
        query.reasons,
      )
      request.subject = { userId: userId ?? '', predictionId: prediction.predictionId }
      return predictionAnswer(prediction, reply.elapsedTime)
    },
  )
}
