import { TRANSACTION_FIELDS } from '../../transaction/fields.ts'
import { RequestProblemsError, shown } from '../../transaction/request-problem.ts'
import { predictionAnswer } from '../answers.ts'
import { decideRows } from '../decide-rows.ts'
import type { App } from '../dependencies.ts'
import { answerErrors, errorBody, sentencesOf } from '../error-answers.ts'
import { createTableReader, type TableReader } from '../frames/read-table.ts'
import { addTableBodies, readLines, SentTable, TABLE_TYPES } from '../frames/sent-table.ts'
import { nestAttributes } from '../read-transaction.ts'
import { InvocationsAnswer, InvocationsBody, InvocationsTable, MlflowError } from '../schemas/mlflow.ts'
import { refTo } from '../schemas/named.ts'
import { askedReasons } from './asked-reasons.ts'
import { DECISION_ERRORS, reasonsQuery } from './predict.ts'
import { rowsOf } from './predict-batch.ts'
import type { RouteContext } from './route-context.ts'

const FORMATS = ['dataframe_split', 'dataframe_records', 'instances', 'inputs'] as const

/** POST /invocations, GET /ping and /version: what clients of MLflow's scoring server ask for. */
export const addMlflow = (app: App, context: RouteContext): void => {
  app.setErrorHandler(
    answerErrors((error, request) => ({
      error_code: error.status >= 500 ? 'INTERNAL_ERROR' : 'BAD_REQUEST',
      message: sentencesOf(error),
      error: errorBody(error, request.id),
    })),
  )
  addInvocations(app, context)
  addPingAndVersion(app, context)
}

const addInvocations = (app: App, context: RouteContext): void => {
  const { pipeline, settings, readTransaction, readFrame } = context
  const { batch_rows, stream_rows } = settings.limits
  const tables = createTableReader()
  app.addHook('onClose', () => tables.close())
  addTableBodies(app)
  app.post<{ Querystring: { reasons: number } }>(
    '/invocations',
    {
      config: {
        scope: 'predict',
        readsNaN: true,
        errors: ['REQUEST_TABLE_UNREADABLE', ...DECISION_ERRORS, 'SERVING_BODY_NOT_KEPT'],
      },
      schema: {
        tags: ['mlflow'],
        operationId: 'invocations',
        summary: "Decide on transactions by MLflow's protocol",
        description: `At most ${batch_rows} rows, each a transaction. Nothing is decided on unless every row can be read. Parquet (${TABLE_TYPES.parquet.join(', ')}) is read as well.`,
        querystring: reasonsQuery(0),
        body: {
          content: {
            'application/json': { schema: refTo(InvocationsBody) },
            ...Object.fromEntries(
              [...TABLE_TYPES.csv, TABLE_TYPES.lines[0]].map((type) => [
                type,
                { schema: refTo(InvocationsTable) },
              ]),
            ),
          },
        },
        response: { 200: refTo(InvocationsAnswer) },
        'x-errors': refTo(MlflowError),
      } as object,
    },
    async (request, reply) => {
      const { body } = request
      const isTable = body instanceof SentTable
      const sent = isTable ? await tableRows(body, tables, context) : invocationRows(body)
      const rows = readFrame(rowsOf({ rows: sent }, 'rows', batch_rows), isTable && body.format === 'csv')
      const asked = isTable ? 0 : Math.max(askedReasons(body, 'parameters'), askedReasons(body, 'params'))
      const reasons = Math.max(request.query.reasons, asked)
      const predictions = await decideRows(pipeline, rows, readTransaction, { most: stream_rows, reasons })
      return { predictions: predictions.map((prediction) => predictionAnswer(prediction, reply.elapsedTime)) }
    },
  )
}

const addPingAndVersion = (app: App, { version, reasonsNotReady }: RouteContext): void => {
  app.get(
    '/ping',
    {
      config: { isExempt: true, rateLimit: false },
      schema: {
        tags: ['mlflow'],
        operationId: 'ping',
        summary: 'Whether the server can decide, as an empty answer',
        response: {
          200: { description: 'It can.', content: { 'text/plain': { schema: { type: 'string' } } } },
          503: { description: 'It cannot.', content: { 'text/plain': { schema: { type: 'string' } } } },
        },
      },
      serializerCompiler: () => String,
    },
    async (_request, reply) => {
      reply.code(reasonsNotReady().length === 0 ? 200 : 503).type('text/plain; charset=utf-8')
      return reply.send('\n')
    },
  )
  app.get(
    '/version',
    {
      config: { isExempt: true, rateLimit: false },
      schema: {
        tags: ['mlflow'],
        operationId: 'getVersion',
        summary: 'Version of Vigía, as text',
        response: {
          200: { description: 'The version.', content: { 'text/plain': { schema: { type: 'string' } } } },
        },
      },
    },
    async (_request, reply) => reply.type('text/plain; charset=utf-8').send(version),
  )
}

type Row = Readonly<Record<string, unknown>>

/** The rows of a table, or of lines of JSON. */
const tableRows = async (
  { format, bytes }: SentTable,
  tables: TableReader,
  { pipeline, settings, parseJson }: RouteContext,
): Promise<readonly unknown[]> => {
  if (format === 'lines') return readLines(bytes, parseJson).map(nested)
  const columns = new Set([
    ...TRANSACTION_FIELDS.map(({ wire }) => wire as string),
    ...pipeline.shape.attributes.map(({ name }) => `attributes.${name}`),
  ])
  const rows = await tables.read(format, bytes, { rows: settings.limits.batch_rows, columns })
  return rows.map(nestAttributes)
}

/**
 * The rows of a body: one of the four formats, a bare list, as SageMaker's serializer writes it, or a
 * transaction by itself. @throws REQUEST_INVALID
 */
const invocationRows = (body: unknown): unknown => {
  if (Array.isArray(body)) return body.map(nested)
  const record: Row = typeof body === 'object' && body !== null && !Array.isArray(body) ? (body as Row) : {}
  const given = FORMATS.filter((format) => record[format] !== undefined)
  const [format] = given
  if (given.length === 0 && record['transaction_id'] !== undefined) return [nested(record)]
  if (given.length !== 1 || format === undefined)
    throw invalid(
      '',
      'has not exactly one format of rows',
      FORMATS.join(', '),
      given.length === 0 ? Object.keys(record).slice(0, 20) : given,
    )
  if (format === 'dataframe_split') return splitRows(record[format])
  const rows = record[format]
  if (Array.isArray(rows)) return rows.map(nested)
  return format === 'dataframe_records' ? rows : columnRows(rows, format)
}

/** `{columns: [...], data: [[...], ...]}` */
const splitRows = (frame: unknown): readonly Row[] => {
  const { columns, data } = (frame ?? {}) as { readonly columns?: unknown; readonly data?: unknown }
  if (!Array.isArray(columns) || !columns.every((name) => typeof name === 'string'))
    throw invalid('dataframe_split.columns', 'is no list of names', 'a list of text', columns)
  if (!Array.isArray(data))
    throw invalid('dataframe_split.data', 'is no list of rows', 'a list of lists', data)
  return data.map((values: unknown, index) => {
    if (!Array.isArray(values) || values.length !== columns.length)
      throw invalid(
        `dataframe_split.data[${index}]`,
        'has not one value for each column',
        `a list of ${columns.length} values`,
        values,
      )
    return rowOf(columns.map((name, column) => [name, values[column]]))
  })
}

/** `{column: [value, ...], ...}` */
const columnRows = (table: unknown, format: string): readonly Row[] => {
  if (typeof table !== 'object' || table === null)
    throw invalid(format, 'has no rows', 'a list of objects, or an object of lists', table)
  const entries = Object.entries(table)
  const length = Array.isArray(entries[0]?.[1]) ? entries[0][1].length : 0
  for (const [name, values] of entries)
    if (!Array.isArray(values) || values.length !== length)
      throw invalid(
        `${format}.${name.slice(0, 60)}`,
        'is no list as long as the others',
        `a list of ${length} values`,
        values,
      )
  return Array.from({ length }, (_, index) =>
    rowOf(entries.map(([name, values]) => [name, (values as readonly unknown[])[index]])),
  )
}

/** A row without missing values, which data frames write as null. */
const rowOf = (entries: readonly (readonly [string, unknown])[]): Row =>
  nestAttributes(entries.filter(([, value]) => value !== null))

/** A record of a data frame whose columns are named `attributes.age`. */
const nested = (row: unknown): unknown =>
  typeof row === 'object' && row !== null && !Array.isArray(row) ? nestAttributes(Object.entries(row)) : row

const invalid = (field: string, what: string, allowed: string, got: unknown): RequestProblemsError =>
  new RequestProblemsError('REQUEST_INVALID', [{ field, what, allowed, got: shown(got) }])
