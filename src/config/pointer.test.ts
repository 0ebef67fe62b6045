import fc from 'fast-check'
import { expect, it } from 'vitest'
import { pathOf, pointerOf, selfAndAncestors } from './pointer.ts'

it('writes a path as a JSON pointer', () => {
  expect(pointerOf(['split', 'train_share'])).toBe('/split/train_share')
  expect(pointerOf(['a/b', 'c~d'])).toBe('/a~1b/c~0d')
  expect(pointerOf([])).toBe('')
})

it('lists a place and what is around it, the root last', () => {
  expect(selfAndAncestors('/a/b')).toEqual(['/a/b', '/a', ''])
})

it('law: reading a pointer gives its path back', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (path) => {
      expect(pathOf(pointerOf(path))).toEqual(path)
    }),
  )
})
