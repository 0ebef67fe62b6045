import { type Static, Type } from 'typebox'

const share = (unit: string, description: string) =>
  Type.Number({ default: 0, minimum: 0, maximum: 1, unit, description })

/** Decisions that chance chooses so that somebody finds out the truth of them. */
export const ControlSampleSchema = Type.Object(
  {
    let_through: share(
      'share of decisions that reach the threshold',
      'How many of the decisions that reach the threshold are answered as not flagged, so that it becomes known what they would have been. 0: none. One or two in a hundred are usual; each is a fraud that costs its amount when the model was right, so most_amount_minor bounds it.',
    ),
    review: share(
      'share of the other decisions',
      'How many of the decisions below the threshold are marked for review, so that frauds are found which nobody notices. 0: none. It takes nothing from customers and costs the time of reviewers: at a thousand decisions a second .0001 are 8,640 a day.',
    ),
    most_amount_minor: Type.Record(
      Type.String({ minLength: 1 }),
      Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
      {
        default: {},
        description:
          'Largest amount that is let through, in minor units by currency: `{ EUR: 5000, JPY: 6000 }` are 50 euros and 6,000 yen. other: of currencies that are not named, and of transactions without one. What has no entry is never let through.',
      },
    ),
    except: Type.Record(Type.String({ minLength: 1 }), Type.Array(Type.String({ minLength: 1 })), {
      default: {},
      description:
        'What is never let through whatever chance says: values by field or attribute, `{ transaction_type: [transfer], sanctions_hit: ["true"] }`. A transaction that lacks the field is not let through either, so that a wrong name lets nothing through.',
    }),
    salt: Type.String({
      default: '',
      secret: 'whole',
      description:
        'Secret of the draw, needed as soon as a share is above 0: who knows it can choose ids of transactions that are let through. The same on every server, or a repeated transaction would be decided otherwise elsewhere; another one draws others. `vigia parity` draws again by it. Better given as VIGIA_CONTROL_SAMPLE__SALT than written in a file.',
    }),
  },
  {
    default: {},
    description:
      'A control sample: decisions that chance chooses by the id of the transaction, so that it becomes known what the model misses and what it flags for nothing. Off unless a share is above 0. docs/performance-monitoring.md says how to choose.',
  },
)

export type ControlSampleSection = Static<typeof ControlSampleSchema>

/** What settings of the control sample may not be together: a sentence for each. */
export const controlSampleProblems = (
  { let_through, review, most_amount_minor, salt }: ControlSampleSection,
  originOf: (name: string) => string,
): readonly string[] => {
  const problem = (name: string, sentence: string): string =>
    `${originOf(`control_sample.${name}`)} control_sample.${name}: ${sentence}`
  return [
    ...(let_through > 0 && Object.keys(most_amount_minor).length === 0
      ? [
          problem(
            'most_amount_minor',
            `allowed with let_through above 0, which is ${let_through}: the largest amount that is let through, in minor units by currency; got none. {other: 5000} bounds all currencies alike.`,
          ),
        ]
      : []),
    ...((let_through > 0 || review > 0) && salt === ''
      ? [
          problem(
            'salt',
            'allowed where a share is above 0: a secret text; got nothing. VIGIA_CONTROL_SAMPLE__SALT gives it without a file; `openssl rand -hex 16` makes one.',
          ),
        ]
      : []),
  ]
}
