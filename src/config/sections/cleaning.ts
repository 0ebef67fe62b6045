import { type Static, type TString, Type } from 'typebox'
import { CATEGORY_FIELDS, type CategoryField, LONGEST_TEXT } from '../../transaction/fields.ts'

const policy = (description: string) =>
  Type.String({
    default: 'keep',
    pattern: `^(keep|mode|constant:.{1,${LONGEST_TEXT}})$`,
    description: `${description} keep: stays missing, the default, because that a value is missing says something and every feature defines what it does then. mode: the most frequent value of the training split. constant:x: the text x.`,
  })

const listed = (names: readonly string[]): string => `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`

/**
 * What cleaning does to a transaction. Everything fitted is fitted on the training split and stored with the
 * model.
 */
export const CleaningSchema = Type.Object(
  {
    fold_categories: Type.Boolean({
      default: true,
      description: `Write ${listed(CATEGORY_FIELDS.map(({ column }) => column))} in one form: Unicode NFC, white space trimmed and collapsed, lower case. On, because \`Online \` and \`online\` are one category. Identifiers are never folded.`,
    }),
    missing: Type.Object(
      Object.fromEntries(
        CATEGORY_FIELDS.map(({ column }) => [
          column,
          policy(`What becomes of a missing ${column.replaceAll('_', ' ')}.`),
        ]),
      ) as Record<CategoryField['column'], TString>,
      { default: {}, additionalProperties: false, description: 'Missing values, field by field.' },
    ),
    amount_cap_quantile: Type.Number({
      default: 1,
      exclusiveMinimum: 0,
      maximum: 1,
      unit: 'quantile',
      description:
        'Amounts above this quantile of the training split are lowered to it. 1: no cap, because an unusually large amount is the strongest sign of fraud and a cap would hide it; lower it only for models that cannot bear outliers.',
    }),
  },
  { default: {}, additionalProperties: false, description: 'How accepted transactions are cleaned.' },
)

export type CleaningSettings = Static<typeof CleaningSchema>
