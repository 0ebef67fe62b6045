import { expect, test } from 'vitest'
import { decimalsOf } from './currencies.ts'

test.each([
  ['EUR', 2],
  ['JPY', 0],
  ['KWD', 3],
  ['CLF', 4],
  ['UGX', 0],
  ['XCG', 2],
  ['XAU', undefined],
  ['HRK', undefined],
  ['eur', undefined],
])('%s has %s decimals in ISO 4217', (currency, decimals) => {
  expect(decimalsOf(currency)).toBe(decimals)
})
