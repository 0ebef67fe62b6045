import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  automaticBins,
  binCategoryColumn,
  binNumericColumn,
  middleOfGap,
  placeCategoryBins,
  placeNumericBins,
  placingRows,
} from './bins.ts'

describe('bins of a numeric feature', () => {
  test('are one for each value while there are bins enough, cut midway', () => {
    expect([...cutsOf([3, 1, 2, 2, Number.NaN], [0, 1, 0, 0, 1], 255)]).toEqual([1.5, 2.5])
  })

  test('of one value need no cut, and of none neither', () => {
    expect([...cutsOf([7, 7, 7], [0, 1, 0], 255)]).toEqual([])
    expect([...cutsOf([Number.NaN, Number.NaN], [0, 1], 255)]).toEqual([])
  })

  test('stand where the frauds are: a tail of one row in a hundred gets a third of them', () => {
    const values = Array.from({ length: 10_000 }, (_, row) => row)
    const labels = values.map((value) => (value >= 9900 ? 1 : 0))
    const cuts = cutsOf(values, labels, 30)
    expect(cuts).toHaveLength(29)
    // Equal frequency would leave the tail a single cut.
    expect(cuts.filter((cut) => cut > 9900)).toHaveLength(10)
  })

  test('give a value that fills a third of the rows a bin of its own', () => {
    const values = Array.from({ length: 3000 }, (_, row) => (row < 1000 ? 500 : row))
    const cuts = [...cutsOf(values, Array(3000).fill(0), 20)]
    expect(cuts).toContain(750)
    expect(cuts.filter((cut) => cut <= 750)).toHaveLength(1)
  })

  test('hold edges[b - 1] <= x < edges[b]; the missing bin is the last', () => {
    const out = new Uint8Array(6)
    binNumericColumn(Float64Array.of(0.9, 1, 1.9, 2, 1e300, Number.NaN), Float64Array.of(1, 2), out)
    expect([...out]).toEqual([0, 1, 1, 2, 2, 3])
  })

  test('law: a bin is the number of cuts that are not above the value', () => {
    const values = fc.double({ noNaN: true, min: -100, max: 100 })
    fc.assert(
      fc.property(fc.array(values), fc.array(values, { maxLength: 300 }), (column, cuts) => {
        const edges = Float64Array.from(new Set(cuts)).sort()
        const out = new Uint16Array(column.length)
        binNumericColumn(Float64Array.from(column), edges, out)
        expect([...out]).toEqual(column.map((value) => edges.filter((edge) => edge <= value).length))
      }),
    )
  })

  test('law: cuts rise, are no more than asked for, and part values that are there', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: -200, max: 200 }), fc.integer({ min: 0, max: 1 })), {
          minLength: 1,
          maxLength: 400,
        }),
        fc.integer({ min: 2, max: 40 }),
        (rows, maxBins) => {
          const values = rows.map(([value]) => value)
          const cuts = [
            ...cutsOf(
              values,
              rows.map(([, label]) => label),
              maxBins,
            ),
          ]
          expect(cuts.length).toBeLessThan(maxBins)
          expect(cuts).toEqual(cuts.toSorted((a, b) => a - b))
          let below = Number.NEGATIVE_INFINITY
          for (const cut of [...cuts, Number.POSITIVE_INFINITY]) {
            expect(values.some((value) => value >= below && value < cut)).toBe(true)
            below = cut
          }
        },
      ),
    )
  })
})

describe('bins of a categorical feature', () => {
  test('are one for each code, the commonest first; codes without a bin share the last', () => {
    const column = Float64Array.of(5, -1, 5, 9, 9, 5, Number.NaN)
    const edges = placeCategoryBins(column)
    expect([...edges]).toEqual([5, 9, -1])
    const out = new Uint8Array(7)
    binCategoryColumn(column, { isCategorical: true, count: 2, edges }, out)
    expect([...out]).toEqual([0, 1, 0, 1, 1, 0, 2])
  })
})

test('few rows get many bins, and many rows as many as a byte can count', () => {
  const binsOf = (maxBins: number, rows: number) => automaticBins(maxBins, rows, 1000)
  expect([binsOf(0, 1000), binsOf(0, 1001), binsOf(64, 1000), binsOf(64, 1001)]).toEqual([1023, 255, 64, 64])
})

test('a cut through empty bins is the one nearest to their middle', () => {
  const bins = { isCategorical: false, count: 6, edges: Float64Array.of(1, 2, 3, 4, 5) }
  // Bins 0 and 5 hold rows: cuts at 1 ... 5 part the same ones.
  expect(bins.edges[middleOfGap(bins, 0, 5)]).toBe(3)
  expect(bins.edges[middleOfGap(bins, 2, 3)]).toBe(3)
})

test('rows of weight 0 place no bins', () => {
  const { frauds, genuine } = placingRows([0, 1, 0, 1], [0, 1, 2, 0])
  expect([[...frauds], [...genuine]]).toEqual([[1], [2]])
})

test('bins are placed by every fraud and by an even sample of many genuine rows', () => {
  const labels = Uint8Array.from({ length: 300_000 }, (_, row) => (row % 1000 === 0 ? 1 : 0))
  const { frauds, genuine } = placingRows(labels, undefined)
  expect(frauds).toHaveLength(300)
  expect(genuine).toHaveLength(74_925)
  expect(genuine.every((row) => labels[row] === 0)).toBe(true)
  expect(new Set(genuine).size).toBe(74_925)
})

function cutsOf(values: readonly number[], labels: readonly number[], maxBins: number): Float64Array {
  return placeNumericBins(Float64Array.from(values), placingRows(labels, undefined), maxBins)
}
