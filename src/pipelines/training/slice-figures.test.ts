import { expect, it } from 'vitest'
import { NO_COSTS } from '../../evaluation/cost.ts'
import { sliceFigures } from './slice-figures.ts'

it('judges each slice by its own rows, leaves out rows without a slice and slices without rows', () => {
  const slicing = { by: 'colour', names: ['red', 'blue', 'none'], nameOfRow: ['red', 'red', 'blue', null] }
  const { by, slices } = sliceFigures(slicing, {
    labels: Uint8Array.of(1, 0, 0, 1),
    scores: Float64Array.of(0.9, 0.2, 0.5, 0.9),
    days: new Int32Array(4),
    entities: Uint32Array.of(0, 1, 2, 3),
    amountsMinor: new Float64Array(4),
    threshold: 0.5,
    k: 1,
    costs: NO_COSTS,
  })
  expect(by).toBe('colour')
  expect(slices).toMatchObject([
    { name: 'red', rows: 2, frauds: 1, flagged: 1, rocAuc: 1, averagePrecision: 1, precision: 1, recall: 1 },
    {
      name: 'blue',
      rows: 1,
      frauds: 0,
      flagged: 1,
      rocAuc: null,
      averagePrecision: null,
      precision: 0,
      recall: null,
    },
  ])
  // What is looked at a day says nothing of a part of the day's rows.
  expect(slices[0]).not.toHaveProperty('dailyPrecision')
})
