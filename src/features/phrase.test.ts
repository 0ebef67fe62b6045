import { describe, expect, test } from 'vitest'
import { windowText, yesOrNo } from './phrase.ts'

describe('the words of a window', () => {
  test.each([
    ['1h', 'hour'],
    ['7d', '7 days'],
    ['30m', '30 minutes'],
    ['90s', '90 seconds'],
    ['250ms', '250 milliseconds'],
    ['0s', '0 seconds'],
    ['01d', 'day'],
  ])('%s: the last %s', (name, text) => {
    expect(windowText(name)).toBe(text)
  })
})

test('a yes or no has words for both, and for a missing value where one can be', () => {
  expect(yesOrNo('at night', 'not at night')).toEqual({
    text: 'at night: {}',
    as: 'number',
    at: { 0: 'not at night', 1: 'at night' },
  })
  expect(yesOrNo('yes', 'no', 'nobody knows').missing).toBe('nobody knows')
})
