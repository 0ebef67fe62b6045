import { Type } from 'typebox'
import { named, refTo } from './named.ts'

export const TableAnswer = named(
  'ServedTable',
  Type.Object(
    {
      name: Type.String(),
      attributes: Type.Array(Type.String(), {
        description: 'Those that are looked up in it where a request leaves them out.',
      }),
      rows: Type.Integer({ description: 'Rows that transactions can find.' }),
      unusable_rows: Type.Integer({ description: 'Rows of its files that no transaction can find.' }),
      changed_at: Type.String({ description: 'When the newest of its files was written.' }),
      loaded_at: Type.String({ description: 'When they were read.' }),
      failure: Type.Unsafe<string | null>({
        type: ['string', 'null'],
        description: 'Why a newer version of it is not in use; null: none has failed.',
      }),
    },
    { description: 'A table beside the transactions, as it is in use.' },
  ),
)

export const TablesAnswer = named(
  'ServedTables',
  Type.Object(
    { tables: Type.Array(refTo(TableAnswer)) },
    { description: 'The tables that transactions are looked up in, in the order in which they are.' },
  ),
)

export const TableRefreshAnswer = named(
  'TableRefresh',
  Type.Object(
    {
      outcome: Type.Unsafe<string>({
        type: 'string',
        enum: ['unchanged', 'replaced', 'failed'],
        description: 'failed: the version before stays in use; the table says why.',
      }),
      table: refTo(TableAnswer),
    },
    { description: 'What came of looking at the files of a table.' },
  ),
)
