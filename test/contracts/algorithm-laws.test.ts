import { describe } from 'vitest'
import type { Algorithm, TrainingData } from '../../src/learning/algorithm.ts'
import {
  type LogisticRegressionSettings,
  logisticRegression,
} from '../../src/learning/algorithms/logistic-regression.ts'
import type { LogisticRegressionModel } from '../../src/learning/logistic-regression.ts'
import type { AlgorithmSubject } from '../../src/testing/algorithm/algorithm-law.ts'
import { algorithmLaws } from '../../src/testing/algorithm-laws.ts'
import { refuseAll } from './faults.ts'

type Logistic = Algorithm<LogisticRegressionSettings, LogisticRegressionModel | undefined>

describe('a broken algorithm', () => {
  let fits = 0
  refuseAll(algorithmLaws, [
    {
      what: 'one whose every fit is another',
      subject: learningOtherwise((model) => ({ ...model, intercept: model.intercept + 1e-9 * ++fits })),
      breaks: 'law 1: the same data, settings and seed give the same bytes',
    },
    {
      what: 'one that looks at the first row',
      subject: learningOtherwise((model, { labels }) => ({
        ...model,
        intercept: model.intercept + labels[0]! * 1e-6,
      })),
      breaks: 'law 2: the order of rows changes nothing',
    },
    {
      what: 'one that sees nothing in a missing value',
      subject: learningOtherwise((model) => model),
      breaks: 'law 3: that a value is missing can be all there is to learn',
    },
    {
      what: 'one that learns from rows of one class',
      subject: fittingOtherwise((data, settings, seed, crew) =>
        logisticRegression.fit(
          new Set(Array.from(data.labels)).size === 1
            ? { ...data, labels: Uint8Array.from(data.labels, (_, row) => row % 2) }
            : data,
          settings,
          seed,
          crew,
        ),
      ),
      breaks: 'law 4: rows of one class are refused',
    },
    {
      what: 'one that has taken the frauds for the others',
      subject: learningOtherwise((model) => ({
        ...model,
        intercept: -model.intercept,
        coefficients: model.coefficients.map((coefficient) => -coefficient),
      })),
      breaks: 'law 5: separable classes are told apart on rows that were not learnt from',
    },
    {
      what: 'one whose model is no data',
      subject: learningOtherwise((model) => ({ ...model, intercept: Number.POSITIVE_INFINITY })),
      breaks: 'law 6: a model that went through an artifact scores to the bit what it scored before',
    },
    {
      what: 'one that works in the rows it was given',
      subject: fittingOtherwise((data, ...rest) => {
        data.weights?.fill(1)
        return logisticRegression.fit(data, ...rest)
      }),
      breaks: 'law 7: what it learns from is left as it was',
    },
    {
      what: 'one that is not to be interrupted',
      subject: fittingOtherwise((data, settings, seed, crew) =>
        logisticRegression.fit(data, settings, seed, { ...crew, isCancelled: () => false }),
      ),
      breaks: 'law 7: an interruption ends it',
    },
  ])
})

const SUBJECT: AlgorithmSubject = {
  algorithm: logisticRegression,
  settings: { c: 1, classWeight: 'none', maxIterations: 100, tolerance: 1e-8 },
  drawing: 'it never draws',
  orderOfRows: 1e-9,
  weightsAsRepetition: 1e-9,
  constantFeature: 1e-9,
}

/** Logistic regression that fits in another way. */
function fittingOtherwise(fit: Logistic['fit']): AlgorithmSubject {
  return { ...SUBJECT, algorithm: { ...logisticRegression, fit } }
}

/** Logistic regression whose model is changed afterwards. */
function learningOtherwise(
  change: (model: LogisticRegressionModel, data: TrainingData) => LogisticRegressionModel,
): AlgorithmSubject {
  return fittingOtherwise((data, ...rest) => {
    const model = logisticRegression.fit(data, ...rest)
    return model && change(model, data)
  })
}
