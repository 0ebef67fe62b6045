import { type Static, Type } from 'typebox'
import type { TableStatus } from '../../decisions/tables/table-status.ts'
import type { App } from '../dependencies.ts'
import { refTo } from '../schemas/named.ts'
import { TableRefreshAnswer, TablesAnswer } from '../schemas/tables.ts'
import type { RouteContext } from './route-context.ts'
import { runAudited } from './run-audited.ts'

const RefreshBody = Type.Object(
  { table: Type.String({ minLength: 1, maxLength: 64, description: 'Its name.' }) },
  { additionalProperties: false },
)

/** GET /tables: those that transactions are looked up in; POST /admin/tables/refresh: look for a new one. */
export const addTables = (app: App, context: RouteContext): void => {
  const { pipeline } = context
  app.get(
    '/tables',
    {
      config: { scope: 'read' },
      schema: {
        tags: ['service'],
        operationId: 'getTables',
        summary: 'The tables beside the transactions',
        response: { 200: refTo(TablesAnswer) },
      },
    },
    async () => ({ tables: pipeline.status().tables.map(tableAnswer) }),
  )
  app.post<{ Body: Static<typeof RefreshBody> }>(
    '/admin/tables/refresh',
    {
      config: { scope: 'admin', errors: ['SERVING_TABLE_UNKNOWN'] },
      schema: {
        tags: ['administration'],
        operationId: 'refreshTable',
        summary: 'Read a table again now if its files have changed',
        body: RefreshBody,
        response: { 200: refTo(TableRefreshAnswer) },
      },
    },
    async (request) => {
      const { table: name } = request.body
      const work = () => pipeline.refreshTable(name)
      const outcome = await runAudited(context, request, 'tables.refresh', { table: name }, work)
      const table = pipeline.status().tables.find((one) => one.name === name)!
      return { outcome, table: tableAnswer(table) }
    },
  )
}

const tableAnswer = (table: TableStatus) => ({
  name: table.name,
  attributes: table.attributes,
  rows: table.rows,
  unusable_rows: table.unusableRows,
  changed_at: new Date(table.changedAtMs).toISOString(),
  loaded_at: new Date(table.loadedAtMs).toISOString(),
  failure: table.failure || null,
})
