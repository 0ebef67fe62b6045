import { Type } from 'typebox'
import { TOLD_ORIGINS } from '../../decisions/label-origin.ts'
import { RowError } from './error.ts'
import { named, nullable, refTo } from './named.ts'
import { DecisionBody } from './source-row.ts'
import { LoggedTransaction } from './transaction.ts'

/** When a transaction came, as answers have it. */
export const TIMINGS = ['in_order', 'late', 'too_late', 'too_old'] as const

export const RISK_LEVELS = ['low', 'medium', 'high', 'critical'] as const

const RiskLevelText = Type.Unsafe({
  type: 'string',
  enum: RISK_LEVELS,
  description: 'How risky that is, for people.',
})

export const ModelName = named(
  'ModelName',
  Type.Object(
    {
      name: Type.String(),
      version: Type.String({ description: 'Version in the registry, or the first digits of its SHA-256.' }),
    },
    { description: 'A model.' },
  ),
)

export const ReasonAnswer = named(
  'Reason',
  Type.Object(
    {
      feature: Type.String(),
      value: Type.Unsafe({
        type: ['number', 'string', 'null'],
        description: 'Null: missing, or a category that training did not know.',
      }),
      contribution: Type.Number({
        description: "What the feature adds to the model's margin, above what it adds on average.",
      }),
      direction: Type.Unsafe({ type: 'string', enum: ['raises', 'lowers'] }),
      text: Type.String({ description: 'Half a sentence for people.' }),
    },
    { description: 'What the value of one feature did to the probability.' },
  ),
)

/** The decision, and the name that it had until 0.1.0; POST /feedback calls the truth so. */
const flagged = {
  is_flagged: Type.Boolean({
    description:
      'Whether it is flagged: probability has reached threshold, and the control sample did not let it through.',
  }),
  is_fraud: Type.Boolean({
    deprecated: true,
    description:
      'The old name of is_flagged, with the same value; the next release leaves it out. It is the decision, not the truth, which POST /feedback calls is_fraud.',
  }),
}

const predictionFields = {
  prediction_id: Type.String({ description: 'Names this decision for ever.' }),
  transaction_id: Type.String(),
  probability: Type.Number({ minimum: 0, maximum: 1, description: 'Calibrated probability of fraud.' }),
  decision: Type.Unsafe({
    type: 'string',
    enum: ['flag', 'allow'],
    description: 'flag from the threshold on, unless the control sample lets it through.',
  }),
  ...flagged,
  risk_level: RiskLevelText,
  threshold: Type.Number(),
  model: refTo(ModelName),
  role: Type.Unsafe({
    type: 'string',
    enum: ['champion', 'canary'],
    description: 'As what the model decided.',
  }),
  reasons: Type.Optional(
    Type.Array(refTo(ReasonAnswer), { description: 'Strongest first; as many as were asked for, or fewer.' }),
  ),
  repeated: Type.Boolean({
    description: 'Whether this transaction had been decided on before; then this is that decision.',
  }),
  late: Type.Boolean({
    description:
      'Whether it came after a later transaction of its user, merchant, device or other entity, so that it was decided on in another order than it happened; timing says how late.',
  }),
  timing: Type.Unsafe({
    type: 'string',
    enum: TIMINGS,
    description:
      'in_order; late: placed in the states where it belongs; too_late: further behind than features.allowed_lateness for at least one entity, whose state it did not enter; too_old: so far behind the clock of the server (event_time.max_age) that it entered no state.',
  }),
  control_sample: Type.Optional(
    Type.Object(
      {
        drawn: Type.Unsafe({
          type: 'string',
          enum: ['let_through', 'review'],
          description:
            'let_through: probability has reached threshold, and yet it is not flagged: let it pass as if nothing had been suspected. review: it is not flagged, and somebody is to find out whether it was fraud.',
        }),
        propensity: Type.Number({
          exclusiveMinimum: 0,
          maximum: 1,
          description: 'Chance that it had to be drawn; in estimates it counts for the inverse.',
        }),
      },
      {
        description:
          'Chance has chosen the transaction, by its id, for the control sample (control_sample of the configuration). Find out the truth and tell it to POST /feedback. Left out of all others.',
      },
    ),
  ),
  sequence: Type.Integer({ minimum: 1, description: 'Place in the log of decisions.' }),
  decided_at: Type.String({ description: 'ISO 8601, UTC.' }),
  latency_ms: Type.Number({ description: 'Time that the server took.' }),
}

const EXAMPLE_PREDICTION = {
  prediction_id: '0f1c9a52-17',
  transaction_id: 'tx-2026-000001',
  probability: 0.0132,
  decision: 'allow',
  is_flagged: false,
  is_fraud: false,
  risk_level: 'low',
  threshold: 0.42,
  model: { name: 'fraud-detector', version: '3' },
  role: 'champion',
  repeated: false,
  late: false,
  timing: 'in_order',
  sequence: 17,
  decided_at: '2026-03-14T09:26:53.700Z',
  latency_ms: 0.61,
}

export const PredictionAnswer = named(
  'Prediction',
  Type.Object(predictionFields, {
    description: 'A decision on one transaction.',
    examples: [EXAMPLE_PREDICTION],
  }),
)

export const BatchBody = named(
  'Batch',
  Type.Union(
    [
      Type.Object(
        { transactions: Type.Array(refTo(DecisionBody), { minItems: 1 }) },
        { additionalProperties: false },
      ),
      Type.Array(refTo(DecisionBody), { minItems: 1 }),
    ],
    { description: 'Transactions that are decided on in this order; a bare list of them is the same.' },
  ),
)

/** One line of a streamed answer: a decision, or why there is none. */
export const BatchRow = named(
  'BatchRow',
  Type.Object(
    {
      line: Type.Optional(
        Type.Integer({ minimum: 1, description: 'Row of the request that an error is about, from 1.' }),
      ),
      error: Type.Optional(refTo(RowError)),
      ...Object.fromEntries(
        Object.entries(predictionFields).map(([name, schema]) => [name, Type.Optional(schema)]),
      ),
    },
    { description: 'A decision, or an error and the row that it is about.' },
  ),
)

export const BatchAnswer = named(
  'BatchAnswer',
  Type.Object(
    {
      predictions: Type.Array(refTo(BatchRow), { description: 'One for each transaction, in their order.' }),
      decided: Type.Integer(),
      failed: Type.Integer(),
    },
    { description: 'What became of each transaction.' },
  ),
)

export const LoggedAnswer = named(
  'LoggedPrediction',
  Type.Object(
    {
      ...predictionFields,
      transaction: refTo(LoggedTransaction),
      looked_up: Type.Array(Type.String(), {
        description: 'Attributes of it that were not sent, but looked up in a table beside the transactions.',
      }),
      features: Type.Unsafe({
        type: 'object',
        additionalProperties: { type: ['number', 'null'] },
        description: 'Values by feature; null where missing.',
      }),
      shadow: Type.Optional(
        Type.Object(
          { model: refTo(ModelName), probability: Type.Number(), ...flagged },
          { description: 'What the challenger would have answered.' },
        ),
      ),
      shadow_unavailable: Type.Optional(
        Type.Literal(true, {
          description:
            'The server cannot read what a challenger may have said of it; left out where there is nothing to read, or it was read.',
        }),
      ),
      label: nullable(
        Type.Object(
          {
            is_fraud: nullable(
              Type.Boolean({
                description: 'The truth, as far as it is known; null when what was told was taken back.',
              }),
            ),
            received_at: Type.String(),
            origin: Type.Optional(
              Type.Unsafe({
                type: 'string',
                enum: TOLD_ORIGINS,
                description: 'Who told it; left out where nobody did, or nobody knows.',
              }),
            ),
          },
          { description: 'What was told of it by POST /feedback; null while nothing was.' },
        ),
      ),
    },
    { description: 'A decision with everything that went into it.' },
  ),
)
