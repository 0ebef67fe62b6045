import { expect, test } from 'vitest'
import { superfluous } from './thin-snapshots.ts'

/** Snapshots of these records, each taken at its number of days. */
const taken = (...days: readonly number[]) => days.map((day) => ({ sequence: day * 10, takenAtMs: day }))
const gone = (days: readonly number[], first: number, kept: number): number[] =>
  superfluous(taken(...days), first, kept).map(({ takenAtMs }) => takenAtMs)

test('the oldest and the latest stay, and those between them that lie furthest apart', () => {
  expect(gone([1, 2, 3, 4, 5], 1, 3)).toEqual([2, 4])
  expect(gone([1, 5, 9, 10, 11], 1, 4)).toEqual([10])
  expect(gone([1, 2], 1, 2)).toEqual([])
})

test('of those before the beginning of the log the last stays: it is what the log begins with', () => {
  expect(gone([1, 2, 3, 4], 31, 3)).toEqual([1, 2])
  expect(gone([1, 2, 3, 4, 5, 6], 21, 3)).toEqual([1, 4])
})
