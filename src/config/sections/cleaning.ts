import { type Static, Type } from 'typebox'

const policy = (description: string) =>
  Type.String({
    default: 'keep',
    pattern: '^(keep|mode|constant:.{1,256})$',
    description: `${description} keep: stays missing, the default, because that a value is missing says something and every feature defines what it does then. mode: the most frequent value of the training split. constant:x: the text x.`,
  })

/**
 * What cleaning does to a transaction. Everything fitted is fitted on the training split and stored with the
 * model.
 */
export const CleaningSchema = Type.Object(
  {
    fold_categories: Type.Boolean({
      default: true,
      description:
        'Write currency, merchant_category, transaction_type, device_type and location in one form: Unicode NFC, white space trimmed and collapsed, lower case. On, because `Online ` and `online` are one category. Identifiers are never folded.',
    }),
    missing: Type.Object(
      {
        currency: policy('What becomes of a missing currency.'),
        merchant_category: policy('What becomes of a missing category.'),
        transaction_type: policy('What becomes of a missing transaction type.'),
        device_type: policy('What becomes of a missing device type.'),
        location: policy('What becomes of a missing location.'),
      },
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
