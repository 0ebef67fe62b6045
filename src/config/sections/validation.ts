import { type Static, Type } from 'typebox'
import { DURATION_PATTERN } from '../../foundation/duration.ts'
import { CATEGORY_FIELDS } from '../../transaction/fields.ts'

const share = (defaultValue: number, description: string) =>
  Type.Number({ default: defaultValue, minimum: 0, maximum: 1, unit: 'share', description })

const severity = (defaultValue: 'info' | 'warning' | 'error', description: string) =>
  Type.Union([Type.Literal('info'), Type.Literal('warning'), Type.Literal('error')], {
    default: defaultValue,
    description,
  })

/**
 * Thresholds of `vigia validate`. A check past its threshold fails with the severity that its own table entry
 * names.
 */
export const ValidationSchema = Type.Object(
  {
    fail_on: severity(
      'error',
      'The least severity of a failed check that makes the exit code 1. error, so that warnings inform without stopping a nightly run.',
    ),
    as_of: Type.String({
      default: '',
      description:
        'ISO 8601 instant with zone that counts as now for the future and freshness checks. Empty: the latest event of the data, so that the same data always gives the same report.',
    }),
    max_quarantined_share: share(
      0.05,
      'Largest share of rows that may be quarantined. 5 %: more means a wrong mapping rather than dirty rows.',
    ),
    quarantined_fraud_share: share(
      0.01,
      'Share of all frauds with a readable label from which on the quarantine is an error; exact repetitions of an accepted row are no loss. 1 %: what is quarantined for its amount or its time is often the very fraud that is looked for.',
    ),
    max_reused_id_share: share(
      0.001,
      'Largest share of rows that may have the transaction id of an earlier row and other contents. 0.1 %: more, and the column names something else, such as an order or an account.',
    ),
    max_repeated_id_share: share(
      0.01,
      'Largest share of rows that may repeat an earlier row as it is, or its transaction id. Exports overlap a little; more is a broken export.',
    ),
    min_repeat_share: share(
      0.05,
      'Smallest share of rows whose user, merchant or device came before. Below 5 % nearly each is seen once: it has no history, and another column may be the entity.',
    ),
    unused_power: share(
      0.6,
      'Power alone (ROC-AUC on rows later than those it was learnt from; 0.5 is none) from which on a column of the source that no field uses is named. 0.6: below, chance and noise do as much.',
    ),
    max_column_power: share(
      0.999,
      'Largest power alone of a column that is no label. Hardly any honest column tells fraud from the rest as well as 0.999: above, it was probably made from the label, or filled in after it.',
    ),
    max_missing_share: share(
      0.2,
      'Largest share of missing values in an optional column that is mapped. Features of an emptier column say little.',
    ),
    missing_share_by_column: Type.Record(Type.String(), Type.Number({ minimum: 0, maximum: 1 }), {
      default: {},
      description:
        'Largest missing share for single columns, instead of max_missing_share, for instance device_id: 0.6.',
    }),
    max_unusable_table_share: share(
      0.01,
      'Largest share of the rows of a table of source.tables that no transaction can find, or whose values cannot be read. Counted for each table, with reasons.',
    ),
    max_out_of_order_share: share(
      1,
      'Largest share of rows earlier than the row before them in the source. 1: any, because the read step sorts; lower it when source.order is arrival.',
    ),
    max_future: Type.String({
      default: '1d',
      unit: 'duration',
      pattern: DURATION_PATTERN,
      description: 'How far an event may lie after as_of. A day forgives clocks and time zones.',
    }),
    max_age: Type.String({
      default: '3650d',
      unit: 'duration',
      pattern: DURATION_PATTERN,
      description:
        'How old the latest event may be at as_of. Ten years: only set as_of together with a narrower age.',
    }),
    min_rows: Type.Integer({
      default: 1,
      minimum: 0,
      unit: 'rows',
      description: 'Fewest accepted rows. 1: an empty dataset is never right.',
    }),
    min_fraud_share: share(
      0,
      'Smallest share of fraud among labelled rows. 0: unlabelled data is valid for scoring.',
    ),
    max_fraud_share: share(
      0.2,
      'Largest share of fraud among labelled rows. Card fraud is below 1 %; above 20 % the label is inverted or sampled.',
    ),
    max_categories: Type.Integer({
      default: 1000,
      minimum: 1,
      unit: 'values',
      description: `Most distinct values of a category column (${CATEGORY_FIELDS.filter(
        ({ kind }) => kind === 'category',
      )
        .map(({ column }) => column)
        .join(', ')}). More looks like an identifier in the wrong column.`,
    }),
    allowed_values: Type.Record(Type.String(), Type.Array(Type.String(), { minItems: 1 }), {
      default: {},
      description:
        'The values a column may hold, for instance currency: [EUR, USD]. None by default: banks differ.',
    }),
    min_amount: Type.Number({
      default: 0,
      minimum: 0,
      unit: 'currency units',
      description:
        'Smallest plausible amount, without its sign. 0, because a card check is a transaction of 0; raise it where none can be.',
    }),
    max_amount: Type.Number({
      default: 1000000,
      minimum: 0,
      unit: 'currency units',
      description:
        'Largest plausible amount, without its sign. A card payment above a million is nearly always a missing decimal mark.',
    }),
    outliers: Type.Object(
      {
        robust_z: Type.Number({
          default: 12,
          exclusiveMinimum: 0,
          unit: 'scaled median absolute deviations',
          description:
            'An amount is an outlier when |log(amount) - median| exceeds this many scaled median absolute deviations of the logarithm. On the logarithm, because amounts are skewed; 12, so that honest large payments are not flagged.',
        }),
        iqr_factor: Type.Number({
          default: 6,
          exclusiveMinimum: 0,
          unit: 'interquartile ranges',
          description:
            'An amount is an outlier when its logarithm lies this many interquartile ranges outside the quartiles. Tukey calls 3 far out for normal data; tails of spending are heavier.',
        }),
        max_share: share(
          0.01,
          'Largest share of amounts that may be outliers by either rule. They are flagged, never removed.',
        ),
      },
      { default: {}, additionalProperties: false, description: 'Outliers among amounts.' },
    ),
    max_examples: Type.Integer({
      default: 5,
      minimum: 0,
      maximum: 100,
      unit: 'rows',
      description: 'Most example rows shown with a check. Five show a pattern and keep the report short.',
    }),
  },
  { default: {}, additionalProperties: false, description: 'What the data must be like.' },
)

export type ValidationSettings = Static<typeof ValidationSchema>
