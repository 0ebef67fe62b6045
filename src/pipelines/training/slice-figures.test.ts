import { expect, it } from 'vitest'
import { sliceFigures } from './slice-figures.ts'

it('judges each slice by its own rows, leaves out rows without a slice and slices without rows', () => {
  const slicing = { by: 'colour', names: ['red', 'blue', 'none'], nameOfRow: ['red', 'red', 'blue', null] }
  const { by, slices } = sliceFigures(
    slicing,
    Uint8Array.of(1, 0, 0, 1),
    Float64Array.of(0.9, 0.2, 0.5, 0.9),
    0.5,
  )
  expect(by).toBe('colour')
  expect(slices).toEqual([
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
})
