import { VigiaError } from '../../errors.ts'
import { labelAnswer } from '../answers.ts'
import type { App } from '../dependencies.ts'
import { asVigiaError, errorBody } from '../error-answers.ts'
import { mapInOrder } from '../ndjson-answers.ts'
import { readFeedback } from '../read-feedback.ts'
import { LabelAnswer, LabelBody, LabelsAnswer, LabelsBody, OUTCOMES } from '../schemas/feedback.ts'
import { refTo } from '../schemas/named.ts'
import { isNdjson, NDJSON, replyWithNdjson } from './ndjson.ts'
import { rowsOf } from './predict-batch.ts'
import type { RouteContext } from './route-context.ts'

/** POST /feedback: what became known of transactions. */
export const addFeedback = (app: App, context: RouteContext): void => {
  const { pipeline, settings, readTransaction } = context
  const { batch_rows, stream_rows } = settings.limits
  const apply = async (row: unknown) => {
    const feedback = readFeedback(row, settings.api.unknown_fields, readTransaction)
    return labelAnswer(feedback.transactionId, await pipeline.applyFeedback(feedback))
  }
  app.post(
    '/feedback',
    {
      config: { scope: 'feedback', errors: ['FEEDBACK_TRANSACTION_UNKNOWN'] },
      schema: {
        tags: ['feedback'],
        operationId: 'giveFeedback',
        summary: 'Tell which transactions were fraud',
        description: `One label, {"labels": [...]} with at most ${batch_rows}, or lines of ${NDJSON}. Whose a transaction was is known when it was decided on here; otherwise the label carries the transaction, or names its user, merchant and device. Telling the same again changes nothing.`,
        body: {
          content: {
            'application/json': { schema: refTo(LabelsBody) },
            [NDJSON]: { schema: refTo(LabelBody) },
          },
        },
        response: {
          200: {
            description: 'What became of the labels.',
            content: {
              'application/json': { schema: refTo(LabelsAnswer) },
              [NDJSON]: { schema: refTo(LabelAnswer) },
            },
          },
        },
      },
    },
    async (request, reply) => {
      const { body } = request
      if (isNdjson(body)) return replyWithNdjson(request, reply, ROW, context, apply)
      if (!isList(body)) {
        const answer = await apply(body)
        if (answer.outcome === 'unknown')
          throw new VigiaError('FEEDBACK_TRANSACTION_UNKNOWN', { id: answer.transaction_id })
        return answer
      }
      const counts: Record<string, number> = Object.fromEntries(
        [...OUTCOMES, 'failed'].map((name) => [name, 0]),
      )
      const outcomes = await mapInOrder(
        rowsOf(body, 'labels', batch_rows),
        stream_rows,
        async (row, index) => {
          try {
            const answer = await apply(row)
            counts[answer.outcome]!++
            return answer
          } catch (cause) {
            counts['failed']!++
            const error = asVigiaError(cause)
            if (error.code === 'SERVING_UNEXPECTED')
              request.log.error({ request_id: request.id, err: cause }, 'unexpected failure')
            return { line: index + 1, error: errorBody(error) }
          }
        },
      )
      return { outcomes, counts }
    },
  )
}

const ROW = refTo(LabelAnswer)

const isList = (body: unknown): boolean => typeof body === 'object' && body !== null && 'labels' in body
