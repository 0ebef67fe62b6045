import { type Static, Type } from 'typebox'

/** Which features a model gets: learnt from the training rows alone, each step on or off by itself. */
export const SelectionSchema = Type.Object(
  {
    min_variance: Type.Union(
      [Type.Number({ minimum: 0, unit: 'square of the feature’s unit' }), Type.Null()],
      {
        default: 0,
        description:
          'Features whose variance is not above this are dropped; 0 drops constants only, null none. More than 0 depends on each feature’s unit and is seldom right.',
      },
    ),
    max_correlation: Type.Number({
      default: 1,
      exclusiveMinimum: 0,
      maximum: 1,
      unit: 'absolute correlation',
      description:
        'Of features that correlate more than this, the most relevant stays. 1 is off, as by default: trees and a penalised regression bear likeness, and windows that correlate .95 still differ on frauds. 0.999 drops repetitions.',
    }),
    correlation: Type.Union([Type.Literal('spearman'), Type.Literal('pearson')], {
      default: 'spearman',
      description:
        'spearman compares ranks, which is all that trees see and what heavy tails do not spoil; pearson compares values.',
    }),
    score: Type.Union(
      [
        Type.Literal('none'),
        Type.Literal('mutual_information'),
        Type.Literal('chi_squared'),
        Type.Literal('importance'),
        Type.Literal('permutation'),
      ],
      {
        default: 'none',
        description:
          'What keep and min_score go by. mutual_information (nats) and chi_squared look at one feature at a time; importance (share of the gain) and permutation (loss of quality) ask a model. none by default: fewer features are faster, seldom better.',
      },
    ),
    keep: Type.Integer({
      default: 0,
      minimum: 0,
      maximum: 100_000,
      unit: 'features',
      description: 'Features that stay, the highest scores first; 0 for all. Without a score all stay.',
    }),
    min_score: Type.Union([Type.Number({ unit: 'unit of score' }), Type.Null()], {
      default: null,
      description: 'Features whose score is lower are dropped; null for none. Without a score all stay.',
    }),
    bins: Type.Integer({
      default: 32,
      minimum: 2,
      maximum: 1024,
      unit: 'bins',
      description:
        'Bins of equal frequency for mutual_information and chi_squared. More see finer tails and more chance: by chance alone a feature has about bins / (2 * rows) nats.',
    }),
    model: Type.Union([Type.Literal('gradient_boosting'), Type.Literal('random_forest')], {
      default: 'gradient_boosting',
      description:
        'Model that importance and permutation ask, with its settings of the models section. Boosting is the faster one.',
    }),
    permutation: Type.Object(
      {
        scoring: Type.Union([Type.Literal('average_precision'), Type.Literal('roc_auc')], {
          default: 'average_precision',
          description:
            'Quality whose loss is measured. average_precision looks at the top of the list, where alerts come from; roc_auc hardly moves when frauds are rare.',
        }),
        repeats: Type.Integer({
          default: 5,
          minimum: 1,
          maximum: 1000,
          unit: 'shuffles a feature',
          description: 'Shuffles whose loss is averaged; five show the spread.',
        }),
        held_out: Type.Number({
          default: 0.3,
          exclusiveMinimum: 0,
          maximum: 0.9,
          unit: 'share',
          description:
            'The last share of the training rows, which the asked model does not learn from: on rows it knows, noise looks useful.',
        }),
      },
      {
        additionalProperties: false,
        default: {},
        description: 'How the loss is measured when a feature’s values are shuffled.',
      },
    ),
  },
  {
    additionalProperties: false,
    default: {},
    description: 'Which features models get, learnt from training rows.',
  },
)

export type SelectionSettings = Static<typeof SelectionSchema>
