import { describe, expect, test } from 'vitest'
import { ModelsSchema } from '../src/config/sections/models.ts'
import { fitAlone, soloCrew, type TrainingData } from '../src/learning/algorithm.ts'
import { ALGORITHMS } from '../src/learning/algorithms/index.ts'
import type { ModelKind } from '../src/learning/model.ts'
import { algorithmSettings, modelSettings } from '../src/pipelines/training/model-settings.ts'
import { type Labelled, problem, withColumn } from '../src/testing/learning-problems.ts'
import { BOUNDS, CHANGES, HERE, MODELS } from './algorithm-cases.ts'

/** Decide whether, where and how often a model is trained, and not what it learns. */
const NOT_LEARNT_FROM = ['enabled', 'grid', 'library']

describe.each(Object.keys(ALGORITHMS) as ModelKind[])('settings of %s', (name) => {
  const algorithm = ALGORITHMS[name]
  const defaults = modelSettings(MODELS[name])
  const settingsOf = (change: Readonly<Record<string, unknown>>) =>
    ({
      ...algorithmSettings({ ...defaults, ...change } as typeof defaults),
      ...HERE[name],
    }) as never
  const data = { ...withCategory(problem(400)), validation: withCategory(problem(100, 2)) }
  const learn = (change: Readonly<Record<string, unknown>>, on: TrainingData = data) =>
    JSON.stringify(fitAlone(algorithm, on, settingsOf(change), 7))
  const names = Object.keys(ModelsSchema.properties[name].properties).filter(
    (setting) => !NOT_LEARNT_FROM.includes(setting),
  )
  const reason = BOUNDS[name].unavailable
  const unavailable = reason === undefined ? '' : `: skipped, ${reason}`

  test('are those of the configuration', () => {
    expect(Object.keys(CHANGES[name]).sort()).toEqual(names.sort())
  })

  test.skipIf(unavailable)(`each of them changes what is learnt${unavailable}`, () => {
    const usual = learn({})
    expect(names.filter((setting) => learn(CHANGES[name][setting] ?? {}) === usual)).toEqual([])
  })

  test.skipIf(unavailable)(`shared memory is what the estimate says, and enough${unavailable}`, () => {
    for (const change of [{}, ...('row_share' in defaults ? [{ row_share: 0.5 }] : [])]) {
      const settings = settingsOf(change)
      const shape = { rows: 400, validationRows: 100, features: 4 }
      const estimate = algorithm.memory(shape, settings, 1)
      // A write past the end of a typed array is dropped without a word: with room to spare it would count.
      const roomy = Object.fromEntries(
        Object.entries(estimate).map(([part, bytes]) => [part, 2 * Math.ceil(bytes / 8) * 8]),
      )
      const fitIn = (bytes: Readonly<Record<string, number>>) =>
        JSON.stringify(algorithm.assemble([algorithm.fit(data, settings, 7, soloCrew(bytes)) as never]))
      expect(fitIn(roomy)).toBe(fitIn(estimate))
    }
  })

  test.skipIf(unavailable)(`more rows are never estimated to take less${unavailable}`, () => {
    const bytes = (rows: number, features: number) => {
      const shape = { rows, validationRows: rows, features }
      const shared = Object.values(algorithm.memory(shape, settingsOf({}), 1))
      return (
        shared.reduce((sum, part) => sum + part, 0) + (algorithm.ownMemory?.(shape, settingsOf({}), 1) ?? 0)
      )
    }
    for (const rows of [10, 1000, 100_000]) {
      expect(bytes(rows, 3)).toBeGreaterThan(0)
      expect(bytes(rows + 1, 3)).toBeGreaterThanOrEqual(bytes(rows, 3))
      expect(bytes(rows, 4)).toBeGreaterThanOrEqual(bytes(rows, 3))
    }
  })
})

test('logistic regression asks for its standardised rows with ones, and for the weights of its rows', () => {
  const shape = { rows: 1000, validationRows: 0, features: 3 }
  expect(ALGORITHMS.logistic_regression.ownMemory?.(shape, {} as never, 1)).toBe(1000 * (3 + 1 + 1) * 8)
})

/** With a category of 20 values, of which a few tell something. */
function withCategory(data: Labelled): Labelled {
  const codes = Float64Array.from(data.labels, (label, row) => (row * 7 + (row % 4) * label) % 20)
  const wider = withColumn(data, 'category', codes)
  return { ...wider, table: { ...wider.table, categorical: ['category'] } }
}
