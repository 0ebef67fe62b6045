import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DURATION_PATTERN, formatDuration, parseDuration, WINDOW_PATTERN } from './duration.ts'

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

describe('the patterns of settings', () => {
  it.each(['7d', '0s', '9999999d', '999999999h', '250ms'])('take %s, which is a safe number', (text) => {
    expect(text).toMatch(new RegExp(DURATION_PATTERN))
    expect(parseDuration(text)).toBeGreaterThanOrEqual(0)
  })

  it.each(['10000000d', '1000000000h', '7 d', 'd'])('refuse %s', (text) => {
    expect(text).not.toMatch(new RegExp(DURATION_PATTERN))
  })

  it('of windows, which are longer than nothing', () => {
    for (const text of ['1ms', '010s', '7d']) expect(text).toMatch(new RegExp(WINDOW_PATTERN))
    for (const text of ['0d', '000ms', '10000000d']) expect(text).not.toMatch(new RegExp(WINDOW_PATTERN))
  })
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
