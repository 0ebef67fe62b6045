import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { gridCombinations, randomCombinations } from './combinations.ts'
import type { FoldSettings } from './fold.ts'
import { makeFolds } from './folds.ts'
import { prequentialFolds } from './prequential-folds.ts'
import { stratifiedFolds } from './stratified-folds.ts'
import { summariseSearch } from './summary.ts'
import { takeRows } from './take-rows.ts'

describe('candidates', () => {
  it('a grid is every combination, settings by name, the last one fastest', () =>
    expect(gridCombinations({ trees: [10, 20], depth: [3, 6] })).toEqual([
      { depth: 3, trees: 10 },
      { depth: 3, trees: 20 },
      { depth: 6, trees: 10 },
      { depth: 6, trees: 20 },
    ]))
  it('a value written twice is tried once', () =>
    expect(gridCombinations({ c: [1, 1, 2] })).toEqual([{ c: 1 }, { c: 2 }]))
  it('without settings there is one candidate: the settings as they are', () =>
    expect(gridCombinations({})).toEqual([{}]))
  it('as many draws as combinations are the grid', () =>
    expect(randomCombinations(grid, 12, 1)).toEqual(gridCombinations(grid)))
  it('another seed draws others', () =>
    expect(randomCombinations(grid, 4, 1)).not.toEqual(randomCombinations(grid, 4, 2)))
  it('law: draws differ, come from the grid in its order, are the same again, and fewer are among more', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 11 }), fc.integer(), (count, seed) => {
        const drawn = randomCombinations(grid, count, seed)
        expect(drawn).toEqual(
          gridCombinations(grid).filter((candidate) => keysOf(drawn).has(keyOf(candidate))),
        )
        expect(drawn).toHaveLength(count)
        expect(randomCombinations(grid, count, seed)).toEqual(drawn)
        const more = keysOf(randomCombinations(grid, count + 1, seed))
        for (const candidate of drawn) expect(more).toContain(keyOf(candidate))
      }),
    )
  })
})

describe('stratified folds', () => {
  it('law: every row is judged once and learnt from otherwise; sizes and frauds differ by one at most', () => {
    fc.assert(
      fc.property(manyLabels, fc.integer({ min: 2, max: 6 }), fc.integer(), (labels, k, seed) => {
        const folds = stratifiedFolds(labels, k, seed)
        expect(folds.flatMap(({ test }) => [...test]).sort((a, b) => a - b)).toEqual([...labels.keys()])
        for (const { train, test } of folds) {
          expect([...train, ...test].sort((a, b) => a - b)).toEqual([...labels.keys()])
        }
        expectEven(folds.map(({ test }) => test.length))
        expectEven(folds.map(({ test }) => test.filter((row) => labels[row] === 1).length))
        expect(stratifiedFolds(labels, k, seed)).toEqual(folds)
      }),
    )
  })
  it('another seed divides otherwise', () => {
    const labels = new Uint8Array(40)
    expect(stratifiedFolds(labels, 2, 1)).not.toEqual(stratifiedFolds(labels, 2, 2))
  })
})

describe('prequential folds', () => {
  // One row a day, on days 0 to 10.
  const days = Float64Array.from({ length: 11 }, (_, day) => day)
  const settings: FoldSettings = {
    validation: 'prequential',
    folds: 3,
    window: 'expanding',
    testLengthMs: null,
    gapMs: 2,
  }

  it('expanding: the time without the gap is divided by folds + 1', () =>
    expect(plain(prequentialFolds(days, settings))).toEqual([
      { train: [0, 1], test: [4, 5] },
      { train: [0, 1, 2, 3], test: [6, 7] },
      { train: [0, 1, 2, 3, 4, 5], test: [8, 9, 10] },
    ]))
  it('sliding: each learns from as long a past as the first', () =>
    expect(
      plain(prequentialFolds(days, { ...settings, window: 'sliding' })).map(({ train }) => train),
    ).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
    ]))
  it('tests of one day leave five days to learn from', () =>
    expect(plain(prequentialFolds(days, { ...settings, testLengthMs: 1 }))).toEqual([
      { train: [0, 1, 2, 3, 4], test: [7] },
      { train: [0, 1, 2, 3, 4, 5], test: [8] },
      { train: [0, 1, 2, 3, 4, 5, 6], test: [9, 10] },
    ]))
  it('a row that arrived after the cut is not learnt from, however long ago it happened', () => {
    const late = Float64Array.of(0, 1, 2, 3, 4, 5, 1, 6, 7, 8, 9, 10)
    const lateRow = 6
    const trains = plain(prequentialFolds(late, settings)).map(({ train }) => train)
    expect(trains.map((train) => train.includes(lateRow))).toEqual([false, false, true])
  })
  it('law: no row peeks: what is learnt from happened a gap before, and arrived before, all that is judged', () => {
    fc.assert(
      fc.property(arrivals, fc.constantFrom('expanding', 'sliding'), ({ times, ...drawn }, window) => {
        for (const { train, test } of prequentialFolds(times, { ...settings, ...drawn, window })) {
          const firstTested = Math.min(...Array.from(test, (row) => times[row]!))
          for (const row of train) expect(times[row]! + drawn.gapMs).toBeLessThan(firstTested)
          expect(Math.max(-1, ...train)).toBeLessThan(Math.min(times.length, ...test))
        }
      }),
    )
  })
  it('law: no row is judged twice, and the last one is judged', () => {
    fc.assert(
      fc.property(arrivals, ({ times, ...drawn }) => {
        const tested = prequentialFolds(times, { ...settings, ...drawn }).flatMap(({ test }) => [...test])
        expect(new Set(tested).size).toBe(tested.length)
        expect(tested).toContain(times.indexOf(Math.max(...times)))
      }),
    )
  })
  it('too short a time is refused with what would fit', () => {
    const week = Float64Array.of(0, 7 * 86_400_000)
    expect(() => prequentialFolds(week, { ...settings, gapMs: 7 * 86_400_000 })).toThrow(
      'The training rows span 7 days; 3 prequential tests of equal length and a gap of 7 days leave nothing to learn from',
    )
  })
  it('a fold without fraud is refused by its number', () => {
    const labels = Uint8Array.of(1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0)
    expect(() => makeFolds(labels, days, settings, 1)).toThrow('Fold 2 of 3 is judged on 0 frauds in 2 rows')
  })
})

describe('the best candidate', () => {
  const candidates = [{ c: 1 }, { c: 2 }, { c: 3 }]

  it('has the highest mean over the folds', () => {
    const summary = summariseSearch('higher', candidates, [
      [0.7, 0.9],
      [0.8, 1],
      [0.5, 0.5],
    ])
    expect(summary.best).toBe(1)
    expect(summary.tried[0]).toEqual({
      settings: { c: 1 },
      folds: [0.7, 0.9],
      mean: 0.8,
      deviation: expect.closeTo(Math.SQRT2 / 10, 12),
    })
  })
  it('has the lowest cost', () => expect(summariseSearch('lower', candidates, [[5], [3], [4]]).best).toBe(1))
  it('is the first of those that tie', () =>
    expect(summariseSearch('higher', candidates, [[0.5], [0.9], [0.9]]).best).toBe(1))
  it('is the first of those within the tolerance', () => {
    expect(summariseSearch('higher', candidates, [[0.5], [0.89], [0.9]], 0.02).best).toBe(1)
    expect(summariseSearch('lower', candidates, [[9], [3.1], [3]], 0.2).best).toBe(1)
  })
  it('is defined on every fold', () => {
    const summary = summariseSearch('higher', candidates, [[Number.NaN], [0.6], [0.5]])
    expect(summary.best).toBe(1)
    expect(summary.tried[0]).toEqual({ settings: { c: 1 }, folds: [null], mean: null, deviation: null })
  })
  it('is none when none is defined', () =>
    expect(summariseSearch('higher', candidates, [[Number.NaN], [Number.NaN], []]).best).toBeNull())
})

it('rows are taken in the order asked for, and may repeat', () => {
  const table = {
    names: ['a', 'b'],
    rowCount: 3,
    columns: [Float64Array.of(1, 2, 3), Float64Array.of(4, 5, Number.NaN)],
    categorical: ['b'],
  }
  expect(takeRows(table, Uint8Array.of(0, 1, 0), Int32Array.of(2, 1, 1))).toEqual({
    table: {
      names: ['a', 'b'],
      rowCount: 3,
      columns: [Float64Array.of(3, 2, 2), Float64Array.of(Number.NaN, 5, 5)],
      categorical: ['b'],
    },
    labels: Uint8Array.of(0, 1, 1),
  })
})

const grid = { depth: [3, 6], eta: [0.1, 0.3, 0.5], trees: [10, 20] }

const keyOf = (candidate: object): string => JSON.stringify(candidate)
const keysOf = (candidates: readonly object[]): ReadonlySet<string> => new Set(candidates.map(keyOf))

const expectEven = (counts: readonly number[]): void =>
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)

const plain = (folds: ReturnType<typeof prequentialFolds>) =>
  folds.map(({ train, test }) => ({ train: [...train], test: [...test] }))

const manyLabels = fc
  .array(fc.integer({ min: 0, max: 1 }), { minLength: 1, maxLength: 60 })
  .map((labels) => Uint8Array.from(labels))

/** Times of 2 to 60 rows, some of which arrive late, over more than the gap. */
const arrivals = fc
  .record({
    times: fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 2, maxLength: 60 }),
    lateness: fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 60, maxLength: 60 }),
    gapMs: fc.integer({ min: 0, max: 200 }),
    folds: fc.integer({ min: 2, max: 5 }),
  })
  .map(({ times, lateness, ...rest }) => ({
    ...rest,
    times: Float64Array.from(
      times.toSorted((a, b) => a - b),
      (time, i) => time - lateness[i]!,
    ),
  }))
  .filter(({ times, gapMs }) => Math.max(...times) - Math.min(...times) > gapMs + 1)
