import { createRandom } from '../../foundation/random.ts'

/** Values to try of each setting, by its name. */
export type Grid = Readonly<Record<string, readonly GridValue[]>>
export type GridValue = string | number | boolean

/** One value of each setting of a grid. */
export type Combination = Readonly<Record<string, GridValue>>

/**
 * Every combination. Settings are taken in alphabetical order, the last one varying fastest, and values in
 * the order written; so the first combination has the first value of every setting. A value written twice
 * counts once. A grid without settings has one combination, {}; one with an empty list has none.
 */
export const gridCombinations = (grid: Grid): readonly Combination[] => {
  const { names, values } = ordered(grid)
  return values
    .reduce<readonly (readonly number[])[]>(
      (places, list) => places.flatMap((place) => list.map((_, index) => [...place, index])),
      [[]],
    )
    .map((place) => combinationAt(names, values, place))
}

/**
 * `count` different combinations drawn at random, each combination as likely as any other, in the order of
 * `gridCombinations`; all of them when there are no more. The same grid, count and seed give the same draws,
 * and fewer draws are among more.
 */
export const randomCombinations = (grid: Grid, count: number, seed: number): readonly Combination[] => {
  const { names, values } = ordered(grid)
  const combinations = values.reduce((product, list) => product * list.length, 1)
  if (combinations <= count) return gridCombinations(grid)
  const random = createRandom(seed).fork('search candidates')
  const drawn = new Map<string, readonly number[]>()
  // Repeats are drawn again: even for all combinations but one that is about `count * log(count)` draws.
  while (drawn.size < count) {
    const place = values.map((list) => random.integer(list.length))
    const key = place.join(' ')
    if (!drawn.has(key)) drawn.set(key, place)
  }
  return [...drawn.values()].sort(comparePlaces).map((place) => combinationAt(names, values, place))
}

const ordered = (grid: Grid) => {
  const names = Object.keys(grid).sort()
  return { names, values: names.map((name) => [...new Set(grid[name])]) }
}

const combinationAt = (
  names: readonly string[],
  values: readonly (readonly GridValue[])[],
  place: readonly number[],
): Combination => Object.fromEntries(names.map((name, i) => [name, values[i]![place[i]!]!]))

const comparePlaces = (a: readonly number[], b: readonly number[]): number => {
  const differs = a.findIndex((index, i) => index !== b[i])
  return differs < 0 ? 0 : a[differs]! - b[differs]!
}
