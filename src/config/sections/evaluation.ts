import { type Static, Type } from 'typebox'
import { FIGURES } from '../../evaluation/figures.ts'
import { figureBounds, figureChoice, figureMargins, RENAMED_FIGURES } from '../figure-settings.ts'

const bound = (fallback: number, description: string) =>
  Type.Number({ default: fallback, minimum: 0, maximum: 1, unit: 'probability', description })

const amount = (description: string) =>
  Type.Integer({ default: 0, minimum: 0, unit: 'minor units', description })

/** How a model is judged and its scores become decisions. */
export const EvaluationSchema = Type.Object(
  {
    top_k: Type.Integer({
      default: 100,
      minimum: 1,
      maximum: 1_000_000,
      unit: 'users a day',
      description:
        'Users that can be looked at a day: the k of daily_precision. 100 is the benchmark figure.',
    }),
    choose_by: figureChoice(FIGURES, {
      default: 'roc_auc',
      description:
        'Figure that the best model has the best of on validation, each at its own threshold (docs/figures.md). roc_auc weighs the whole order; average_precision and daily_precision (top_k) the top of the list; expected_cost, the least is best, goes by costs.',
    }),
    calibration: Type.Union(
      [Type.Literal('auto'), Type.Literal('none'), Type.Literal('platt'), Type.Literal('isotonic')],
      {
        default: 'auto',
        description:
          'How probabilities are made true on validation. auto takes the one with the least cross-validated log loss, so that few frauds change nothing; platt bends them by two numbers, isotonic by a rising line.',
      },
    ),
    threshold: Type.Union(
      [
        Type.Literal('best_f1'),
        Type.Literal('min_cost'),
        Type.Literal('alert_budget'),
        Type.Literal('min_precision'),
        Type.Number({ minimum: 0, maximum: 1, unit: 'probability' }),
      ],
      {
        default: 'best_f1',
        description:
          'From which probability a transaction is flagged: a number, or what is chosen on validation (on training where nothing validates). best_f1: the best F1; min_cost: the least expected cost (costs); alert_budget: the lowest that stays within alert_budget; min_precision: the highest recall with at least precision_floor.',
      },
    ),
    alert_budget: Type.Object(
      {
        alerts_per_day: Type.Number({
          default: 100,
          exclusiveMinimum: 0,
          maximum: 1_000_000_000,
          unit: 'transactions a day',
          description: 'Transactions flagged a day at most, on average. 100, as top_k.',
        }),
      },
      { additionalProperties: false, default: {}, description: 'What threshold: alert_budget keeps within.' },
    ),
    precision_floor: Type.Number({
      default: 0.5,
      minimum: 0,
      maximum: 1,
      unit: 'share',
      description:
        'Share of the flagged that is fraud at least, for threshold: min_precision. 0.5: every second alarm is right.',
    }),
    costs: Type.Object(
      {
        false_alarm: amount(
          'Cost of each flagged transaction that is genuine: the review and the annoyance.',
        ),
        review: amount('Cost of looking at each flagged transaction, genuine or fraud.'),
        missed_fraud: amount('Cost of each fraud that is not flagged, whatever its amount.'),
        missed_fraud_amount_share: Type.Number({
          default: 0,
          minimum: 0,
          maximum: 1000,
          unit: 'share of the amount',
          description: 'Cost of each fraud that is not flagged, per its amount: 1 where all of it is lost.',
        }),
      },
      {
        additionalProperties: false,
        default: {},
        description:
          'What decisions cost, in minor units of the currency. All 0: there is no cost matrix, and no expected cost is reported.',
      },
    ),
    bootstrap_resamples: Type.Integer({
      default: 200,
      minimum: 0,
      maximum: 100_000,
      unit: 'resamples',
      description:
        'Resamples that the 95 % intervals of figures come from. 200 place their ends well enough to read; 0: no intervals.',
    }),
    slices: Type.Object(
      {
        amount_bands: Type.Integer({
          default: 5,
          minimum: 1,
          maximum: 100,
          unit: 'bands',
          description: 'Bands of amounts, with equally many rows each, that quality is reported on.',
        }),
        new_user_days: Type.Number({
          default: 30,
          minimum: 0,
          maximum: 36_500,
          unit: 'days',
          description:
            'A user is new for as long after the first transaction. 30: habits show after a month.',
        }),
        smallest: Type.Integer({
          default: 50,
          minimum: 1,
          maximum: 1_000_000_000,
          unit: 'rows',
          description: 'Groups with fewer rows are put together as other: their figures would be chance.',
        }),
      },
      {
        additionalProperties: false,
        default: {},
        description: 'Groups of rows that quality is reported on.',
      },
    ),
    permutation_repeats: Type.Integer({
      default: 3,
      minimum: 0,
      maximum: 1000,
      unit: 'shuffles',
      description:
        'Times each feature is shuffled to see how much average precision falls. 3 show which features matter; more narrow the deviation, and 0 measures nothing.',
    }),
    gates: Type.Object(
      {
        ...figureBounds(FIGURES, 'of the chosen model on test'),
        worse_than_production: Type.Object(figureMargins(FIGURES, 'that of the model in production'), {
          additionalProperties: false,
          renamed: RENAMED_FIGURES,
          default: {},
          description: 'How much worse than the model in production (production) the chosen one may be.',
        }),
      },
      {
        additionalProperties: false,
        renamed: RENAMED_FIGURES,
        default: {},
        description: 'What a model must reach on test; otherwise the run fails and nothing is packaged.',
      },
    ),
    production: Type.String({
      default: '',
      description:
        'Folder of the artifact in production, or of the run that made it, to compare with. Empty: nothing is compared.',
    }),
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
