import { expect, test } from 'vitest'
import { createRandom } from '../foundation/random.ts'
import { decodeDays, encodeDays } from './days-encoding.ts'
import { daysWithoutScores } from './days-without-scores.ts'
import { ProfileBook } from './profile-book.ts'
import { profileLayoutOf, scoreLayoutOf } from './profile-layout.ts'
import type { DriftReference } from './reference-bins.ts'

const REFERENCE = {
  features: {
    amount: { kind: 'numeric', count: 3, missing: 0, variance: 1, edges: [0, 1], counts: [1, 1, 1] },
    code: { kind: 'categorical', count: 2, missing: 0, codes: [1, 2], counts: [1, 1] },
  },
  score: {
    profile: { kind: 'numeric', count: 2, missing: 0, variance: 1, edges: [0.1, 0.5], counts: [1, 1, 0] },
  },
} as const satisfies DriftReference

const bookOf = (threshold: number, scores: 'theirs' | 'none'): ProfileBook => {
  const random = createRandom('days')
  const book = new ProfileBook(REFERENCE, { threshold })
  for (let row = 0; row < 500; row++) {
    const features = Float64Array.of(random.normal(), 1 + random.integer(3))
    const score = random.next()
    const segment = row % 3 === 0 ? 'card' : 'transfer'
    book.add(row * 3_600_000, features, scores === 'none' ? Number.NaN : score, segment)
  }
  return book
}
const daysOf = (book: ProfileBook) => Array.from({ length: 20 }, (_, day) => book.day(day)!)

test('law: they are those of rows without scores, bit for bit, and read for another threshold', () => {
  const layout = profileLayoutOf(REFERENCE, { threshold: 0.8 })
  const scoreLayout = scoreLayoutOf(REFERENCE, 0.8)
  const made = encodeDays(daysWithoutScores(daysOf(bookOf(0.3, 'theirs')), layout, scoreLayout))
  expect(made).toEqual(encodeDays(daysOf(bookOf(0.8, 'none'))))
  const read = decodeDays(made, layout, scoreLayout)
  expect(read.map(({ profile }) => [profile.rows, profile.scored, profile.alerts])).toEqual(
    read.map(() => [24, 0, 0]),
  )
  expect(() => decodeDays(encodeDays(daysOf(bookOf(0.3, 'theirs'))), layout, scoreLayout)).toThrow(
    'for the threshold, of another model',
  )
})
