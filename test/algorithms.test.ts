import { expect, test } from 'vitest'
import { ModelsSchema } from '../src/config/sections/models.ts'
import { ALGORITHMS } from '../src/learning/algorithms/index.ts'
import type { ModelKind } from '../src/learning/model.ts'
import { algorithmSettings, modelSettings } from '../src/pipelines/training/model-settings.ts'
import { algorithmLaws } from '../src/testing/algorithm-laws.ts'
import { BOUNDS, HERE, MODELS } from './algorithm-cases.ts'
import { holdToLaws } from './hold-to-laws.ts'

for (const name of Object.keys(ALGORITHMS) as ModelKind[])
  holdToLaws(`${ALGORITHMS[name].title} keeps the laws of an algorithm`, algorithmLaws, {
    algorithm: ALGORITHMS[name],
    settings: {
      ...algorithmSettings(modelSettings(MODELS[name])),
      ...HERE[name],
    },
    ...BOUNDS[name],
  })

test('the configuration has the algorithms there are, in the same order', () => {
  expect(Object.keys(ModelsSchema.properties)).toEqual(Object.keys(ALGORITHMS))
})

test('each algorithm is filed under its name', () => {
  for (const [name, { name: own }] of Object.entries(ALGORITHMS)) expect(own).toBe(name)
})
