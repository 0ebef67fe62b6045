import { Type } from 'typebox'
import { TOLD_ORIGINS } from '../../decisions/label-origin.ts'
import { LONGEST_TEXT } from '../../transaction/fields.ts'
import { RowError } from './error.ts'
import { named, refTo } from './named.ts'
import { DecisionBody } from './source-row.ts'
import { NAME } from './transaction.ts'

const id = Type.Unsafe({ type: ['string', 'integer'], pattern: NAME, maxLength: LONGEST_TEXT })
const optionalId = (description: string) =>
  Type.Optional(Type.Unsafe({ type: ['string', 'integer', 'null'], description }))

export const LabelBody = named(
  'Label',
  Type.Object(
    {
      transaction_id: id,
      is_fraud: Type.Unsafe({
        enum: [true, false, 1, 0, 'true', 'false', '1', '0', null],
        description:
          'Whether it was fraud, the truth: true, false, 1 or 0. null takes back what was told before: nobody knows.',
      }),
      origin: Type.Optional(
        Type.Unsafe({
          enum: [...TOLD_ORIGINS, null],
          description:
            'Who tells it: alert, whoever looks at flagged transactions; customer, by a chargeback or a call; sample, whoever finds out the truth of the control sample. Left out: sample for what was drawn, alert for what was flagged, customer for all else.',
        }),
      ),
      transaction: Type.Optional(
        Type.Unsafe({
          ...refTo(DecisionBody),
          description: 'For one that was not decided on here: the transaction, as POST /predict takes it.',
        }),
      ),
      user_id: optionalId("Instead of transaction, where the models know no entities of the bank's own."),
      merchant_id: optionalId('As user_id.'),
      device_id: optionalId('As user_id.'),
      timestamp: Type.Optional(
        Type.Unsafe({
          type: ['string', 'integer', 'null'],
          description: 'As user_id: when the transaction happened.',
        }),
      ),
    },
    {
      additionalProperties: false,
      description: 'What became known of a transaction. Telling the same again changes nothing.',
      examples: [{ transaction_id: 'tx-2026-000001', is_fraud: true }],
    },
  ),
)

export const LabelsBody = named(
  'Labels',
  Type.Union([
    refTo(LabelBody),
    Type.Object({ labels: Type.Array(refTo(LabelBody), { minItems: 1 }) }, { additionalProperties: false }),
    Type.Array(refTo(LabelBody), { minItems: 1 }),
  ]),
)

export const OUTCOMES = ['applied', 'waiting', 'late', 'unchanged'] as const

export const LabelAnswer = named(
  'LabelAnswer',
  Type.Object(
    {
      transaction_id: Type.Optional(Type.String()),
      outcome: Type.Optional(
        Type.Unsafe({
          type: 'string',
          enum: OUTCOMES,
          description:
            'applied: learnt. waiting: kept, and learnt when its transaction comes; none of that id is remembered here. late: kept for training, but no feature can need it any more. unchanged: told before.',
        }),
      ),
      line: Type.Optional(
        Type.Integer({ description: 'Row of the request that an error is about, from 1.' }),
      ),
      error: Type.Optional(refTo(RowError)),
    },
    {
      description: 'What became of a label.',
      examples: [{ transaction_id: 'tx-2026-000001', outcome: 'applied' }],
    },
  ),
)

export const LabelsAnswer = named(
  'LabelsAnswer',
  Type.Object(
    {
      transaction_id: Type.Optional(Type.String({ description: 'Of a single label.' })),
      outcome: Type.Optional(
        Type.Unsafe({ type: 'string', enum: OUTCOMES, description: 'Of a single label.' }),
      ),
      outcomes: Type.Optional(
        Type.Array(refTo(LabelAnswer), { description: 'Of each label of a list, in their order.' }),
      ),
      counts: Type.Optional(
        Type.Object({
          applied: Type.Integer(),
          waiting: Type.Integer(),
          late: Type.Integer(),
          unchanged: Type.Integer(),
          failed: Type.Integer(),
        }),
      ),
    },
    { description: 'What became of the labels.' },
  ),
)
