import { expect, test } from 'vitest'
import { rangesText } from '../decisions/log/number-ranges.ts'
import { NumbersInARow, type NumbersInARowOptions } from './numbers-in-a-row.ts'

const one = (number: number) => ({ first: number, last: number })

const counted = (numbers: readonly number[], options: Partial<NumbersInARowOptions> = {}) => {
  const given = Math.max(...numbers)
  const row = new NumbersInARow({ after: 0, given, waiting: [], accepted: [], ...options })
  const taken = numbers.filter((number) => row.take(number))
  const { open, missing, doubled, left } = row.finish()
  return { taken, last: row.last, open: rangesText(open), missing: rangesText(missing), doubled, left }
}

test('a whole run goes to its end, from the start on', () => {
  expect(counted([3, 4, 5], { after: 2 })).toMatchObject({ taken: [3, 4, 5], last: 5, open: '', left: 0 })
})

test('a number that waits in the store ends the run, and nothing is open', () => {
  const waiting = [one(3)]
  expect(counted([1, 2, 4, 5], { waiting })).toEqual({
    taken: [1, 2],
    last: 2,
    open: '',
    missing: '',
    doubled: [],
    left: 2,
  })
})

test('a number that was given after the store was asked ends it too', () => {
  expect(counted([1, 2, 4], { given: 2 })).toMatchObject({ last: 2, open: '', left: 1 })
})

test('numbers that neither logs nor store have are open: between records, and after the last one', () => {
  expect(counted([1, 3, 5], { waiting: [one(2)], given: 8 })).toMatchObject({ last: 1, open: '4,6-8' })
})

test('accepted numbers break nothing', () => {
  const accepted = [{ first: 3, last: 5 }]
  expect(counted([1, 2, 6, 7], { accepted })).toMatchObject({ last: 7, open: '', missing: '3-5', left: 0 })
  // Half of a gap is not all of it.
  expect(counted([1, 2, 7], { accepted })).toMatchObject({ last: 2, open: '6', missing: '', left: 1 })
})

test('numbers of two records are told', () => {
  expect(counted([1, 2, 2, 3])).toMatchObject({ taken: [1, 2, 2, 3], last: 3, doubled: [one(2)] })
})
