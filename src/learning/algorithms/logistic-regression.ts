import type { Algorithm } from '../algorithm.ts'
import {
  fitLogisticRegression,
  type LogisticRegressionModel,
  type LogisticRegressionOptions,
} from '../logistic-regression.ts'

/** `models.logistic_regression` of the configuration. */
export type LogisticRegressionSettings = Pick<
  LogisticRegressionOptions,
  'c' | 'classWeight' | 'maxIterations' | 'tolerance'
>

/**
 * L2-regularised logistic regression on standardised features. The order of rows changes no more than
 * rounding.
 */
export const logisticRegression: Algorithm<LogisticRegressionSettings, LogisticRegressionModel | undefined> =
  {
    name: 'logistic_regression',
    title: 'Logistic regression',
    isParallel: false,
    // The standardised rows with a column of ones, and the rows' weights; no shared buffer, because one
    // thread does the work.
    memory: () => ({}),
    ownMemory: ({ rows, features }) => rows * (features + 2) * 8,
    fit: (data, settings, _seed, crew) =>
      crew.index > 0
        ? undefined
        : fitLogisticRegression(data.table, data.labels, {
            ...settings,
            ...(data.weights && { sampleWeights: data.weights }),
            signal: {
              get aborted() {
                return crew.isCancelled()
              },
            },
            onIteration: (iteration) => crew.reportProgress(iteration, settings.maxIterations),
          }),
    assemble: ([model]) => model!,
  }
