import { type Static, Type } from 'typebox'

/** L2-regularised logistic regression. */
export const LogisticRegressionSchema = Type.Object(
  {
    enabled: Type.Boolean({ default: true, description: 'Train this model.' }),
    c: Type.Number({
      default: 1,
      exclusiveMinimum: 0,
      maximum: 1e9,
      unit: 'inverse strength',
      description:
        'Inverse of the regularisation: the loss is |w|^2 / 2 + c * sum of log losses, as in scikit-learn. 1 is the usual start.',
    }),
    class_weight: Type.Union([Type.Literal('none'), Type.Literal('balanced')], {
      default: 'none',
      description:
        'balanced weighs classes by rows / (2 * rows of the class). none keeps probabilities true to the rate of fraud, and ranks as well.',
    }),
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
  },
  { additionalProperties: false, default: {}, description: 'L2-regularised logistic regression.' },
)

/** The models to train, by name. */
export const ModelsSchema = Type.Object(
  { logistic_regression: LogisticRegressionSchema },
  { additionalProperties: false, description: 'Models to train, each with its settings.' },
)

export type LogisticRegressionSettings = Static<typeof LogisticRegressionSchema>
export type ModelsSettings = Static<typeof ModelsSchema>
