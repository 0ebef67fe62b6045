import { expect, test } from 'vitest'
import { predictionNames } from './prediction-names.ts'

test('a prediction id is the name of its states and its number, and nothing else is one', () => {
  const names = predictionNames({ logName: 'ab-c' })
  expect(names.idOf(12)).toBe('ab-c-12')
  expect(names.sequenceOf('ab-c-12')).toBe(12)
  for (const id of ['ab-c-0', 'ab-c-', 'ab-12', 'ab-c-1x', 'ab-c-01', 'xab-c-12', 't1', ''])
    expect(names.sequenceOf(id)).toBeUndefined()
})

test('states that came from a backup keep the ids of what they had, and give others: both may go on', () => {
  const names = predictionNames({
    logName: 'new',
    earlierNames: [
      { logName: 'first', through: 10 },
      { logName: 'second', through: 20 },
    ],
  })
  expect([10, 11, 20, 21].map((n) => names.idOf(n))).toEqual(['first-10', 'second-11', 'second-20', 'new-21'])
  expect(names.sequenceOf('second-11')).toBe(11)
  // Numbers that the original has given to others since.
  expect(names.sequenceOf('second-21')).toBeUndefined()
  expect(names.sequenceOf('first-11')).toBeUndefined()
  expect(names.sequenceOf('new-20')).toBeUndefined()
})
