import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rowsByScore } from './rows-by-score.ts'

test('rows rise or fall by score, of equal scores the lowest row first', () => {
  const scores = Float64Array.of(0.5, 0.9, 0.5, 0, -0, 1)
  expect([...rowsByScore(scores, 'rising')]).toEqual([3, 4, 0, 2, 1, 5])
  expect([...rowsByScore(scores, 'falling')]).toEqual([5, 1, 0, 2, 3, 4])
})

test('no rows have no order', () => {
  expect([...rowsByScore(new Float64Array(0), 'rising')]).toEqual([])
})

test('law: the order is that of a stable sort by comparison', () => {
  fc.assert(
    fc.property(fc.array(score), (values) => {
      const scores = Float64Array.from(values)
      const rows = values.map((_, row) => row)
      const byScore = (a: number, b: number): number =>
        scores[a]! < scores[b]! ? -1 : Number(scores[a]! > scores[b]!)
      expect([...rowsByScore(scores, 'rising')]).toEqual(rows.toSorted(byScore))
      expect([...rowsByScore(scores, 'falling')]).toEqual(rows.toSorted((a, b) => byScore(b, a)))
    }),
  )
})

const score = fc.oneof(fc.double({ noNaN: true }), fc.constantFrom(-1, -0, 0, 0.25, 0.5, 1))
