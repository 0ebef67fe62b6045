import type { Static } from 'typebox'
import { VigiaError } from '../../errors.ts'
import { RequestProblemsError, shown } from '../../transaction/request-problem.ts'
import { predictionAnswer } from '../answers.ts'
import type { App } from '../dependencies.ts'
import { rowError } from '../error-answers.ts'
import { mapInOrder } from '../ndjson-answers.ts'
import { refTo } from '../schemas/named.ts'
import { BatchAnswer, BatchBody, BatchRow } from '../schemas/prediction.ts'
import { DecisionBody } from '../schemas/source-row.ts'
import { MAPPING_ERRORS } from './mapping-query.ts'
import { isNdjson, NDJSON, replyWithNdjson } from './ndjson.ts'
import { DecisionQuery } from './predict.ts'
import type { RouteContext } from './route-context.ts'

type Asked = Static<typeof DecisionQuery>

/** POST /predict/batch: decisions on many transactions, as one JSON body or as a stream of lines. */
export const addPredictBatch = (app: App, context: RouteContext): void => {
  const { pipeline, settings, readTransaction, source } = context
  const { batch_rows, stream_rows } = settings.limits
  const decide = async (row: unknown, { reasons, mapping }: Asked): Promise<object> => {
    const started = performance.now()
    const read = mapping === 'source' ? () => source.read(row) : () => readTransaction(row)
    const prediction = await pipeline.predict(read, reasons)
    return predictionAnswer(prediction, performance.now() - started)
  }
  app.post<{ Querystring: Asked }>(
    '/predict/batch',
    {
      config: { scope: 'predict', errors: MAPPING_ERRORS },
      schema: {
        tags: ['decisions'],
        operationId: 'predictBatch',
        summary: 'Decide on many transactions',
        description: `A JSON body, {"transactions": [...]} or a bare list, holds at most ${batch_rows}. Lines of ${NDJSON} may be any number: each is answered by a line as soon as it and those before it are decided on, so read answers while you send. A row that cannot be decided on has an error of its own; the others are decided on.`,
        querystring: DecisionQuery,
        body: {
          content: {
            'application/json': { schema: refTo(BatchBody) },
            [NDJSON]: { schema: refTo(DecisionBody) },
          },
        },
        response: {
          200: {
            description: 'What became of each transaction.',
            content: {
              'application/json': { schema: refTo(BatchAnswer) },
              [NDJSON]: { schema: refTo(BatchRow) },
            },
          },
        },
      },
    },
    async (request, reply) => {
      const { query } = request
      if (isNdjson(request.body))
        return replyWithNdjson(request, reply, ROW, context, (row) => decide(row, query))
      const rows = rowsOf(request.body, 'transactions', batch_rows)
      let failed = 0
      const predictions = await mapInOrder(rows, stream_rows, async (row, index) => {
        try {
          return await decide(row, query)
        } catch (cause) {
          failed++
          return { line: index + 1, error: rowError(cause, request, index + 1) }
        }
      })
      return { predictions, decided: rows.length - failed, failed }
    },
  )
}

const ROW = refTo(BatchRow)

/**
 * The rows of a body `{[name]: [...]}`, or of a bare list.
 *
 * @param beside what else the body may have
 * @throws REQUEST_INVALID, REQUEST_TOO_LARGE
 */
export const rowsOf = (
  body: unknown,
  name: string,
  most: number,
  beside: readonly string[] = [],
): readonly unknown[] => {
  const isBare = Array.isArray(body)
  const record =
    typeof body === 'object' && body !== null && !isBare ? (body as Readonly<Record<string, unknown>>) : {}
  const rows = isBare ? body : record[name]
  const unknown = Object.keys(record).filter((key) => key !== name && !beside.includes(key))
  const problems = unknown.slice(0, 20).map((key) => ({
    field: key.slice(0, 60),
    what: 'is not known here',
    allowed: [name, ...beside].join(', '),
    got: shown(key),
  }))
  if (!Array.isArray(rows) || rows.length === 0)
    problems.push({
      field: name,
      what: 'is no list of rows',
      allowed: `a list of 1 to ${most} objects`,
      got: shown(rows),
    })
  if (problems.length > 0) throw new RequestProblemsError('REQUEST_INVALID', problems)
  const list = rows as readonly unknown[]
  if (list.length > most)
    throw new VigiaError('REQUEST_TOO_LARGE', {
      what: `A list of ${list.length} rows`,
      limit: `${most} (limits.batch_rows)`,
    })
  return list
}
