import { expect, test } from 'vitest'
import { fitFeatures } from './fitted-features.ts'
import { createFittedLookup } from './fitted-lookup.ts'

const amounts = [1, 2, 3, 4].map((amountMinor) => ({ amountMinor, count: 1 }))
const none = new Map<string, number>()
const categories = {
  merchant_category: new Map(Object.entries({ b: 1, a: 1, c: 2 })),
  transaction_type: none,
  device_type: none,
}
const fitted = fitFeatures({ amounts, categories, rows: 4 }, { bands: 2, vocabularySize: 2 })

test('two bands of four amounts part after the second; the edge belongs to the lower band', () => {
  expect(fitted.amountBandEdgesMinor).toEqual([2])
  expect([1, 2, 3, 9].map(createFittedLookup(fitted).amountBand)).toEqual([0, 0, 1, 1])
})

test('equal edges are merged', () => {
  const alike = { amounts: [{ amountMinor: 7, count: 4 }], categories, rows: 4 }
  expect(fitFeatures(alike, { bands: 4, vocabularySize: 2 }).amountBandEdgesMinor).toEqual([7])
})

test('a vocabulary has the commonest values first, equals by name, and no more than its size', () => {
  expect(fitted.vocabularies['merchant_category']).toEqual([
    { value: 'c', share: 0.5 },
    { value: 'a', share: 0.25 },
  ])
})
