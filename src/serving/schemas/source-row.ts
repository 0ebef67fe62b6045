import { type TSchema, Type } from 'typebox'
import { mentions, type SourceMapping } from '../../transaction/source-mapping.ts'
import { named, refTo } from './named.ts'
import { TransactionBody } from './transaction.ts'

const SAYS =
  "A row of the bank's own table, by the names of its columns, for mapping=source. A number or true is the text that the file would have; null, and a column that is not there, is missing. Other columns are ignored."

/** A row of the source of any model; `sourceRowSchema` says which columns those in service read. */
export const SourceRow = named(
  'SourceRow',
  Type.Object({}, { additionalProperties: true, description: SAYS }),
)

/** The row that the models in service map. */
export const sourceRowSchema = (mapping: SourceMapping): TSchema =>
  Type.Unsafe({
    type: 'object',
    additionalProperties: true,
    description: SAYS,
    properties: Object.fromEntries(
      mapping.columns.map(({ name, type }) => [
        name,
        {
          type: ['string', 'number', 'boolean', 'null'],
          description: `${type} in the source; ${useOf(name, mapping)}.`,
        },
      ]),
    ),
  })

const useOf = (column: string, { fields, attributes }: SourceMapping): string => {
  const parts = [
    ...Object.entries(fields),
    ...Object.entries(attributes).map(([name, from]) => [`attributes.${name}`, from] as const),
  ].filter(([, from]) => mentions(from, column))
  return `for ${parts
    .slice(0, 6)
    .map(([name]) => name)
    .join(', ')}`
}

/** What a decision is asked for. */
export const DecisionBody = named(
  'DecisionBody',
  Type.Union([refTo(TransactionBody), refTo(SourceRow)], {
    description: 'A transaction, or with mapping=source a row of the source.',
  }),
)
