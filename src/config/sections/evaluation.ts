import { type Static, Type } from 'typebox'

const bound = (fallback: number, description: string) =>
  Type.Number({ default: fallback, minimum: 0, maximum: 1, unit: 'probability', description })

/** How a model is judged and its scores become decisions. */
export const EvaluationSchema = Type.Object(
  {
    top_k: Type.Integer({
      default: 100,
      minimum: 1,
      maximum: 1_000_000,
      unit: 'users a day',
      description: 'Users that can be looked at a day, for the daily precision. 100 is the benchmark figure.',
    }),
    threshold: Type.Union(
      [Type.Literal('best_f1'), Type.Number({ minimum: 0, maximum: 1, unit: 'probability' })],
      {
        default: 'best_f1',
        description:
          'From which probability a transaction is flagged: a number, or best_f1 for the one with the best F1 on validation (on training where nothing validates).',
      },
    ),
    risk_levels: Type.Object(
      {
        medium: bound(0.1, 'From this probability the risk is medium.'),
        high: bound(0.5, 'From this probability the risk is high.'),
        critical: bound(0.9, 'From this probability the risk is critical.'),
      },
      {
        additionalProperties: false,
        default: {},
        description:
          'Risk levels for people; below medium it is low. They do not decide, the threshold does.',
      },
    ),
    curve_points: Type.Integer({
      default: 400,
      minimum: 10,
      maximum: 100_000,
      unit: 'points',
      description: 'Points kept of each curve in reports; more than the eye can tell apart.',
    }),
    histogram_bins: Type.Integer({
      default: 40,
      minimum: 2,
      maximum: 1000,
      unit: 'bins',
      description: 'Bins of the score histograms in reports.',
    }),
  },
  { additionalProperties: false, description: 'How models are judged, and from when they flag.' },
)

export type EvaluationSettings = Static<typeof EvaluationSchema>
