import { expect, it } from 'vitest'
import { nearest } from './nearest.ts'

it('finds what was probably meant', () => {
  expect(nearest('trian_share', ['train_share', 'test_share'])).toBe('train_share')
})

it('says nothing rather than something far away', () => {
  expect(nearest('colour', ['train_share', 'seed'])).toBeUndefined()
  expect(nearest('anything', [])).toBeUndefined()
})
