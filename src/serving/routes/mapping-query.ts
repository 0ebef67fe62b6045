import { Type } from 'typebox'
import { withDefault } from '../schemas/named.ts'

/** What rows of a request are: transactions by their fields, or rows of the bank's own tables. */
export const MAPPING = withDefault(
  Type.Unsafe<'fields' | 'source'>({
    type: 'string',
    enum: ['fields', 'source'],
    default: 'fields',
    description:
      "What is sent: fields is a transaction; source is a row of the bank's own table by its own columns (SourceRow), which the model maps as it mapped its training data.",
  }),
)

/** Errors of rows that are to be mapped. */
export const MAPPING_ERRORS = [
  'SERVING_MAPPING_MISSING',
  'SERVING_MAPPINGS_DIFFER',
  'SERVING_MAPPING_REFUSED',
] as const

/** Whether a request, as its query says, has rows of the source; before the query is checked. */
export const isOfSource = ({ query }: { readonly query: unknown }): boolean =>
  (query as { readonly mapping?: unknown } | undefined)?.mapping === 'source'
