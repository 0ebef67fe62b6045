import { Type } from 'typebox'
import { named } from './named.ts'

export const ProblemAnswer = named(
  'Problem',
  Type.Object(
    {
      field: Type.String({ description: 'Name of the field; empty for the whole.' }),
      what: Type.String({ description: 'Half a sentence that goes on from the name.' }),
      allowed: Type.String(),
      got: Type.String({ description: 'What came, as JSON, cut to 60 characters.' }),
    },
    { description: 'What is wrong with one field.' },
  ),
)

const errorFields = {
  code: Type.String({ description: 'Of docs/errors.md; programs decide by this.' }),
  message: Type.String({ description: 'What failed, what is allowed, what came.' }),
  fix: Type.String({ description: 'What to do next.' }),
  problems: Type.Optional(Type.Array(Type.Unsafe({ $ref: 'Problem#' }))),
}

/** Why one row of many was not taken. */
export const RowError = named(
  'RowError',
  Type.Object(errorFields, { description: 'Why one row of many was not taken.' }),
)

export const ErrorAnswer = named(
  'Error',
  Type.Object(
    {
      error: Type.Object({
        ...errorFields,
        request_id: Type.String({
          description: 'As in the header x-request-id and in the log of the server.',
        }),
      }),
    },
    {
      description: 'Every error has this shape.',
      examples: [
        {
          error: {
            code: 'REQUEST_TRANSACTION_INVALID',
            message: 'The transaction cannot be used; it has 1 problem: ...',
            fix: 'Correct what is listed. GET /sample-transaction answers with a transaction that is accepted.',
            request_id: '5f2c61-1',
            problems: [
              {
                field: 'amount',
                what: 'has more than 2 decimals',
                allowed: 'from -999999999.99 to 999999999.99, ...',
                got: '5.001',
              },
            ],
          },
        },
      ],
    },
  ),
)
