import { type Static, Type } from 'typebox'
import { VigiaError } from '../../errors.ts'
import { LONGEST_TEXT } from '../../transaction/fields.ts'
import { loggedAnswer } from '../answers.ts'
import type { App } from '../dependencies.ts'
import { refTo } from '../schemas/named.ts'
import { LoggedAnswer } from '../schemas/prediction.ts'
import { reasonsQuery } from './predict.ts'
import type { RouteContext } from './route-context.ts'

const Query = reasonsQuery(5)
const Params = Type.Object({
  id: Type.String({ minLength: 1, description: 'A prediction id or a transaction id.' }),
})

/** GET /predictions/:id: a decision as it was logged, with reasons. */
export const addPredictions = (app: App, { pipeline }: RouteContext): void => {
  app.get<{ Params: Static<typeof Params>; Querystring: Static<typeof Query> }>(
    '/predictions/:id',
    {
      config: { scope: 'read', errors: ['PREDICTION_UNKNOWN', 'REQUEST_INVALID'] },
      schema: {
        tags: ['decisions'],
        operationId: 'getPrediction',
        summary: 'Look a decision up',
        description:
          'With the transaction, the values of all features, the reasons computed from them, and the label when there is one.',
        params: Params,
        querystring: Query,
        response: { 200: refTo(LoggedAnswer) },
      },
    },
    async (request) => {
      const { id } = request.params
      const logged = await pipeline.find(id)
      if (logged === undefined) throw new VigiaError('PREDICTION_UNKNOWN', { id: id.slice(0, LONGEST_TEXT) })
      const { reasons } = request.query
      return loggedAnswer(logged, reasons > 0 ? pipeline.explain(logged, reasons) : [], pipeline.shape)
    },
  )
}
