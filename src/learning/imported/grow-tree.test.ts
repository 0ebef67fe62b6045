import { expect, it } from 'vitest'
import { growTree } from './grow-tree.ts'

const grown = (value: number) =>
  growTree(0, () => ({ value, cover: 1 }), 'trees[3]', { nodes: 10, codes: 10 })

it('a leaf whose value is no finite number is refused, whatever came of its weight or scale', () => {
  expect(grown(0.5).value).toEqual([0.5])
  for (const value of [Number.POSITIVE_INFINITY, Number.NaN])
    expect(() => grown(value)).toThrow(`has a leaf whose value is ${value}`)
})
