import { describe, expect, it } from 'vitest'
import { shareOf } from './shares.ts'

describe('the memory of states of several layouts', () => {
  it('belongs to those that decide while no others follow', () => {
    expect(shareOf({ cacheBytes: 512, followingBytes: 512 }, 0, true)).toBe(1)
  })

  it.each([
    ['nothing more', 0, 1, 0.75, 0.25],
    ['nothing more, for two', 0, 2, 0.75, 0.125],
    ['an eighth more', 64, 1, 0.875, 0.25],
    ['as much again', 512, 1, 1, 1],
    ['as much again, for two', 512, 2, 1, 0.5],
  ])('with %s', (_, followingBytes, followers, deciding, following) => {
    const settings = { cacheBytes: 512, followingBytes }
    expect(shareOf(settings, followers, true)).toBe(deciding)
    expect(shareOf(settings, followers, false)).toBe(following)
    expect(deciding + followers * following).toBe(1 + followingBytes / 512)
  })
})
