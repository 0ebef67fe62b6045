import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatDuration, parseDuration } from './duration.ts'

describe('parseDuration', () => {
  it.each([
    ['7d', 604_800_000],
    ['1h', 3_600_000],
    ['30m', 1_800_000],
    ['90s', 90_000],
    ['250ms', 250],
    ['0s', 0],
  ])('reads %s as %i milliseconds', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds)
  })

  it.each(['', '7', 'd', '7 d', '-1h', '1.5h', '7D', '1h30m', '7days', '99999999999999999d'])(
    'refuses "%s" and names the units',
    (text) => {
      expect(() => parseDuration(text)).toThrow(/d \(days\), h, m, s or ms/)
    },
  )
})

describe('formatDuration', () => {
  it('uses the largest unit that divides the duration', () => {
    expect(formatDuration(86_400_000)).toBe('1d')
    expect(formatDuration(90_000)).toBe('90s')
    expect(formatDuration(1_500)).toBe('1500ms')
    expect(formatDuration(0)).toBe('0s')
  })

  it('refuses what is no duration', () => {
    expect(() => formatDuration(-1)).toThrow('-1 ms')
    expect(() => formatDuration(0.5)).toThrow('0.5 ms')
  })

  it('law: parsing what it wrote gives the same duration back', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (milliseconds) => {
        expect(parseDuration(formatDuration(milliseconds))).toBe(milliseconds)
      }),
    )
  })
})
