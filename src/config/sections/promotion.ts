import { type Static, Type } from 'typebox'
import { COMPARABLE_FIGURES } from '../../evaluation/figures.ts'
import { figureBounds, figureMargins, RENAMED_FIGURES } from '../figure-settings.ts'

const BY_CHANCE = {
  margin: 0.005,
  reason: '.005 is what two trainings on the same rows may differ by chance.',
}

const atMost = (fallback: number, description: string) =>
  Type.Union([Type.Number({ minimum: 0, maximum: 60_000, unit: 'milliseconds' }), Type.Null()], {
    default: fallback,
    description,
  })

/** What a version must show before an alias names it. */
export const PromotionSchema = Type.Object(
  {
    minimum: Type.Object(figureBounds(COMPARABLE_FIGURES, 'on test'), {
      additionalProperties: false,
      renamed: RENAMED_FIGURES,
      default: {},
      description: 'Figures that a version needs to be promoted.',
    }),
    regression: Type.Object(
      figureMargins(COMPARABLE_FIGURES, 'that of the version in place, on the same test rows', {
        roc_auc: BY_CHANCE,
        average_precision: BY_CHANCE,
      }),
      {
        additionalProperties: false,
        renamed: RENAMED_FIGURES,
        default: {},
        description: 'No step back: how much worse than the version that the alias names now.',
      },
    ),
    parity_rows: Type.Integer({
      default: 10_000,
      minimum: 1,
      maximum: 1_000_000_000,
      unit: 'transactions',
      description:
        'Last transactions of the run that are served as a server would, and compared with training as they stand in its log, value by value. None may differ. 10,000 take seconds and meet every feature.',
    }),
    latency: Type.Object(
      {
        p50: atMost(
          1,
          'Median time of one decision in process, as its caller sees it (cleaning, states, features, score, receipt, log), at most. null: any.',
        ),
        p99: atMost(5, 'Time of one decision that 99 of 100 stay within, at most. null: any.'),
      },
      { additionalProperties: false, default: {}, description: 'Latency budget, measured at promotion.' },
    ),
  },
  { description: 'What a model version must show to be promoted.' },
)

export type PromotionSettings = Static<typeof PromotionSchema>
