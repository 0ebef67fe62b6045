import { type Static, Type } from 'typebox'
import type { Feedback } from '../../decisions/inference-pipeline.ts'
import { literalOf } from '../../mapping/sent-values.ts'
import { labelAnswer } from '../answers.ts'
import type { App } from '../dependencies.ts'
import { rowError } from '../error-answers.ts'
import { mapInOrder } from '../ndjson-answers.ts'
import { readFeedback } from '../read-feedback.ts'
import type { ReadTransaction } from '../read-transaction.ts'
import { LabelAnswer, LabelBody, LabelsAnswer, LabelsBody, OUTCOMES } from '../schemas/feedback.ts'
import { refTo } from '../schemas/named.ts'
import type { SourceRows } from '../source-rows.ts'
import { MAPPING, MAPPING_ERRORS } from './mapping-query.ts'
import { isNdjson, NDJSON, replyWithNdjson } from './ndjson.ts'
import { rowsOf } from './predict-batch.ts'
import type { RouteContext } from './route-context.ts'

const Query = Type.Object({ mapping: MAPPING }, { additionalProperties: false })
type Asked = Static<typeof Query>

/** POST /feedback: what became known of transactions. */
export const addFeedback = (app: App, context: RouteContext): void => {
  const { settings } = context
  const { batch_rows, stream_rows } = settings.limits
  const apply = applyWith(context)
  app.post<{ Querystring: Asked }>(
    '/feedback',
    {
      config: {
        scope: 'feedback',
        errors: ['FEEDBACK_WAITING_FULL', ...MAPPING_ERRORS],
      },
      schema: {
        tags: ['feedback'],
        operationId: 'giveFeedback',
        summary: 'Tell which transactions were fraud',
        description: `One label, a list of them or {"labels": [...]} with at most ${batch_rows}, or lines of ${NDJSON}. Whose a transaction was is known when it was decided on here; otherwise the label carries the transaction, or names its user, merchant and device. A label of a transaction that is not remembered waits for it. Telling the same again changes nothing.`,
        querystring: Query,
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
      const { body, query } = request
      if (isNdjson(body)) return replyWithNdjson(request, reply, ROW, context, (row) => apply(row, query))
      if (!isList(body)) return apply(body, query)
      const counts: Record<string, number> = Object.fromEntries(
        [...OUTCOMES, 'failed'].map((name) => [name, 0]),
      )
      const outcomes = await mapInOrder(
        rowsOf(body, 'labels', batch_rows),
        stream_rows,
        async (row, index) => {
          try {
            const answer = await apply(row, query)
            counts[answer.outcome]!++
            return answer
          } catch (cause) {
            counts['failed']!++
            return { line: index + 1, error: rowError(cause, request, index + 1) }
          }
        },
      )
      return { outcomes, counts }
    },
  )
}

/** Reads one label, for the models that learn it, and applies it. */
const applyWith =
  ({ pipeline, settings, readTransaction, source }: RouteContext) =>
  async (row: unknown, { mapping }: Asked) => {
    let transactionId = ''
    const take = (feedback: Feedback): Feedback => {
      transactionId = feedback.transactionId
      return feedback
    }
    const { unknown_fields } = settings.api
    const outcome = await pipeline.applyFeedback(
      mapping === 'source'
        ? async () =>
            take(readFeedback(withoutMarks(row), unknown_fields, await mappedTransaction(row, source)))
        : () => take(readFeedback(row, unknown_fields, readTransaction)),
    )
    return labelAnswer(transactionId, outcome)
  }

/** A label with its own numbers as they were sent; those of its transaction are the mapping's to read. */
const withoutMarks = (label: unknown): unknown =>
  typeof label !== 'object' || label === null || Array.isArray(label)
    ? label
    : Object.fromEntries(Object.entries(label).map(([name, value]) => [name, literalOf(value) ?? value]))

/** The transaction of a label as `readFeedback` asks for it, mapped before: that takes its time. */
const mappedTransaction = async (label: unknown, source: SourceRows): Promise<ReadTransaction> => {
  const row = (label as { readonly transaction?: unknown } | null)?.transaction
  if (row === undefined || row === null)
    return () => raise(new Error('a label without a transaction has none to read'))
  try {
    const transaction = await source.read(row)
    return () => transaction
  } catch (error) {
    return () => raise(error)
  }
}

const raise = (error: unknown): never => {
  throw error
}

const ROW = refTo(LabelAnswer)

const isList = (body: unknown): boolean =>
  Array.isArray(body) || (typeof body === 'object' && body !== null && 'labels' in body)
