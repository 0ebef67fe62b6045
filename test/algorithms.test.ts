import { expect, test } from 'vitest'
import { loadTrainingConfig } from '../src/config/config-manager.ts'
import { ModelsSchema } from '../src/config/sections/models.ts'
import { findXgboostLibrary } from '../src/fitting/xgboost/find-library.ts'
import { librarySearchHere } from '../src/fitting/xgboost/library-search.ts'
import { ALGORITHMS } from '../src/learning/algorithms/index.ts'
import type { ModelKind } from '../src/learning/model.ts'
import { algorithmSettings, modelSettings } from '../src/pipelines/training/model-settings.ts'
import type { AlgorithmSubject } from '../src/testing/algorithm/algorithm-law.ts'
import { algorithmLaws } from '../src/testing/algorithm-laws.ts'
import { holdToLaws } from './hold-to-laws.ts'

const found = await findXgboostLibrary(
  librarySearchHere({ setting: '', environment: process.env, projectDirectory: process.cwd() }),
)

/** How far each law binds each algorithm. A new one has its entry here. */
const BOUNDS: Readonly<Record<ModelKind, Omit<AlgorithmSubject, 'algorithm' | 'settings'>>> = {
  logistic_regression: {
    drawing: 'it never draws',
    orderOfRows: 1e-9,
    weightsAsRepetition: 1e-9,
    constantFeature: 1e-9,
    blindToAbsence: 'a missing value stands at the mean of its feature',
    blindToCodes: 'it weighs codes like numbers',
  },
  random_forest: {
    drawing: {},
    orderOfRows: 'rows are drawn by their numbers',
    weightsAsRepetition: 'a row n times is drawn n times on average, another draw',
    constantFeature: 'the features of a split are drawn among one more',
  },
  gradient_boosting: {
    drawing: { rowShare: 0.5 },
    orderOfRows: 0,
    weightsAsRepetition: 0,
    constantFeature: 0,
  },
  xgboost: {
    drawing: { rowShare: 0.5 },
    orderOfRows: 1e-5,
    weightsAsRepetition: 1e-5,
    constantFeature: 0,
    ...('missing' in found && { unavailable: `no library was found: ${found.advice}` }),
  },
}

const { models } = loadTrainingConfig({
  environment: {},
  assignments: [],
  workingDirectory: process.cwd(),
}).settings

for (const name of Object.keys(ALGORITHMS) as ModelKind[])
  holdToLaws(`${ALGORITHMS[name]!.title} keeps the laws of an algorithm`, algorithmLaws, {
    algorithm: ALGORITHMS[name]!,
    settings: {
      ...algorithmSettings(modelSettings(models[name])),
      ...(name === 'xgboost' && 'path' in found && { library: found.path }),
    },
    ...BOUNDS[name],
  })

test('the configuration has the algorithms there are, in the same order', () => {
  expect(Object.keys(ModelsSchema.properties)).toEqual(Object.keys(ALGORITHMS))
})

test('each algorithm is filed under its name', () => {
  for (const [name, { name: own }] of Object.entries(ALGORITHMS)) expect(own).toBe(name)
})
