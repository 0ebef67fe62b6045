import { type Static, type TProperties, type TSchema, Type } from 'typebox'

const enabled = Type.Boolean({ default: true, description: 'Train this model.' })

/** Values to try of each setting, by its name. */
export type GridSettings = Readonly<Record<string, readonly unknown[]>>

/**
 * A mapping whose keys are settings of the model and whose values are lists of values of that setting, held
 * to its range.
 */
const gridOf = (settings: TProperties) =>
  Type.Unsafe<GridSettings>({
    type: 'object',
    patternProperties: Object.fromEntries(
      Object.entries(settings).map(([name, schema]) => [`^${name}$`, valuesOf(schema)]),
    ),
    additionalProperties: false,
    default: {},
    description:
      'Values to try, setting by setting, such as {max_iterations: [50, 100]}; how they are tried: search. Empty: nothing is searched, because every value multiplies the time.',
  })

/** The setting without its default and its prose, which speak of one value. */
const valuesOf = (schema: TSchema): TSchema => {
  const { default: _, description: __, ...value } = schema as TSchema & Record<string, unknown>
  return Type.Array(value as TSchema, { minItems: 1 })
}

const classWeight = (reason: string) =>
  Type.Union([Type.Literal('none'), Type.Literal('balanced')], {
    default: 'none',
    description: `balanced weighs classes by rows / (2 * rows of the class). none ${reason}`,
  })

const trees = (description: string) =>
  Type.Integer({ default: 100, minimum: 1, maximum: 10_000, unit: 'trees', description })

const share = (description: string) =>
  Type.Number({ default: 1, exclusiveMinimum: 0, maximum: 1, unit: 'share', description })

const maxBins = (fewRows: string) =>
  Type.Integer({
    default: 0,
    minimum: 0,
    maximum: 65_535,
    unit: 'bins',
    description: `Intervals of a feature that splits may lie between, placed where the frauds are. 0: 1,023 up to ${fewRows} rows, where they cost little, and beyond 255, which fit a byte together with the missing.`,
  })

const CATEGORY_PENALTY = Type.Number({
  default: 1,
  minimum: 0,
  maximum: 1e9,
  unit: 'chance gains',
  description:
    'What a split on a set of categories must gain for each value that is free to differ, beyond the first: values as common as each other count 1 each, rare ones less. 1 is what telling values apart gains where they say nothing; with 0 a category of tens of values is learnt by heart where frauds are few. 1e9: categories are not asked for.',
})

const LOGISTIC_REGRESSION = {
  c: Type.Number({
    default: 1,
    exclusiveMinimum: 0,
    maximum: 1e9,
    unit: 'inverse strength',
    description:
      'Inverse of the regularisation: the loss is |w|^2 / 2 + c * sum of log losses, as in scikit-learn. 1 is the usual start.',
  }),
  class_weight: classWeight('keeps probabilities true to the rate of fraud, and ranks as well.'),
  max_iterations: Type.Integer({
    default: 100,
    minimum: 1,
    maximum: 10_000,
    unit: 'iterations',
    description: 'Newton steps at most; ten are usual.',
  }),
  tolerance: Type.Number({
    default: 1e-8,
    exclusiveMinimum: 0,
    maximum: 1,
    unit: 'gradient per row',
    description:
      'Stop when no component of the mean gradient is larger. Newton steps make a tight bound cheap.',
  }),
}

/** L2-regularised logistic regression. */
export const LogisticRegressionSchema = Type.Object(
  { enabled, ...LOGISTIC_REGRESSION, grid: gridOf(LOGISTIC_REGRESSION) },
  { additionalProperties: false, default: {}, description: 'L2-regularised logistic regression.' },
)

const RANDOM_FOREST = {
  trees: trees('Trees whose mean is the probability. More never harm, and cost time in proportion.'),
  max_depth: Type.Integer({
    default: 20,
    minimum: 0,
    maximum: 1024,
    unit: 'splits',
    description:
      'Splits from the root to a leaf at most; 0: no limit, as in scikit-learn. On the benchmark 20 is a little better than none, and keeps the model small.',
  }),
  min_leaf_rows: Type.Integer({
    default: 1,
    minimum: 1,
    maximum: 1_000_000_000,
    unit: 'rows',
    description: 'Rows of a leaf at least, as in scikit-learn. Larger makes smoother and smaller trees.',
  }),
  category_penalty: CATEGORY_PENALTY,
  features_per_split: Type.Union(
    [Type.Literal('sqrt'), Type.Number({ exclusiveMinimum: 0, maximum: 1, unit: 'share' })],
    {
      default: 'sqrt',
      description:
        'Features that each split chooses among, drawn anew: the square root of their number, or a share of them. sqrt keeps the trees different from each other.',
    },
  ),
  class_weight: classWeight('keeps probabilities true to the rate of fraud.'),
  row_share: share(
    'Rows drawn for each tree, with replacement, per training row. 1 is the bootstrap; less is faster on many rows.',
  ),
  max_bins: maxBins('131,072'),
}

/** Random forest. */
export const RandomForestSchema = Type.Object(
  { enabled, ...RANDOM_FOREST, grid: gridOf(RANDOM_FOREST) },
  {
    additionalProperties: false,
    default: {},
    description: 'Random forest: many deep trees on resampled rows, averaged.',
  },
)

/** What both kinds of boosting have in common. */
const BOOSTING = {
  trees: trees('Trees, each correcting those before; early_stopping_rounds may keep fewer.'),
  learning_rate: Type.Number({
    default: 0.1,
    exclusiveMinimum: 0,
    maximum: 1,
    unit: 'share',
    description: 'Part of each correction that is taken. Less needs more trees and generalises better.',
  }),
  max_depth: Type.Integer({
    default: 4,
    minimum: 1,
    maximum: 16,
    unit: 'splits',
    description:
      'Splits from the root to a leaf at most. Frauds are few, and shallow trees generalise: on the benchmark 3 and 4 are better than 6.',
  }),
  min_child_weight: Type.Number({
    default: 1,
    minimum: 0,
    maximum: 1e9,
    unit: 'Hessian',
    description:
      'Sum of p * (1 - p) that each side of a split must keep. 1 asks for about a hundred rows where 1 % are frauds.',
  }),
  l2: Type.Number({
    default: 1,
    minimum: 0,
    maximum: 1e9,
    unit: 'penalty',
    description: 'Penalty on the square of leaf values; shrinks leaves of few rows.',
  }),
  min_gain: Type.Number({
    default: 0,
    minimum: 0,
    maximum: 1e9,
    unit: 'loss',
    description:
      'Loss that a split must remove; ours asks when it is made, XGBoost when the tree is grown. 0: any, the other bounds suffice.',
  }),
  row_share: share('Rows that each tree sees, drawn without replacement. 1: all of them, frauds are few.'),
  column_share: share('Features that each tree sees, drawn without replacement. 1: all of them.'),
  early_stopping_rounds: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: 10_000,
    unit: 'trees',
    description:
      'Stop after as many trees without improvement on validation, and keep those up to the best. 0: never, because validation also chooses calibration, threshold and model.',
  }),
  class_weight: classWeight('keeps probabilities true to the rate of fraud, and ranks as well.'),
}

/** What boosting of our own has beside that. */
const OWN_BOOSTING = {
  ...BOOSTING,
  category_penalty: CATEGORY_PENALTY,
  max_bins: maxBins('1,000,000'),
}

/** Gradient boosting, ours. */
export const GradientBoostingSchema = Type.Object(
  {
    enabled,
    ...OWN_BOOSTING,
    monotone: Type.Record(
      Type.String(),
      Type.Union([Type.Literal('increasing'), Type.Literal('decreasing')]),
      {
        default: {},
        description:
          'Features whose rise may only raise (increasing) or lower (decreasing) the probability, such as {amount: increasing}. None, because habits bend most relations.',
      },
    ),
    grid: gridOf(OWN_BOOSTING),
  },
  {
    additionalProperties: false,
    default: {},
    description: 'Gradient boosting on histograms whose bins stand where the frauds are.',
  },
)

const XGBOOST = {
  tree_method: Type.Union([Type.Literal('hist'), Type.Literal('approx'), Type.Literal('exact')], {
    default: 'hist',
    description:
      'How splits are found: hist on bins of equal frequency, approx on bins weighted anew for each tree, exact on every value. hist is by far the fastest.',
  }),
  ...BOOSTING,
  max_bins: Type.Integer({
    default: 256,
    minimum: 2,
    maximum: 65_536,
    unit: 'bins',
    description:
      "Equally filled intervals of a feature that splits of hist and approx may lie between. 256 is XGBoost's default.",
  }),
  l1: Type.Number({
    default: 0,
    minimum: 0,
    maximum: 1e9,
    unit: 'penalty',
    description: 'Penalty on the size of leaf values. 0, as in XGBoost: l2 does the shrinking.',
  }),
}

/** XGBoost's own library. */
export const XgboostSchema = Type.Object(
  {
    enabled,
    library: Type.String({
      default: '',
      description:
        "Path of XGBoost's shared library. Empty: looked for where systems and Python environments keep it. Where there is none, this model is reported as unavailable and the others are trained.",
    }),
    ...XGBOOST,
    grid: gridOf(XGBOOST),
  },
  {
    additionalProperties: false,
    default: {},
    description: "Gradient boosting by XGBoost's own library, where it is installed.",
  },
)

/** The models to train, by name. */
export const ModelsSchema = Type.Object(
  {
    logistic_regression: LogisticRegressionSchema,
    random_forest: RandomForestSchema,
    gradient_boosting: GradientBoostingSchema,
    xgboost: XgboostSchema,
  },
  { additionalProperties: false, description: 'Models to train, each with its settings.' },
)

export type LogisticRegressionSettings = Static<typeof LogisticRegressionSchema>
export type ModelsSettings = Static<typeof ModelsSchema>
