import { describe, expect, it } from 'vitest'
import type { Feature } from '../../features/feature.ts'
import type { FittedFeatures } from '../../features/fitted-features.ts'
import type { ModelScorer } from '../scorer.ts'
import { createScoreComparison, KEPT_ROWS } from './compare-scores.ts'

const NAMES = ['amount', 'shop', 'channel_code']
const FEATURES = [
  { name: 'amount' },
  { name: 'shop', kind: 'categorical', phrase: { text: '', vocabulary: 'shop' } },
  { name: 'channel_code', kind: 'categorical', phrase: { text: '', vocabulary: 'channel' } },
] as unknown as readonly Feature[]
const FITTED = {
  vocabularies: {
    shop: [{ value: 'books' }, { value: '7' }],
    channel: [{ value: 'web' }, { value: 'store' }],
  },
} as unknown as FittedFeatures

/** Compares rows by a model whose probability is the sum of its features, a missing one counting as 0.5. */
const comparing = (tolerance = 1e-5) => {
  const seen: number[][] = []
  const scoreOne = (vector: ArrayLike<number>): number => {
    seen.push(Array.from(vector))
    return Array.from(vector, (value) => (Number.isNaN(value) ? 0.5 : value)).reduce((a, b) => a + b)
  }
  const categories = new Map([
    [
      1,
      [
        { value: '7', code: 1 },
        { value: 'toys', code: undefined },
        { value: 12, code: 12 },
      ],
    ],
  ])
  const comparison = createScoreComparison(
    { featureNames: NAMES, scoreOne } as unknown as ModelScorer,
    { featureNames: NAMES, categories, features: FEATURES, fitted: FITTED },
    tolerance,
  )
  return { ...comparison, seen }
}

describe('cells of the owner of a model', () => {
  it.each<[string, readonly (string | null)[], readonly number[]]>([
    ['numbers', ['1e-1', '12', '1'], [0.1, 12, 1]],
    ['numbers of columns that pandas has made floats', ['2.50', '12.0', '1.0'], [2.5, 12, 1]],
    ['yes and no', ['True', '12', 'false'], [1, 12, 0]],
    ['infinite ones', ['-inf', '12', 'Infinity'], [-Infinity, 12, Infinity]],
    ['missing ones of Python, R and SQL', ['NaN', '<NA>', 'None'], [Number.NaN, Number.NaN, Number.NaN]],
    ['nothing', ['', null, 'NULL'], [Number.NaN, Number.NaN, Number.NaN]],
    ['texts of a known column, also those that look like numbers', ['0', '7', 'store'], [0, 1, 1]],
    ['texts that the run does not know', ['0', 'toys', 'fax'], [0, -1, -1]],
    ['texts that the training frame did not have', ['0', 'planes', 'web'], [0, -1, 0]],
  ])('are read: %s', (_, cells, vector) => {
    const { add, seen } = comparing()
    expect(add({ row: 1, cells, score: '0' })).toBeUndefined()
    expect(seen).toEqual([vector])
  })

  it('are refused where they are neither a number nor a category', () => {
    const { add, seen } = comparing()
    expect(add({ row: 3, cells: ['12,5', '7', '1'], score: '0' })).toEqual({
      row: 3,
      column: 0,
      got: '12,5',
    })
    expect(add({ row: 3, cells: ['0x10', '7', '1'], score: '0' })).toMatchObject({ column: 0 })
    expect(seen).toEqual([])
  })

  it.each([['1.5'], ['-0.1'], ['fraud'], [''], [null], ['nan']])('have a probability: not %s', (score) => {
    const { add } = comparing()
    expect(add({ row: 2, cells: ['0', '7', '0'], score })).toEqual({ row: 2, got: score ?? 'nothing' })
  })
})

describe('scores of the owner of a model', () => {
  const row = (number: number, amount: string, score: string) => ({
    row: number,
    cells: [amount, 'books', 'web'],
    score,
  })

  it('are compared by their largest difference, and those above the tolerance are kept', () => {
    const { add, result } = comparing(0.01)
    for (const one of [row(1, '1.5', '0.5'), row(2, '1.25', '0.255'), row(3, '1.75', '0')]) add(one)
    expect(result()).toEqual({
      rows: 3,
      differing: 1,
      largest: { row: 3, difference: 0.75 },
      missing: [0, 0, 0],
      sample: [1.5, 1.25, 1.75].map((amount) => Float64Array.of(amount, -1, 0)),
      examples: [{ row: 3, vector: Float64Array.of(1.75, -1, 0), theirs: 0, ours: 0.75 }],
    })
  })

  it('may differ by the tolerance, and by no more', () => {
    const { add, result } = comparing(0.25)
    add(row(1, '1.5', '0.75'))
    expect(result().differing).toBe(0)
    add(row(2, '1.5', '0.7500001'))
    expect(result()).toMatchObject({ differing: 1, largest: { row: 2 } })
  })

  it('are counted all and kept in part, so that a file of any length can be compared', () => {
    const { add, result } = comparing()
    for (let number = 1; number <= KEPT_ROWS + 500; number++) add(row(number, '1.5', '0.1'))
    expect(result()).toMatchObject({ rows: KEPT_ROWS + 500, differing: KEPT_ROWS + 500 })
    expect(result().examples).toHaveLength(KEPT_ROWS)
    expect(result().sample).toHaveLength(KEPT_ROWS + 500)
    for (let number = 0; number < 20 * KEPT_ROWS; number++) add(row(number, '1.5', '0.1'))
    expect(result().sample.length).toBeGreaterThan(2000)
    expect(result().sample.length).toBeLessThanOrEqual(4000)
  })
})
