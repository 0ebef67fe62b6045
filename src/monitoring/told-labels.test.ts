import { describe, expect, test } from 'vitest'
import { labelAt, settledLabel, type Word } from './told-labels.ts'

const said = (...words: readonly (readonly [number, boolean | null])[]): readonly Word[] =>
  words.map(([knownAtMs, isFraud]) => ({ knownAtMs, isFraud }))

describe('what is known of a transaction', () => {
  test('is nothing before the first word, and the latest word from its time on', () => {
    const words = said([10, true], [20, false])
    expect(labelAt(words, 9)).toBeUndefined()
    expect(labelAt(words, 10)).toEqual({ isFraud: true, sinceMs: 10 })
    expect(labelAt(words, 20)).toEqual({ isFraud: false, sinceMs: 20 })
  })

  test('is nothing again once it was taken back', () => {
    expect(labelAt(said([10, true], [20, null]), 25)).toBeUndefined()
    expect(labelAt(said([10, true], [20, null], [30, true]), 35)).toEqual({ isFraud: true, sinceMs: 30 })
  })

  test('is as old as its first word, however often it is repeated', () => {
    expect(labelAt(said([10, true], [40, true]), 50)).toEqual({ isFraud: true, sinceMs: 10 })
    expect(labelAt(said([10, true], [20, false], [40, true]), 50)).toEqual({ isFraud: true, sinceMs: 40 })
  })
})

test('who told it first is who told it', () => {
  const words: readonly Word[] = [
    { knownAtMs: 10, isFraud: true, toldBy: 'customer' },
    { knownAtMs: 20, isFraud: true, toldBy: 'alert' },
  ]
  expect(labelAt(words, 25)).toEqual({ isFraud: true, sinceMs: 10, toldBy: 'customer' })
  expect(settledLabel(words, 5)).toEqual({ isFraud: true, sinceMs: 10, toldBy: 'customer' })
})

describe('what was known as a day settled', () => {
  test('does not change with what is said later', () => {
    expect(settledLabel(said([10, true], [40, false]), 30)).toEqual({ isFraud: true, sinceMs: 10 })
    expect(settledLabel(said([10, true]), 30)).toEqual({ isFraud: true, sinceMs: 10 })
  })

  test('is what was said first after it, where nobody had said anything', () => {
    expect(settledLabel(said([40, true], [50, false]), 30)).toEqual({ isFraud: true, sinceMs: 40 })
    expect(settledLabel(said([10, true], [20, null]), 30)).toBeUndefined()
    expect(settledLabel([], 30)).toBeUndefined()
  })
})
